"""FiftyOne finds the plugin, its forms open fast, and they say what is wrong before anything runs."""

import ast
import sys
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest
import yaml
from fiftyone.operators.registry import OperatorRegistry

from prompting.dataset import names, records
from prompting.plan import Plan
from prompting.prompts.strategies import AUTOMATIC, STRATEGIES
from prompting.runs.assembly import resolved
from tests.storing import declare

ROOT = Path(__file__).parents[2]
MANIFEST = yaml.safe_load((ROOT / "fiftyone.yml").read_text())
APPLY, EVALUATE = "apply_strategies", "evaluate_strategies"
BUNDLED = {"models": "bundled"}
"""So that a form's answers don't depend on the internet."""


def form(name: str, dataset, params=None, **request) -> dict:
    """The fields of an operator's form, by name, as the App is sent them."""
    ctx = foo.ExecutionContext({"dataset_name": dataset.name, "params": params or {}, **request})
    return foo.get_operator(f"{MANIFEST['name']}/{name}").resolve_type(ctx, "inputs").to_json()["type"]["properties"]


def module(name: str):
    """A module of the operators, under the name by which FiftyOne imports them."""
    package = type(foo.get_operator(f"{MANIFEST['name']}/{APPLY}")).__module__.rpartition(".")[0]
    return sys.modules[f"{package}.{name}"]


def choices(field: dict) -> list[str]:
    return [choice["value"] for choice in field["view"]["choices"]]


def problem(fields: dict) -> str:
    """The sentence that keeps a form from being executed."""
    assert fields["problem"]["invalid"]
    return fields["problem"]["error_message"]


@pytest.fixture(scope="module")
def pictures(photographs):
    """A dataset without labels, that no test writes to."""
    dataset = fo.Dataset.from_images_dir(str(photographs))
    yield dataset
    dataset.delete()


@pytest.fixture(scope="module")
def people(photographs):
    """The demo's dataset, that no test writes to."""
    from demo.dataset import make_dataset

    dataset = make_dataset(None, photographs)
    yield dataset
    dataset.delete()


def test_every_operator_of_the_manifest_is_registered_and_no_other():
    registered = [operator.name for operator in foo.list_operators(builtin=False, type="operator")]
    assert sorted(registered) == sorted(MANIFEST["operators"])
    assert OperatorRegistry().list_errors() == []


def test_the_file_that_fiftyone_imports_again_and_again_holds_an_import_and_nothing_more():
    statements = ast.parse((ROOT / "__init__.py").read_text()).body
    docstring, import_, exports = statements
    assert isinstance(docstring, ast.Expr)
    assert (import_.module, [name.name for name in import_.names]) == ("operators", ["register"])
    assert exports.targets[0].id == "__all__"


@pytest.mark.parametrize("name", [APPLY, EVALUATE])
def test_operators_can_run_now_or_be_delegated(name):
    config = foo.get_operator(f"{MANIFEST['name']}/{name}").config
    assert config.execute_as_generator and config.allow_immediate_execution and config.allow_delegated_execution


def test_apply_form_offers_every_strategy_and_checks_those_that_need_no_field(people):
    fields = form(APPLY, people)
    assert choices(fields["strategies"]) == list(STRATEGIES)
    assert fields["strategies"]["default"] == list(AUTOMATIC)
    assert "problem" not in fields and "prompt_field" not in fields


def test_every_field_of_the_forms_has_a_label(people):
    everything = {"strategies": ["field_box"], "prompt_field": "ground_truth", "advanced": True}
    for name, field in form(APPLY, people, everything).items():
        assert name == "view_target" or field["view"]["label"], name


def test_apply_form_asks_for_the_field_when_a_field_strategy_is_chosen(people):
    fields = form(APPLY, people, {"strategies": ["field_box"]})
    assert choices(fields["prompt_field"]) == ["ground_truth"]
    assert fields["prompt_field"]["default"] == "ground_truth"
    emptied = form(APPLY, people, {"strategies": ["field_box"], "prompt_field": None})
    assert emptied["prompt_field"]["required"]
    fields = form(APPLY, people, {**BUNDLED, "strategies": ["field_box"], "prompt_field": "ground_truth"})
    assert "problem" not in fields


def test_apply_form_shows_more_options_when_asked(people):
    more = {
        "prefix",
        "seed",
        "background",
        "yolo_confidence",
        "heatmap",
        "batch_size",
        "device",
        "compile",
        "keep_rounds",
    }
    assert not more & form(APPLY, people).keys()
    assert more <= form(APPLY, people, {"advanced": True}).keys()


@pytest.mark.parametrize(
    ("strategy", "asked"),
    [
        ("clip_box", {"clip_model", "background", "heatmap"}),
        ("yolo_box", {"yolo_model", "yolo_confidence"}),
        ("field_box", {"prompt_field", "field_rounds"}),
    ],
)
def test_apply_form_asks_only_for_what_the_chosen_strategies_use(people, strategy, asked):
    of_one_prior = {
        "clip_model",
        "background",
        "heatmap",
        "yolo_model",
        "yolo_confidence",
        "prompt_field",
        "field_rounds",
    }
    fields = form(APPLY, people, {"strategies": [strategy], "advanced": True, "models": "each"})
    assert fields.keys() & of_one_prior == asked
    assert "sam2_model" in fields


def test_apply_form_can_be_limited_to_the_selected_samples(people):
    selected = people.values("id")[:2]
    fields = form(APPLY, people, {**BUNDLED, "strategies": ["clip_box"]}, selected=selected)
    assert "SELECTED_SAMPLES" in choices(fields["view_target"])
    assert "problem" not in fields


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"strategies": ["clip_box"], "prefix": "Über"}, "prefix 'Über'"),
        ({"strategies": ["clip_box"], "classes": " , "}, "Classes must be a list of names"),
        ({"strategies": ["clip_box"], "classes": ""}, "Classes must be a list of names"),
        ({"strategies": []}, "Choose at least one strategy"),
        ({"strategies": ["field_box"], "prompt_field": "nowhere"}, "no label field 'nowhere'"),
        ({"strategies": ["field_box"], "prompt_field": "ground_truth", "classes": "zebra"}, "no label 'zebra'"),
    ],
)
def test_apply_form_says_what_is_wrong_and_cannot_be_executed(people, params, words):
    assert words in problem(form(APPLY, people, params))


def test_apply_form_asks_what_becomes_of_results_just_where_there_are_some(dataset):
    plan = resolved(Plan(strategies=("clip_box",), sam2_model="nano", clip_model="nano", yolo_model="nano"))
    declare(dataset, plan)
    records.register(dataset, plan, "clip_box")
    nobody = fo.Segmentation(mask=np.zeros((4, 4), np.uint8))
    dataset.set_values("sam2_clip_box", [nobody.copy(), nobody.copy()] + [None] * 4)
    dataset.set_values("sam2_clip_box_status", ["no_prompt"] * 2 + [None] * 4)
    asked = {**BUNDLED, "strategies": ["clip_box"]}
    fields = form(APPLY, dataset, asked)
    assert choices(fields["existing"]) == ["skip", "overwrite"]
    assert fields["existing"]["default"] == "skip"  # nothing that is there is replaced unasked
    assert "problem" not in fields
    everything = form(APPLY, dataset, asked, view=dataset[:2]._serialize())
    assert "choose “Do them again” to replace them" in problem(everything)
    assert everything["existing"]["invalid"]
    assert "problem" not in form(APPLY, dataset, {**asked, "existing": "overwrite"}, view=dataset[:2]._serialize())
    nothing = form(APPLY, dataset, asked, view=dataset[2:]._serialize())
    assert "existing" not in nothing and "problem" not in nothing


def test_evaluate_form_says_that_strategies_come_first(people):
    assert "No strategy with the prefix 'sam2' was applied" in problem(form(EVALUATE, people))


def test_evaluate_form_says_that_there_is_no_truth(pictures):
    dataset = pictures.clone()
    declare(dataset, Plan(strategies=("clip_box",)))
    assert "no ground truth" in problem(form(EVALUATE, dataset))
    dataset.delete()


def test_evaluate_form_offers_what_was_applied_and_the_truths_but_not_our_own_fields(dataset):
    declare(dataset, Plan(strategies=("clip_box", "clip_point")))
    dataset.add_sample_field(names.truth_field("sam2"), fo.EmbeddedDocumentField, embedded_doc_type=fo.Segmentation)
    dataset.add_sample_field(names.size_field("sam2"), fo.FloatField)
    fields = form(EVALUATE, dataset)
    assert choices(fields["strategies"]) == choices(fields["baseline"]) == ["clip_point", "clip_box"]
    assert fields["baseline"]["default"] == "clip_point"
    assert choices(fields["gt_field"]) == ["ground_truth"]
    assert "problem" in form(EVALUATE, dataset, {"prefix": "other"})


def test_keys_that_the_app_adds_to_a_request_are_no_typing_errors():
    params = {"prefix": "sam2", "panel_id": "1", "panel_state": {"a": 1}, "added_tomorrow": True, "view_target": "X"}
    assert module("forms").chosen(params, ("prefix", "baseline")) == {"prefix": "sam2"}
