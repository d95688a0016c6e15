"""Where a run is done, as the forms ask it, and what a server lets its App ask for."""

import pytest

from tests.operators.asking import form

SIZES = {"workers", "ray_address", "cpus_per_worker", "gpus_per_worker"}
OPERATORS = {
    "apply_strategies": {
        "strategies": ["yolo_box"],
        "classes": "person",
        "existing": "overwrite",
        "models": "bundled",
        "device": "cpu",
    },
    "evaluate_strategies": {"strategies": ["yolo_box"], "gt_field": "ground_truth"},
    "explain_strategies": {"strategies": ["yolo_box"]},
    "finish_labels": {"rule": "one", "strategy": "yolo_box"},
    "sweep_strategies": {"gt_field": "ground_truth", "priors": ["yolo"], "classes": "person", "models": "bundled"},
}


@pytest.mark.parametrize("name", OPERATORS)
def test_more_options_ask_where_it_runs_and_of_ray_how_many_and_where(name, explained, monkeypatch):
    pytest.importorskip("ray", reason="Ray isn't installed (`make setup EXTRA=ray`)")
    monkeypatch.setenv("SAM2_PROMPTING_CLUSTERS", "auto, head:6379")
    params = {**OPERATORS[name], "advanced": True}
    fields = form(name, explained, params)
    assert fields["engine"]["default"] == "here" and not SIZES & fields.keys() and "problem" not in fields
    fields = form(name, explained, {**params, "engine": "ray", "ray_address": "head:6379"})
    assert fields.keys() >= SIZES and "problem" not in fields
    assert [choice["value"] for choice in fields["ray_address"]["view"]["choices"]] == ["auto", "head:6379"]


@pytest.mark.parametrize(
    ("asked", "place", "said"),
    [
        ({"workers": 0}, "workers", "Workers must be a whole number, 1 at least, not 0."),
        (
            {"ray_address": "head:6379"},
            "ray_address",
            "Ray cluster: From the App, and for queued runs, the cluster 'head",
        ),
    ],
)
def test_what_cannot_be_is_told_where_it_is_filled_in(dataset, asked, place, said, monkeypatch):
    pytest.importorskip("ray", reason="Ray isn't installed (`make setup EXTRA=ray`)")
    monkeypatch.delenv("SAM2_PROMPTING_CLUSTERS", raising=False)
    params = {**OPERATORS["apply_strategies"], "advanced": True, "engine": "ray", **asked}
    fields = form("apply_strategies", dataset, params)
    assert fields["problem"]["error_message"].startswith(said) and fields[place]["invalid"]


def test_settings_of_workers_that_nobody_asked_for_are_nobodys_fault_in_a_form(dataset):
    """They stay filled in when somebody goes back to one process."""
    params = {**OPERATORS["apply_strategies"], "advanced": True, "engine": "here", "workers": 2}
    assert "problem" not in form("apply_strategies", dataset, params)
