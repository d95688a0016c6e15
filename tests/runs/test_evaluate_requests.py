"""What an evaluation refuses before it scores anything, and what the operator tells. No model runs here."""

import asyncio

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone import ViewField as F
from fiftyone.operators.executor import Executor, execute_or_delegate_operator

from prompting.dataset.judgements import load_comparison
from prompting.errors import PromptingError
from prompting.runs.evaluation import evaluate
from tests.runs.by_hand import EVALUATE, PREDICTIONS, TRUTHS, add, person, rows, state
from tests.telling import told, untimed

# what is refused


def test_a_missing_prediction_is_an_error_and_not_a_better_score(make):
    dataset = make(TRUTHS, clip_box=PREDICTIONS, clip_point=[TRUTHS[0], "missing", "missing"])
    before = state(dataset)
    with pytest.raises(PromptingError, match="2 of 3 samples have no mask of 'clip_point'"):
        evaluate(dataset, "ground_truth")
    assert state(dataset) == before
    assert evaluate(dataset, "ground_truth", strategies=["clip_box"])["clip_box"].images == 3


def test_one_strategys_failure_on_a_picture_is_an_error(make):
    with pytest.raises(PromptingError, match="1 of 3 samples have no mask of 'clip_box'"):
        evaluate(make(TRUTHS, clip_box=[TRUTHS[0], TRUTHS[1], None], clip_point=TRUTHS), "ground_truth")


def test_a_picture_that_no_strategy_could_read_is_left_out_and_said(make):
    dataset = make(TRUTHS, clip_box=[TRUTHS[0], None, TRUTHS[2]], clip_point=[rows(), None, TRUTHS[2]])
    with pytest.warns(UserWarning, match="1 samples failed in every strategy"):
        table = evaluate(dataset, "ground_truth")
    assert {row.images for row in table.rows} == {2}


def test_when_every_picture_failed_there_is_nothing_to_score(make):
    dataset = make(TRUTHS, clip_box=[None] * 3)
    with pytest.warns(UserWarning), pytest.raises(PromptingError, match="Every sample failed in every strategy"):
        evaluate(dataset, "ground_truth")


def test_without_results_it_says_to_apply_first(make):
    dataset = make(TRUTHS, clip_box=PREDICTIONS)
    with pytest.raises(PromptingError, match="no results of 'yolo_box' with the prefix 'sam2'; apply it first"):
        evaluate(dataset, "ground_truth", strategies=["clip_box", "yolo_box"])
    with pytest.raises(PromptingError, match="no results with the prefix 'other'; apply strategies first"):
        evaluate(dataset, "ground_truth", prefix="other")


def test_results_that_the_view_hides_are_results(make):
    dataset = make(TRUTHS, clip_box=PREDICTIONS)
    assert evaluate(dataset.select_fields("ground_truth"), "ground_truth")["clip_box"].images == 3


def test_strategies_of_different_classes_are_not_compared(make):
    dataset = make(TRUTHS, clip_box=PREDICTIONS)
    add(dataset, ("person", "bus"), clip_point=PREDICTIONS)
    before = state(dataset)
    with pytest.raises(PromptingError, match="different classes"):
        evaluate(dataset, "ground_truth")
    assert state(dataset) == before


@pytest.mark.parametrize(
    ("truth", "words"),
    [
        (fo.Detections(detections=[fo.Detection(label="person", bounding_box=[0, 0, 1, 1])]), "no instance mask"),
        (fo.Detections(detections=[person(rows(0), "human")]), "no 'person'; it has: human"),
        (fo.Keypoints(), "must be a Segmentation or Detections"),
        (fo.Segmentation(), "1 of 1 labels in 'ground_truth' have no mask"),
        (None, "no label field|None of the 1 samples"),
    ],
)
def test_a_truth_that_can_not_be_scored_is_refused(make, truth, words):
    dataset = make([truth], clip_box=[rows(0)])
    before = state(dataset)
    with pytest.raises(PromptingError, match=words):
        evaluate(dataset, "ground_truth")
    assert state(dataset) == before


def test_mask_targets_without_the_class_are_refused(make):
    with pytest.raises(PromptingError, match="have no 'person'; they have: dog"):
        evaluate(make(TRUTHS, {1: "dog"}, clip_box=PREDICTIONS), "ground_truth")


def test_an_empty_view_and_an_unknown_field_are_refused(make):
    dataset = make(TRUTHS, clip_box=PREDICTIONS)
    with pytest.raises(PromptingError, match="no samples in this view"):
        evaluate(dataset.match(F("filepath") == "none"), "ground_truth")
    with pytest.raises(PromptingError, match="no label field 'truth'; the dataset has: ground_truth"):
        evaluate(dataset, "truth")


def test_a_smaller_view_would_lose_scores_and_is_refused_unless_asked(make):
    dataset = make(TRUTHS, clip_box=PREDICTIONS)
    evaluate(dataset, "ground_truth")
    with pytest.raises(PromptingError, match="covers 2 samples that this view lacks"):
        evaluate(dataset[:1], "ground_truth")
    assert dataset.values("sam2_eval_clip_box_iou") == pytest.approx([1, 1 / 3, 0])
    assert evaluate(dataset[:1], "ground_truth", overwrite=True)["clip_box"].mean_iou == 1
    assert dataset.values("sam2_eval_clip_box_iou") == [1, None, None]


def test_evaluating_again_or_a_larger_view_takes_the_newest_masks(make):
    dataset = make(TRUTHS, clip_box=PREDICTIONS)
    evaluate(dataset[:2], "ground_truth")
    add(dataset, clip_box=TRUTHS)
    assert evaluate(dataset, "ground_truth")["clip_box"].mean_iou == 1
    assert dataset.values("sam2_eval_clip_box_iou") == [1, 1, 1]


# the operator


def test_the_operator_returns_the_table_from_python(make, evaluate_strategies):
    dataset = make(TRUTHS, clip_point=PREDICTIONS, clip_box=TRUTHS)
    table = evaluate_strategies(dataset, "ground_truth", strategies="clip_box, clip_point", progress=False)
    assert [row.strategy for row in table.rows] == ["clip_box", "clip_point"]
    assert table.to_dict() == load_comparison(dataset).to_dict()
    assert "| clip_box " in str(table)


def test_the_operator_names_a_parameter_that_it_does_not_know(make, evaluate_strategies):
    with pytest.raises(TypeError, match="unexpected keyword argument 'base'"):
        evaluate_strategies(make(TRUTHS, clip_box=PREDICTIONS), "ground_truth", base="clip_point")


def test_in_the_app_the_operator_tells_progress_and_ends_with_the_table(make, monkeypatch):
    untimed(monkeypatch)
    dataset = make(TRUTHS, clip_point=PREDICTIONS, clip_box=TRUTHS)
    params = {"gt_field": "ground_truth", "strategies": ["clip_point", "clip_box"], "baseline": "clip_point"}
    ctx = foo.ExecutionContext({"dataset_name": dataset.name, "params": params}, executor=Executor())
    messages = [message.body for message in foo.get_operator(EVALUATE).execute(ctx)]
    progress = told(messages)
    said = [label.split(", about")[0] for _, label in progress]
    assert said.pop(0) == "reading the truth"
    kept = [f"keeping the scores of {name}" for name in ("clip_point", "clip_box")]
    assert said == [*(f"evaluating, {i} of 3 samples" for i in (1, 2, 3)), *kept, "done"]
    assert [share for share, _ in progress[1:-1]] == pytest.approx([i / 5 for i in range(1, 6)])
    assert progress[-1][0] == 1
    assert messages[-1].operator_uri.endswith("show_output")
    cells = messages[-1].params["results"]
    for i, table in enumerate(load_comparison(dataset).tables()):
        assert [tuple(line.values()) for line in cells[f"table{i}"]] == list(table.rows)


def test_the_operator_runs_as_the_app_runs_it(make):
    dataset = make(TRUTHS, clip_box=PREDICTIONS)
    params = {"gt_field": "ground_truth", "strategies": ["clip_box"], "baseline": "clip_box"}
    request = {"dataset_name": dataset.name, "params": params}
    result = asyncio.run(execute_or_delegate_operator(EVALUATE, request, exhaust=True))
    assert result.error is None
    assert load_comparison(dataset)["clip_box"].mean_iou == pytest.approx(4 / 9)
