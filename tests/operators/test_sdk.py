"""Calling the operators from Python: what completion, help and print know, and what comes back."""

import dataclasses
import inspect
import re

import fiftyone.operators as foo
import pandas as pd
import pytest

from prompting.analysis.agreement import Agreement
from prompting.cluster.asked import Cluster
from prompting.dataset.judgements import load_comparison
from prompting.dataset.label_fields import label_type_of
from prompting.errors import PromptingError
from prompting.plan import Plan
from prompting.runs import explanation
from prompting.runs.scorable import EvaluationPlan
from tests.copies import copy_of

URI = "@promptlab/sam2-prompting"
NAMES = sorted(
    operator.name
    for operator in foo.list_operators(builtin=False, type="operator")
    if operator.uri.startswith(f"{URI}/") and not operator.config.unlisted
)
FOUND_OUT = "references_sha256"
"""What a plan says once its reference pictures are read, and nobody asks for."""
DEFAULTS_OF = {
    "apply_strategies": Plan,
    "evaluate_strategies": EvaluationPlan,
    "explain_strategies": explanation.explain,
}


def signature(name: str) -> inspect.Signature:
    return inspect.signature(foo.get_operator(f"{URI}/{name}"))


@pytest.mark.parametrize("name", NAMES)
def test_print_shows_how_an_operator_is_called_and_what_it_does(name):
    first, second = str(foo.get_operator(f"{URI}/{name}")).splitlines()
    assert first.startswith(f"{name}(") and (
        "prefix='sam2'" in first or name in ("review_labels", "annotate_labels")
    )  # it has a name
    assert second.strip().startswith(foo.get_operator(f"{URI}/{name}").config.description)


@pytest.mark.parametrize("name", NAMES)
def test_help_describes_every_parameter_and_names_nothing_that_cannot_be_imported(name):
    operator = foo.get_operator(f"{URI}/{name}")
    help_text = inspect.getdoc(type(operator).__call__)
    assert help_text in inspect.getdoc(operator)  # what help(operator) shows first
    for parameter in signature(name).parameters.values():
        assert parameter.kind is not inspect.Parameter.VAR_KEYWORD
        assert re.search(rf"^    {parameter.name}: ", help_text, re.MULTILINE), parameter.name
    assert "prompting." not in help_text and ":class:" not in help_text


ASKED_OF_NOBODY = {"in_files"}
"""What the operator says for whoever asks: from the App files are written only where it may write."""


@pytest.mark.parametrize("name", DEFAULTS_OF)
def test_defaults_are_those_of_the_work_itself(name):
    mine = signature(name).parameters
    theirs = inspect.signature(DEFAULTS_OF[name]).parameters
    extra = {"sample_collection", "progress", "delegate"}
    if "engine" in mine:
        theirs = {
            **theirs,
            **inspect.signature(Cluster).parameters,
            "engine": mine["engine"],
        }
    assert set(mine) - extra == set(theirs) - {"samples", "self", FOUND_OUT, *ASKED_OF_NOBODY}
    for parameter in set(mine) - extra - {"phrases"}:  # a plan's is an empty dictionary
        assert mine[parameter].default == theirs[parameter].default, parameter


def test_everything_that_a_plan_takes_can_be_given():
    asked = {field.name for field in dataclasses.fields(Plan)} - {FOUND_OUT}
    assert asked <= signature("apply_strategies").parameters.keys()


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_keyword_is_refused_by_its_name(name, dataset):
    with pytest.raises(TypeError, match="strategie"):
        foo.get_operator(f"{URI}/{name}")(dataset, strategie="clip_box")


def test_a_comparison_is_iterated_counted_and_made_a_table(explained_once):
    table = load_comparison(explained_once)
    assert [row.strategy for row in table] == [row.strategy for row in table.rows]
    assert len(table) == 2
    assert re.fullmatch(r"Comparison\(2 strategies, 6 images; best: \w+ 0\.\d{3}\)", repr(table))
    frame = table.to_pandas()
    assert isinstance(frame, pd.DataFrame) and list(frame.index) == [row.strategy for row in table]
    assert frame.loc["yolo_box", "mean_iou"] == table["yolo_box"].mean_iou
    assert frame.loc["yolo_box", "difference.p"] == table["yolo_box"].difference.p
    assert frame.loc["clip_point", "instances.recall"] == table["clip_point"].instances.recall
    html = table._repr_html_()
    assert html.count("<table>") == len(table.tables()) and "yolo_box" in html


def test_measured_agreement_comes_back(applied_once):
    dataset = copy_of(applied_once)
    agreement = foo.get_operator(f"{URI}/measure_agreement")(dataset, progress=False)
    assert isinstance(agreement, Agreement) or type(agreement).__name__ == "Agreement"
    values = dataset.values(agreement.field)
    assert (agreement.field, agreement.strategies) == ("sam2_agreement", ("clip_point", "yolo_box"))
    assert agreement.images == 6 and agreement.mean == pytest.approx(sum(values) / 6)
    assert agreement.least[0][1] == min(values)
    assert "sam2_agreement" in str(agreement) and agreement.least[0][0] in str(agreement)
    dataset.delete()


def test_a_message_about_fields_names_the_persons_own_first(applied_once):
    with pytest.raises(PromptingError, match="no label field 'nowhere'; the dataset has: ground_truth, sam2_"):
        label_type_of(applied_once, "nowhere")


def test_a_baseline_is_one_of_the_evaluated(applied_once):
    dataset = copy_of(applied_once)
    evaluate = foo.get_operator(f"{URI}/evaluate_strategies")
    with pytest.raises(ValueError, match="baseline 'clip_box' is not among the strategies to evaluate") as refused:
        evaluate(dataset, "ground_truth", baseline="clip_box", progress=False)
    assert refused.value.parameter == "baseline"
    assert evaluate(dataset, "ground_truth", strategies=["yolo_box"], progress=False).baseline == "yolo_box"
    dataset.delete()


@pytest.mark.parametrize(
    "name, said",
    [
        ("ground_thruth", r"is it 'ground_truth' that is meant\?$"),
        ("filepath", r"no label field 'filepath' \(that one is a StringField\); .* more of strategies\.$"),
    ],
)
def test_a_label_field_that_is_not_there_is_told_with_what_may_be_meant(applied_once, name, said):
    with pytest.raises(PromptingError, match=said):
        label_type_of(applied_once, name)


def test_a_refused_request_draws_no_progress_bar(applied, apply_strategies, evaluate_strategies, nano, capsys):
    with pytest.raises(ValueError, match="existing='skip'"):
        apply_strategies(applied, strategies=["yolo_box"], **nano)
    with pytest.raises(ValueError, match="nowhere"):
        evaluate_strategies(applied, "nowhere")
    with pytest.raises(ValueError, match="Unknown strategy"):
        foo.get_operator(f"{URI}/use_as_labels")(applied, "yolobox")
    assert capsys.readouterr().err == ""
    evaluate_strategies(applied, "ground_truth")
    assert "image" in capsys.readouterr().err
