"""Evaluation: the numbers are right where FiftyOne's own traps would make them wrong. No model runs here."""

import asyncio

import fiftyone as fo
import fiftyone.core.utils as fou
import fiftyone.operators as foo
import numpy as np
import pytest
from fiftyone import ViewField as F
from fiftyone.operators.executor import Executor, execute_or_delegate_operator
from PIL import Image

from prompting.dataset import records
from prompting.dataset.judgements import load_comparison
from prompting.dataset.names import SCORES
from prompting.errors import PromptingError
from prompting.plan import Plan
from prompting.results import NO_PROMPT, OK, StrategyResult
from prompting.runs.evaluation import evaluate
from tests.storing import declare, write
from tests.telling import told

EVALUATE = "@promptlab/sam2-prompting/evaluate_strategies"


def rows(*filled: int, value: int = 1) -> np.ndarray:
    """A 4 x 6 mask with these rows filled."""
    mask = np.zeros((4, 6), np.uint8)
    mask[list(filled)] = value
    return mask


# truth and prediction of three pictures whose IoU is 1, 1/3 and 0
TRUTHS = [rows(0, 1), rows(0), rows(0)]
PREDICTIONS = [rows(0, 1), rows(0, 1, 2), rows(3)]


@pytest.fixture
def make():
    """A function that makes a dataset of masks by hand."""
    made = []

    def build(truths, targets=None, classes=("person",), prefix="sam2", **predictions):
        dataset = fo.Dataset()
        made.append(dataset)
        for i, truth in enumerate(truths):
            label = fo.Segmentation(mask=truth) if isinstance(truth, np.ndarray) else truth
            dataset.add_sample(fo.Sample(filepath=f"{i}.png", ground_truth=label))
        if targets:
            dataset.mask_targets["ground_truth"] = targets
            dataset.save()
        add(dataset, classes, prefix, **predictions)
        return dataset

    yield build
    for dataset in made:
        dataset.delete()


def add(dataset, classes=("person",), prefix="sam2", **predictions):
    """Masks of strategies, one a sample; None is a failure and "missing" is nothing at all."""
    plan = Plan(strategies=tuple(predictions), classes=classes, prefix=prefix, prompt_field="ground_truth")
    declare(dataset, plan)
    for strategy, masks in predictions.items():
        records.register(dataset, plan, strategy)
        cost = {"seconds_per_image": 0.5, "decoder_calls_per_image": 2.0}
        records.add_cost(dataset, plan.prefix, strategy, cost)
        for sample, mask in zip(dataset, masks, strict=True):
            if isinstance(mask, str):
                continue
            status = "error: unreadable" if mask is None else OK if mask.any() else NO_PROMPT
            write(sample, StrategyResult(strategy, mask, (), np.zeros(0), status, 0.5, 2), plan)


def person(mask: np.ndarray, label: str = "person", **attributes) -> fo.Detection:
    """A Detection whose instance mask is this picture-sized one."""
    y, x = np.nonzero(mask)
    top, bottom, left, right = y.min(), y.max() + 1, x.min(), x.max() + 1
    height, width = mask.shape
    box = [left / width, top / height, (right - left) / width, (bottom - top) / height]
    return fo.Detection(label=label, bounding_box=box, mask=mask[top:bottom, left:right].astype(bool), **attributes)


def state(dataset) -> tuple:
    return sorted(dataset.get_field_schema()), dataset.list_runs(), dataset.list_evaluations()


# what the scores are


def test_false_positives_lower_every_score_that_they_should(make):
    row = evaluate(make(TRUTHS, clip_box=PREDICTIONS), "ground_truth")["clip_box"]
    # without a background class FiftyOne would say 1.0, 1.0, and drop the third picture
    assert row.mean_iou == pytest.approx((1 + 1 / 3 + 0) / 3)
    assert row.pooled_iou == pytest.approx(18 / 42)
    assert row.dice == pytest.approx(36 / 60)
    assert row.precision == pytest.approx(18 / 36)
    assert row.recall == pytest.approx(18 / 24)
    assert row.images == 3
    assert row.support == 3 * 24


def test_each_picture_has_its_own_iou_in_a_field(make):
    dataset = make(TRUTHS, clip_box=PREDICTIONS)
    evaluate(dataset, "ground_truth")
    assert dataset.values("sam2_eval_clip_box_iou") == pytest.approx([1, 1 / 3, 0])


def test_a_picture_without_people_scores_one_if_nothing_was_found_and_zero_otherwise(make):
    dataset = make([rows(), rows()], clip_box=[rows(), rows(1)])
    assert evaluate(dataset, "ground_truth")["clip_box"].mean_iou == pytest.approx(0.5)
    assert dataset.values("sam2_eval_clip_box_iou") == [1.0, 0.0]


def test_pictures_without_prompt_count_and_are_counted(make):
    row = evaluate(make(TRUTHS, clip_box=[rows(0, 1), rows(), rows()]), "ground_truth")["clip_box"]
    assert row.without_prompt == 2
    assert row.mean_iou == pytest.approx(1 / 3)


def test_scores_of_two_classes_are_averaged_over_the_classes_that_are_shown(make):
    truth, predicted = rows(0) + rows(3, value=2), rows(0) + rows(2, 3, value=2)
    dataset = make([truth], {1: "person", 2: "bus"}, ("person", "bus"), clip_box=[predicted])
    row = evaluate(dataset, "ground_truth")["clip_box"]
    assert row.mean_iou == row.pooled_iou == pytest.approx((1 + 1 / 2) / 2)
    assert row.precision == pytest.approx((1 + 1 / 2) / 2)
    assert row.recall == 1


def test_cost_comes_from_the_record_of_the_run(make):
    row = evaluate(make(TRUTHS, clip_box=PREDICTIONS), "ground_truth")["clip_box"]
    assert (row.seconds, row.decoder_calls) == (0.5, 2.0)


# the forms that truth comes in


@pytest.mark.parametrize(
    ("value", "targets"),
    [
        (1, None),
        (255, None),
        (255, {255: "person"}),
        (7, {3: "dog", 7: "person"}),
    ],
)
def test_truth_of_any_values_gives_the_same_scores(make, value, targets):
    truths = [mask * np.uint8(value) for mask in TRUTHS]
    row = evaluate(make(truths, targets, clip_box=PREDICTIONS), "ground_truth")["clip_box"]
    assert row.mean_iou == pytest.approx(4 / 9)
    assert row.support == 3 * 24


def test_other_classes_of_the_truth_are_background(make):
    dataset = make([rows(0) + rows(3, value=2)], {1: "person", 2: "dog"}, clip_box=[rows(0, 3)])
    assert evaluate(dataset, "ground_truth")["clip_box"].mean_iou == pytest.approx(1 / 2)


def test_truth_as_detections_gives_the_same_scores(make):
    truths = [fo.Detections(detections=[person(mask)]) for mask in TRUTHS]
    row = evaluate(make(truths, clip_box=PREDICTIONS), "ground_truth")["clip_box"]
    assert row.mean_iou == pytest.approx(4 / 9)
    assert row.pooled_iou == pytest.approx(18 / 42)


def test_no_detections_are_a_truth_too_and_not_a_missing_one(make):
    truths = [fo.Detections(detections=[person(rows(0))]), fo.Detections()]
    row = evaluate(make(truths, clip_box=[rows(0), rows(1)]), "ground_truth")["clip_box"]
    assert (row.images, row.mean_iou) == (2, 0.5)


def test_pixels_of_a_crowd_count_for_nothing(make):
    crowd = person(rows(1, 2), iscrowd=1)
    truths = [fo.Detections(detections=[person(rows(0)), crowd])]
    row = evaluate(make(truths, clip_box=[rows(0, 2)]), "ground_truth")["clip_box"]
    assert row.mean_iou == row.pooled_iou == row.precision == 1
    assert row.support == 12


def test_a_person_in_front_of_a_crowd_counts(make):
    truths = [fo.Detections(detections=[person(rows(0, 1)), person(rows(1, 2), iscrowd=1)])]
    row = evaluate(make(truths, clip_box=[rows(0)]), "ground_truth")["clip_box"]
    assert row.mean_iou == pytest.approx(1 / 2)


def test_boxes_of_other_classes_need_no_masks(make):
    truths = [fo.Detections(detections=[person(rows(0)), fo.Detection(label="dog", bounding_box=[0, 0, 1, 1])])]
    assert evaluate(make(truths, clip_box=[rows(0)]), "ground_truth")["clip_box"].mean_iou == 1


def test_truth_of_another_size_is_scaled_to_the_pictures(make):
    truth = rows(0, 1).repeat(2, axis=0).repeat(2, axis=1)
    assert evaluate(make([truth], clip_box=[rows(0, 1)]), "ground_truth")["clip_box"].mean_iou == 1


def test_samples_without_truth_are_left_out(make):
    dataset = make([*TRUTHS, None], clip_box=[*PREDICTIONS, rows(2)])
    assert evaluate(dataset, "ground_truth")["clip_box"].images == 3
    assert dataset.values("sam2_eval_clip_box_iou")[3] is None


def test_the_truth_itself_is_not_touched(make):
    dataset = make([mask * np.uint8(255) for mask in TRUTHS], clip_box=PREDICTIONS)
    before = [sample.ground_truth.to_dict() for sample in dataset]
    evaluate(dataset, "ground_truth")
    assert [sample.ground_truth.to_dict() for sample in dataset] == before


# the table


def test_rows_are_ordered_and_compared_with_the_baseline_on_equal_support(make):
    dataset = make(TRUTHS, clip_point=PREDICTIONS, clip_box=TRUTHS, yolo_box=[rows()] * 3)
    table = evaluate(dataset, "ground_truth")
    assert [row.strategy for row in table.rows] == ["clip_box", "clip_point", "yolo_box"]
    assert [row.difference and row.difference.mean for row in table.rows] == [
        pytest.approx(5 / 9), None, pytest.approx(-4 / 9),
    ]  # fmt: skip
    assert {row.support for row in table.rows} == {72}
    assert table.baseline == "clip_point"


def test_baseline_and_strategies_can_be_chosen(make):
    dataset = make(TRUTHS, clip_point=PREDICTIONS, clip_box=TRUTHS, yolo_box=[rows()] * 3)
    table = evaluate(dataset, "ground_truth", strategies=["clip_point", "yolo_box"], baseline="yolo_box")
    assert [row.strategy for row in table.rows] == ["clip_point", "yolo_box"]
    assert table["clip_point"].difference.mean == pytest.approx(4 / 9)
    assert table["yolo_box"].difference is None


def test_the_table_is_kept_in_the_dataset(make):
    dataset = make(TRUTHS, clip_point=PREDICTIONS, clip_box=TRUTHS)
    assert load_comparison(dataset) is None
    table = evaluate(dataset, "ground_truth")
    dataset.reload()
    assert load_comparison(dataset) == table
    assert load_comparison(dataset, prefix="other") is None


def test_prefixes_are_evaluated_apart(make):
    dataset = make(TRUTHS, clip_box=PREDICTIONS)
    add(dataset, prefix="other", clip_box=TRUTHS)
    assert evaluate(dataset, "ground_truth")["clip_box"].mean_iou == pytest.approx(4 / 9)
    assert evaluate(dataset, "ground_truth", prefix="other")["clip_box"].mean_iou == 1
    assert load_comparison(dataset)["clip_box"].mean_iou == pytest.approx(4 / 9)
    assert dataset.list_evaluations() == ["other_eval_clip_box", "sam2_eval_clip_box"]


def test_the_evaluation_is_fiftyones_own_and_shows_our_metric(make):
    dataset = make(TRUTHS, clip_box=PREDICTIONS)
    evaluate(dataset, "ground_truth")
    assert dataset.list_evaluations() == ["sam2_eval_clip_box"]
    results = dataset.load_evaluation_results("sam2_eval_clip_box")
    metric = results.custom_metrics["@promptlab/sam2-prompting/iou"]
    assert metric["value"] == pytest.approx(4 / 9)
    assert metric["lower_is_better"] is False
    assert results.metrics()["mean_iou"] == pytest.approx(4 / 9)
    assert dataset.mask_targets["sam2_truth"][1] == "person"


def test_each_mask_is_read_once_and_the_truth_once_more_to_be_understood(make, monkeypatch, tmp_path):
    truths = [fo.Detections(detections=[person(mask)]) for mask in TRUTHS]
    dataset, read, original = make(truths, clip_point=PREDICTIONS, clip_box=TRUTHS), [], fou.deserialize_numpy_array
    monkeypatch.setattr(
        fou, "deserialize_numpy_array", lambda *args, **kwargs: read.append(1) or original(*args, **kwargs)
    )
    for sample in dataset:
        sample.filepath = str(tmp_path / sample.filename)
        Image.new("RGB", (6, 4)).save(sample.filepath)
        sample.save()
    del sample  # what a person holds is read again whenever it changes
    read.clear()
    evaluate(dataset, "ground_truth")
    assert len(read) == 3 * 2 + 3 * 2


def test_no_mask_that_was_read_is_compressed_again(make, monkeypatch):
    dataset, written, original = make(TRUTHS, clip_point=PREDICTIONS, clip_box=TRUTHS), [], fou.serialize_numpy_array
    monkeypatch.setattr(
        fou, "serialize_numpy_array", lambda *args, **kwargs: written.append(1) or original(*args, **kwargs)
    )
    evaluate(dataset, "ground_truth")
    assert len(written) == 3  # the truth that it renders


def test_scores_of_an_evaluation_that_covered_more_samples_go_with_it(make):
    dataset = make(TRUTHS, clip_box=PREDICTIONS)
    evaluate(dataset, "ground_truth")
    evaluate(dataset.limit(2), "ground_truth", overwrite=True)
    for score in SCORES:
        assert dataset.values(f"sam2_eval_clip_box_{score}")[2] is None
    assert dataset.values("sam2_eval_clip_box_iou")[:2] == pytest.approx([1, 1 / 3])
    assert dataset.list_evaluations() == ["sam2_eval_clip_box"]


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


def test_in_the_app_the_operator_tells_progress_and_ends_with_the_table(make):
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
