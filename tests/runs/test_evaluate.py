"""Evaluation: the numbers are right where FiftyOne's own traps would make them wrong. No model runs here."""

import fiftyone as fo
import fiftyone.core.utils as fou
import numpy as np
import pytest
from PIL import Image

from prompting.dataset.judgements import load_comparison
from prompting.dataset.names import SCORES
from prompting.runs.evaluation import evaluate
from tests.runs.by_hand import PREDICTIONS, TRUTHS, add, person, rows

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


def test_a_strategy_is_not_its_own_truth(make):
    dataset = make(TRUTHS, clip_point=PREDICTIONS, clip_box=TRUTHS)
    with pytest.raises(ValueError, match="is a result of 'clip_box', which would be perfect by itself"):
        evaluate(dataset, "sam2_clip_box")
    assert evaluate(dataset, "sam2_clip_box", strategies=["clip_point"])["clip_point"].mean_iou < 1
