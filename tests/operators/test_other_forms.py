"""The forms of evaluate, explain, agreement and export: what they offer, and where they say what is wrong."""

import datetime
import sys
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import pytest

from tests.copies import copy_of
from tests.operators.asking import URI, form, run

ON_A_TARGET = ("apply_strategies", "evaluate_strategies", "explain_strategies", "measure_agreement")


def choices(field: dict) -> list[str]:
    return [choice["value"] for choice in field["view"]["choices"]]


def words(name: str):
    """A module of the operators, under the name by which FiftyOne imports them."""
    package = type(foo.get_operator(f"{URI}/apply_strategies")).__module__.rpartition(".")[0]
    return sys.modules[f"{package}.{name}"]


@pytest.mark.parametrize("name", ON_A_TARGET)
def test_every_run_asks_for_the_selection_and_the_view_in_the_same_way(name, explained):
    ids = explained.values("id")
    fields = form(name, explained, selected=ids[:2], view=explained[1:]._serialize())
    assert choices(fields["view_target"]) == ["DATASET", "CURRENT_VIEW", "SELECTED_SAMPLES"]
    assert fields["view_target"]["default"] == "SELECTED_SAMPLES"
    assert next(name for name in fields if name != "problem") == "view_target"


def test_what_the_app_fills_in_by_itself_is_required_once_somebody_empties_it(dataset):
    """It asks for a form without values first, and would draw it in red until it has filled it."""
    fields = form("apply_strategies", dataset)
    assert not fields["classes"]["required"] and not fields["strategies"]["required"]
    emptied = form("apply_strategies", dataset, {"classes": "", "strategies": []})
    assert emptied["classes"]["required"] and emptied["strategies"]["required"]


def test_evaluating_a_selection_scores_the_selection(applied_once):
    dataset = copy_of(applied_once)
    selected = dataset.values("id")[:2]
    params = {"view_target": "SELECTED_SAMPLES", "gt_field": "ground_truth", "strategies": ["clip_point", "yolo_box"]}
    run("evaluate_strategies", dataset, params, selected=selected)
    dataset.reload()
    assert dataset.exists("sam2_eval_yolo_box_iou").values("id") == selected
    run("measure_agreement", dataset, {"view_target": "SELECTED_SAMPLES"}, selected=selected[:1])
    dataset.delete()


def test_a_smaller_evaluation_is_refused_at_the_choice_that_allows_it(explained):
    params = {"view_target": "SELECTED_SAMPLES", "gt_field": "ground_truth", "strategies": ["clip_point", "yolo_box"]}
    selected = explained.values("id")[:2]
    fields = form("evaluate_strategies", explained, params, selected=selected)
    assert fields["overwrite"]["invalid"] and fields["overwrite"]["error_message"] == "See above."  # said once
    assert "covers 4 samples that this view lacks" in fields["problem"]["error_message"]
    assert "“Replace a larger evaluation”" in fields["problem"]["error_message"]
    assert "overwrite=True" not in fields["problem"]["error_message"]
    fields = form("evaluate_strategies", explained, {**params, "overwrite": True}, selected=selected)
    assert "problem" not in fields


def test_replacing_a_larger_evaluation_is_offered_where_there_is_one(explained):
    assert "overwrite" not in form("evaluate_strategies", explained)
    assert "overwrite" in form("evaluate_strategies", explained, view=explained[:2]._serialize())


def test_evaluate_offers_the_chosen_strategies_as_baseline_and_the_last_truth(explained):
    explained.add_sample_field("another", fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
    fields = form("evaluate_strategies", explained, {"strategies": ["yolo_box"]})
    assert choices(fields["baseline"]) == ["yolo_box"]
    assert fields["gt_field"]["default"] == "ground_truth"


def test_evaluate_says_which_strategy_lacks_masks_before_it_runs(applied_once):
    dataset = copy_of(applied_once)
    dataset[:2].set_field("sam2_yolo_box_status", None).save("sam2_yolo_box_status")
    fields = form("evaluate_strategies", dataset, {"strategies": ["yolo_box"], "gt_field": "ground_truth"})
    assert fields["strategies"]["invalid"]
    message = fields["problem"]["error_message"]
    assert "2 of 6 samples have no mask of 'yolo_box'" in message and "“Samples that have results: Keep them" in message
    dataset.delete()


def test_the_prefix_is_asked_only_where_there_are_several(explained, apply_strategies, nano):
    assert form("explain_strategies", explained)["prefix"]["view"]["name"] == "HiddenView"
    apply_strategies(explained[:1], strategies=["yolo_box"], prefix="mine", progress=False, **nano)
    fields = form("evaluate_strategies", explained)
    assert choices(fields["prefix"]) == ["mine", "sam2"]
    assert fields["prefix"]["default"] == "mine"  # the last run's


def test_agreement_ends_with_a_table_of_the_pictures_that_are_hard(explained):
    *_, shown = run("measure_agreement", explained, {})
    assert "Agreement of 2 strategies over 6 images" in str(shown.to_json())


def test_export_offers_a_folder_of_today_and_says_where_reports_may_go(explained, tmp_path, monkeypatch):
    monkeypatch.setenv("SAM2_PROMPTING_REPORTS", str(tmp_path))
    fields = form("export_comparison", explained)
    folder = Path(fields["folder"]["default"])
    today = datetime.date.today().isoformat()
    assert folder == tmp_path / "sam2-prompting-reports" / f"{explained.slug}-{today}"
    assert str(tmp_path) in fields["folder"]["view"]["description"]
    assert "problem" not in form("export_comparison", explained, {"folder": str(folder)})
    fields = form("export_comparison", explained, {"folder": "/elsewhere/report"})
    assert fields["folder"]["invalid"] and "Folder: " in fields["problem"]["error_message"]

    *_, shown = run("export_comparison", explained, {"folder": str(folder)})
    assert (folder / "comparison.html").is_file()
    assert "/media?filepath=" in str(shown.to_json())
    assert form("export_comparison", explained)["folder"]["default"] == f"{folder}-2"


def test_without_the_variable_reports_go_below_the_home_folder(explained, tmp_path, monkeypatch):
    monkeypatch.delenv("SAM2_PROMPTING_REPORTS", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    paths = foo.get_operator(f"{URI}/export_comparison")(explained)
    assert paths[0].parent.parent == tmp_path / "sam2-prompting-reports"


def test_errors_are_said_in_the_forms_words():
    in_form_words = words("words").in_form_words
    assert (
        in_form_words("a; choose existing='skip' to keep.", {}, "existing")
        == "a; choose “Keep them, do the others” to keep."
    )
    assert in_form_words("made with sam2_model='nano', not 'tiny'", {}) == "made with “SAM 2 model: nano”, not 'tiny'"
    assert in_form_words("field_rounds must be at least 0", {}) == "Corrective clicks must be at least 0"
    assert in_form_words("choose overwrite=True.", {}) == "choose “Replace a larger evaluation”."
    assert in_form_words("The strategies need prompt_field: a field", {}).endswith(
        "“Field that gives the prompts”: a field"
    )
    for untouched in ("There is no field 'prompt_field'.", "no results of 'clip_box'", "a person wears a tie"):
        assert in_form_words(untouched, {}) == untouched


def test_operators_are_listed_in_the_order_of_work():
    operators = foo.list_operators(builtin=False, type="operator")
    listed = [operator for operator in operators if not operator.config.unlisted]
    # the App sorts by the first letter of the description, and what has the same stays in order
    first = sorted(listed, key=lambda operator: ord(operator.config.description[0]))[0]
    assert first.name == "apply_strategies"


@pytest.mark.parametrize("name", ["apply_strategies", "evaluate_strategies", "explain_strategies"])
def test_a_list_of_strategies_is_not_described_by_the_last_of_them(name, explained):
    field = form(name, explained)["strategies"]
    described = {choice["description"] for choice in field["view"]["choices"]}
    assert len(described) > 1 and field["view"].get("description") not in described
