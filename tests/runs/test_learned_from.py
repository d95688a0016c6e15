"""What learned from pictures isn't scored on them, by whatever way it learned. Masks made by hand: no model runs."""

import csv
import re
import warnings

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone import ViewField as F

from prompting.analysis import figures
from prompting.analysis.part import part_of
from prompting.dataset.checks import why_not_beside
from prompting.dataset.findings import load_findings
from prompting.dataset.judgements import load_comparison
from prompting.dataset.learned_from import learned_from, taught_by_references
from prompting.dataset.names import StrategyFields
from prompting.dataset.next_labels import settled
from prompting.dataset.storage import outdate
from prompting.errors import PromptingError
from prompting.plan import Plan
from prompting.report.files import as_csv
from prompting.report.verdict import verdict
from prompting.runs.evaluation import evaluate
from prompting.runs.sweep import SweepPlan, sweep
from tests.operators.asking import URI, form
from tests.runs.by_hand import TRUTHS, add, rows

NAME = "reference_box_points"
MASKS = [rows(0, 1), rows(0), rows(3), rows(1, 2), rows(0)]
ALL = {"strategies": ["clip_box", NAME], "gt_field": "ground_truth", "fields": []}


@pytest.fixture
def labelled(make):
    """Five labelled pictures with results of ``clip_box``."""
    return make([TRUTHS[0]] * 5, clip_box=MASKS)


def teach(dataset, *places, prefix="sam2", field="ground_truth", masks=MASKS):
    """Results that learned from the pictures in these places."""
    ids = dataset.values("id")
    given = {"references": [ids[i] for i in places], "reference_field": field}
    add(dataset, prefix=prefix, given=given, **{NAME: masks})
    return given["references"]


def problem(fields: dict) -> str:
    return fields.get("problem", {}).get("error_message", "")


def test_scores_of_pictures_that_are_references_now_are_replaced_unasked(labelled):
    evaluate(labelled, "ground_truth")
    taught = teach(labelled, 0, 1)
    fields = form("evaluate_strategies", labelled, ALL)
    assert not problem(fields) and "overwrite" not in fields and "include_references" in fields
    said = r"; 3 images; 3 .*Left out: 2 reference pictures, which strategies learned from\."
    assert re.search(said, fields["truth_reading"]["view"]["label"])
    table = evaluate(labelled, "ground_truth")
    assert table.references == 2 and {row.images for row in table} == {3}
    assert labelled.select(taught).values("sam2_eval_clip_box_iou") == [None, None]
    evaluate(labelled[2:], "ground_truth")  # nor are they missed in a view


def smaller(dataset):
    evaluate(dataset, "ground_truth")
    return dataset[1:]


def nothing_but_references(dataset):
    teach(dataset, 0, 1)
    return dataset[:2]


def without_the_record(dataset):
    teach(dataset, 0)
    dataset.delete_run(f"sam2_{NAME}")
    return dataset


def one_without_a_truth_by_now(dataset):
    evaluate(dataset, "ground_truth")
    dataset.set_values("ground_truth", {dataset.first().id: None}, key_field="id")
    return dataset


@pytest.mark.parametrize("case", [smaller, nothing_but_references, without_the_record, one_without_a_truth_by_now])
def test_a_switch_that_an_error_names_is_on_the_form_and_is_a_way_out(labelled, case):
    view = case(labelled)
    names = [name for name in ALL["strategies"] if labelled.has_sample_field(f"sam2_{name}_status")]
    asked = {**ALL, "strategies": names, "view_target": "CURRENT_VIEW"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(PromptingError) as refused:
            evaluate(view, "ground_truth")
        (switch,) = re.findall(r"(\w+)=True", str(refused.value))
        seen = {"view": view._serialize()} if isinstance(view, fo.DatasetView) else {}
        fields = form("evaluate_strategies", labelled, asked, **seen)
        assert problem(fields) and fields[switch]["invalid"] and switch == refused.value.parameter
        assert not problem(form("evaluate_strategies", labelled, {**asked, switch: True}, **seen))
        evaluate(view, "ground_truth", **{switch: True})


def test_where_the_record_stayed_behind_nothing_is_scored_on_unknown_references(labelled):
    teach(labelled, 0, 1)
    copied = labelled.view().clone()
    said = f"Nothing records which pictures '{NAME}' learned from .*; apply it again,"
    try:
        with pytest.raises(PromptingError, match=f"{said} or choose include_references=True"):
            evaluate(copied, "ground_truth")
        asked = {"gt_field": "ground_truth", "strategies": NAME, "progress": False}
        with pytest.raises(ValueError, match=f"{said} choose other strategies, or finish without a truth"):
            foo.get_operator(f"{URI}/finish_labels")(copied, **asked)
        with pytest.raises(ValueError, match=f"{said} or choose other strategies"):
            foo.get_operator(f"{URI}/label_next")(copied, "settle", a=NAME, b="clip_box", progress=False)
        assert evaluate(copied, "ground_truth", strategies=["clip_box"])["clip_box"].images == 5
        assert evaluate(copied, "ground_truth", include_references=True)[NAME].images == 5
    finally:
        copied.delete()


def test_prompts_that_a_reference_strategy_found_have_learned_from_its_references(labelled):
    taught = tuple(teach(labelled, 0, 1, prefix="found_by"))
    add(labelled, given={"prompt_field": f"found_by_{NAME}_instances"}, field_box=MASKS)
    again = {"prompt_field": "ground_truth", "points_field": "sam2_field_box_positive"}
    add(labelled, given=again, field_box_points=MASKS)
    names = ["clip_box", "field_box", "field_box_points"]
    assert learned_from(labelled, "sam2", names) == {"field_box": taught, "field_box_points": taught}
    assert evaluate(labelled, "ground_truth").references == 2
    plan = Plan(strategies=("field_box",), classes=("person",), prompt_field=f"found_by_{NAME}_instances")
    with pytest.raises(PromptingError, match="5 pictures with a label in 'ground_truth' that are no references"):
        list(sweep(labelled, SweepPlan(plan, "ground_truth")))
    foo.get_operator(f"{URI}/use_as_labels")(labelled, strategy="field_box", name="kept", progress=False)
    assert learned_from(labelled, "sam2", ["kept"]) == {"kept": taught}
    foo.get_operator(f"{URI}/remove_results")(labelled, prefix="found_by", confirm=True)
    assert learned_from(labelled, "sam2", names)["field_box"] == taught  # it was recorded when it was applied
    with pytest.raises(PromptingError, match="Nothing records which pictures the results in"):
        list(sweep(labelled, SweepPlan(plan, "ground_truth")))


def test_what_was_learned_from_is_what_it_was_then(labelled):
    """Whoever takes another strategy's results for prompts learned from what these had learned from when it did."""
    first = tuple(teach(labelled, 0, 1))
    prompts = {"prompt_field": f"sam2_{NAME}_instances"}
    add(labelled, given=prompts, field_box=MASKS)
    foo.get_operator(f"{URI}/use_as_labels")(labelled, strategy="field_box", name="kept", progress=False)
    plan = Plan(strategies=("field_box",), classes=("person",), **prompts)
    assert why_not_beside(labelled, plan, {}, "field_box") == (None, None)
    teach(labelled, 3, 4)
    assert learned_from(labelled, "sam2", ["field_box", "kept"]) == {"field_box": first, "kept": first}
    parameter, why = why_not_beside(labelled, plan, {}, "field_box")
    assert parameter == "prompt_field" and why.startswith("whose prompts learned from other reference pictures")


def test_results_that_were_half_replaced_learned_from_nobody_knows_what(labelled):
    """What a run was to replace, and was stopped before it did, learned from others than its record says."""
    teach(labelled, 0, 1)
    others = tuple(teach(labelled, 3))
    outdate(labelled, StrategyFields.of("sam2", NAME), labelled.values("id")[4:])
    add(labelled, given={"prompt_field": f"sam2_{NAME}_instances"}, field_box=MASKS)
    assert learned_from(labelled, "sam2", [NAME, "field_box"]) == {NAME: others, "field_box": None}


@pytest.mark.parametrize("through", ["instances", "finished labels", "a row of the table"])
def test_references_whose_masks_are_results_have_learned_from_what_these_did(labelled, through):
    taught = teach(labelled, 0, 1, prefix="one")
    field = f"one_{NAME}_instances"
    if through != "instances":
        field = "kept"
        asked = {"strategy": NAME, "prefix": "one", "name": field, "progress": False}
        foo.get_operator(f"{URI}/use_as_labels")(labelled, **asked)
    if through == "a row of the table":
        evaluate(labelled, "ground_truth", strategies=["clip_box"], fields=["kept"])
        field = "sam2_kept_instances"
    (other,) = teach(labelled, 3, field=field)
    assert set(learned_from(labelled, "sam2", [NAME])[NAME]) == {*taught, other}


def test_what_took_results_of_unknown_origin_is_applied_after_these(labelled):
    teach(labelled, 0, 1, prefix="one")
    labelled.delete_run(f"one_{NAME}")
    field = f"one_{NAME}"
    teach(labelled, 3, field=field)
    with pytest.raises(PromptingError, match="; apply again what it has its prompts or its references' masks from"):
        evaluate(labelled, "ground_truth")


def test_a_picture_is_its_file_too(labelled):
    """One that is there twice, or was deleted and added again, is the picture that taught."""
    first, second = teach(labelled, 0, 1)
    again, twice = labelled[first].copy(), labelled[second].copy()
    labelled.delete_samples([first])
    labelled.add_samples([again, twice])
    table = evaluate(labelled, "ground_truth")
    assert table.references == 3 and {row.images for row in table} == {3}
    assert {*labelled.match(~F("sam2_eval_clip_box_iou").exists()).values("id")} == {second, again.id, twice.id}
    assert {*taught_by_references(labelled, [second])} == {second, twice.id}  # as a sweep asks


@pytest.mark.parametrize("row", ["field_box", "kept"])
def test_of_what_a_copy_has_no_record_nobody_knows_what_it_learned_from(labelled, row):
    teach(labelled, 0, 1)
    add(labelled, given={"prompt_field": f"sam2_{NAME}_instances"}, field_box=MASKS)
    foo.get_operator(f"{URI}/use_as_labels")(labelled, strategy=NAME, name="kept", progress=False)
    copied = labelled.view().clone()
    asked = {
        "strategies": ["field_box"] if row == "field_box" else ["clip_box"],
        "fields": ["kept"][row == "field_box" :],
    }
    try:
        with pytest.raises(PromptingError, match=f"Nothing records which pictures '{row}' learned from"):
            evaluate(copied, "ground_truth", **asked)
        finish = foo.get_operator(f"{URI}/finish_labels")
        finish(copied, "one", "clip_box", name="kept", existing="skip", progress=False)
        assert learned_from(copied, "sam2", ["kept"]) == {"kept": None}  # a new record doesn't make it known
        table = evaluate(copied, "ground_truth", **asked, include_references=True)
        assert table.taught is None and "(among them reference pictures, nobody knows which)" in str(table)
    finally:
        copied.delete()


def test_fields_strategies_without_a_record_learned_from_nothing_where_nothing_could_teach(make):
    dataset = make([TRUTHS[0]] * 5, field_box=MASKS)
    dataset.delete_run("sam2_field_box")
    assert learned_from(dataset, "sam2", ["field_box"]) == {}


def test_a_persons_field_with_a_like_name_has_learned_from_nothing(labelled):
    labelled.clone_sample_field("ground_truth", f"my_{NAME}")
    add(labelled, given={"prompt_field": f"my_{NAME}"}, field_box=MASKS)
    assert learned_from(labelled, "sam2", ["field_box", f"my_{NAME}", "clip_box"]) == {}


def test_what_is_to_be_labelled_next_are_no_references(make):
    dataset = make([TRUTHS[0]] * 5, clip_box=MASKS, clip_point=MASKS)
    taught = teach(dataset, 0, 3)
    chosen = foo.get_operator(f"{URI}/label_next")(dataset, "teach", count=5, progress=False)
    assert len(chosen.sample_ids) == 3 and not {*chosen.sample_ids} & {*taught}
    assert str(chosen).startswith("3 samples of 3 without a label tagged 'label next'; 2 are labelled.")


def test_who_is_best_is_asked_of_pictures_that_taught_nobody(make):
    dataset = make([TRUTHS[0]] * 10, clip_box=MASKS * 2)
    teach(dataset, 0, 1, masks=MASKS * 2)
    for include in (False, True):
        evaluate(dataset, "ground_truth", include_references=include)
        told = settled(dataset)
        assert told.complete and (told.labelled, told.pictures) == (8, 8)
    dataset.delete_run(f"sam2_{NAME}")
    assert settled(dataset) is None


def test_a_table_of_pandas_says_what_was_left_out(labelled):
    teach(labelled, 0)
    table = evaluate(labelled, "ground_truth", include_references=True)
    assert "over 5 images (1 reference picture among them), compared with" in str(table)
    frame = load_comparison(labelled).to_pandas()
    assert frame["references_left_out"].tolist() == [0, 0] and frame["references_scored"].tolist() == [1, 1]
    assert frame.attrs["left_out"] == "Scored too: 1 reference picture, which strategies learned from and do better on."
    frame = evaluate(labelled, "ground_truth").to_pandas()
    assert frame["references_left_out"].tolist() == [1, 1] and frame["images"].tolist() == [4, 4]
    assert frame.attrs["left_out"] == "Left out: 1 reference picture, which strategies learned from."


def test_a_csv_a_view_and_a_scatter_plot_say_which_pictures_are_references(labelled):
    taught = {*teach(labelled, 0, 1)}
    evaluate(labelled, "ground_truth")
    findings = load_findings(labelled)
    lines = list(csv.DictReader(as_csv(findings, labelled).splitlines()))
    assert {line["sample_id"] for line in lines if line["left_out"] == "reference"} == taught
    assert all((line["iou"] == "") == (line["left_out"] != "") for line in lines)
    seen = part_of(findings, labelled.values("id")[1:])
    assert "over 3 images (without 1 reference picture)" in str(seen.comparison)
    (points,) = figures.scatter(findings, "clip_box", NAME, dark=True)["data"]
    assert "symbol" not in points["marker"] and not {*points["ids"]} & taught
    evaluate(labelled, "ground_truth", include_references=True)
    findings = load_findings(labelled)
    assert not findings.left_out.any() and "over 5 images (2 reference pictures among them)." in verdict(findings)[0]
    seen = part_of(findings, labelled.values("id")[1:])
    assert "over 4 images (1 reference picture among them)" in str(seen.comparison)
    lines = list(csv.DictReader(as_csv(findings, labelled).splitlines()))
    assert {line["sample_id"] for line in lines if line["taught"] == "reference"} == taught
    figure = figures.scatter(findings, "clip_box", NAME, dark=True)
    (points,) = figure["data"]
    symbols = dict(zip(points["ids"], points["marker"]["symbol"], strict=True))
    assert {one for one, symbol in symbols.items() if symbol == "diamond"} == taught
    assert "◆ references: 2" in [note["text"] for note in figure["layout"]["annotations"]]
