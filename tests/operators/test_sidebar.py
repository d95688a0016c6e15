"""Where a run changed the sidebar's groups, its dialog ends with a button that loads the page, below what it showed."""

from tests.operators.asking import run


def ending(orders) -> dict:
    """The last that the dialog shows."""
    return [order.body.params for order in orders if order.body.operator_uri.endswith("show_output")][-1]


def fields(orders) -> dict:
    return ending(orders)["outputs"]["type"]["properties"]


def test_a_first_run_offers_to_load_the_page_and_one_that_changes_no_group_does_not(dataset, nano):
    params = {"strategies": ["yolo_box"], "classes": "person", **nano}
    first = fields(run("apply_strategies", dataset, params))
    assert first["reload"]["view"]["href"] == f"/datasets/{dataset.name}"
    assert first["progress"]["view"]["label"] == "6 of 6 samples"
    dataset.reload()
    again = run("apply_strategies", dataset, {**params, "existing": "overwrite"})
    assert "reload" not in fields(again) and "stop" not in fields(again)


def test_the_tables_of_an_evaluation_stay_above_it(applied_once):
    dataset = applied_once.clone()
    shown = ending(run("evaluate_strategies", dataset, {"gt_field": "ground_truth", "strategies": ["yolo_box"]}))
    assert list(shown["outputs"]["type"]["properties"])[-1] == "reload"
    assert shown["results"]["table0"][0]["column0"] == "yolo_box"
    dataset.delete()
