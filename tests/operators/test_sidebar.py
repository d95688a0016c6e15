"""What a run's end shows in the page that it was started in: what came of it, its colours, and the sidebar's groups."""

import sys

import fiftyone as fo

from prompting.dataset.appearance import colours
from tests.copies import copy_of
from tests.operators.asking import run


def ending(orders) -> dict:
    """The last that the dialog shows."""
    return [order.body.params for order in orders if order.body.operator_uri.endswith("show_output")][-1]


def fields(orders) -> dict:
    return ending(orders)["outputs"]["type"]["properties"]


def told(orders, uri: str) -> list[dict]:
    """The parameters of each order of a kind."""
    return [order.body.params for order in orders if order.body.operator_uri.endswith(uri)]


def test_a_first_run_shows_its_groups_and_one_that_changes_no_group_does_not(dataset, nano):
    params = {"strategies": ["yolo_box"], "classes": "person", **nano}
    orders = run("apply_strategies", dataset, params)
    dataset.reload()
    ((shown,), made) = told(orders, "show_sidebar_groups"), dataset.app_config.sidebar_groups
    assert [(group["name"], group["paths"]) for group in shown["groups"]] == [(g.name, g.paths) for g in made]
    assert {group["name"]: group["expanded"] for group in shown["groups"]}["sam2 yolo_box"] is False
    (scheme,) = told(orders, "set_color_scheme")
    assert {entry["path"]: entry["fieldColor"] for entry in scheme["fields"]} == colours(dataset, "sam2")
    assert fields(orders)["progress"]["view"]["label"] == "6 of 6 samples"

    again = run("apply_strategies", dataset, {**params, "existing": "overwrite"})
    assert not told(again, "show_sidebar_groups") and not told(again, "set_color_scheme")
    assert "stop" not in fields(again)


def test_a_field_that_came_since_is_told_where_the_app_shows_it(applied_once):
    """Or the page would take the groups for others than its own, paint all pictures again, and leave the field out."""
    dataset = copy_of(applied_once)
    dataset.set_values("camera", ["a"] * 6)
    module = next(module for name, module in sys.modules.items() if name.endswith(".operators.sidebar"))
    told = {group["name"]: group["paths"] for group in module.groups(dataset)}
    assert told["primitives"][-1] == "camera" and "sam2 yolo_box" in told
    kept = {group.name: group.paths for group in dataset.app_config.sidebar_groups}
    assert "camera" not in kept["primitives"]  # what is told is no order to keep it
    dataset.delete()


def test_where_the_last_results_go_the_groups_are_fiftyones_own_again_and_the_colours_gone(applied_once):
    dataset = copy_of(applied_once)
    orders = run("remove_results", dataset, {"confirm": True})
    dataset.reload()
    ((shown,), standard) = told(orders, "show_sidebar_groups"), fo.DatasetAppConfig.default_sidebar_groups(dataset)
    assert [(group["name"], group["paths"]) for group in shown["groups"]] == [(g.name, g.paths) for g in standard]
    assert told(orders, "set_color_scheme") == [{"fields": []}]
    dataset.delete()


def test_what_came_of_a_run_stays_in_its_dialog(applied):
    """A note at the window's edge is gone in seconds, and with it what the colours of an overlay mean."""
    orders = run("tag_worst", applied, {"strategy": "yolo_box"})
    kinds = [order.body.operator_uri.rpartition("/")[2] for order in orders]
    assert "notify" not in kinds and kinds[-1] == "show_output"
    shown = fields(orders)
    assert "tagged 'annotate'" in str(shown["note0"])
    assert list(shown).index("note0") < list(shown).index("progress")
