"""How a run's dialog ends: with what came of it, and a button to load the page where groups of the sidebar changed."""

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


def test_the_tables_of_an_evaluation_stay_below_it(applied_once):
    """Below five tables nobody would scroll to it."""
    dataset = applied_once.clone()
    shown = ending(run("evaluate_strategies", dataset, {"gt_field": "ground_truth", "strategies": ["yolo_box"]}))
    assert list(shown["outputs"]["type"]["properties"])[:3] == ["sidebar", "reload", "title0"]
    assert shown["results"]["table0"][0]["column0"] == "yolo_box"
    dataset.delete()


def test_what_came_of_a_run_stays_in_its_dialog(applied):
    """A note at the window's edge is gone in seconds, and with it what the colours of an overlay mean."""
    orders = run("tag_worst", applied, {"strategy": "yolo_box"})
    told = [order.body.operator_uri.rpartition("/")[2] for order in orders]
    assert "notify" not in told and told[-1] == "show_output"
    shown = fields(orders)
    assert "tagged 'annotate'" in str(shown["note0"])
    assert list(shown).index("note0") < list(shown).index("progress")
