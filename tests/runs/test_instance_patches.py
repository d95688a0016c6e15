"""FiftyOne's own evaluation of instances agrees with the table, and marks nobody's labels but ours."""

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest

from prompting.dataset.owned import own_fields
from prompting.runs.scoring import sureness
from tests.runs.discs import discs


@pytest.fixture
def evaluated(applied, evaluate_strategies):
    table = evaluate_strategies(applied, "ground_truth", patches=True, progress=False)
    applied.reload()
    return applied, table


def test_it_agrees_with_the_table_and_is_as_fiftyone_keeps_it(evaluated):
    """And it is taken away with all that came with it."""
    dataset, table = evaluated
    before = [d.to_dict() for d in dataset.values("ground_truth.detections", unwind=True)]
    assert not any(key.startswith("sam2") for d in before for key in d)
    for name in ("clip_point", "yolo_box"):
        key, instances = f"sam2_coco_{name}", table[name].instances
        results = dataset.load_evaluation_results(key)
        assert type(results).__name__ == "COCODetectionResults"
        assert instances.ap == pytest.approx(results.mAP(), abs=0.01)
        assert instances.ar == pytest.approx(results.mAR(), abs=0.01)
        assert instances.ap50 == pytest.approx(results.precision[0].mean(), abs=0.01)
        assert dataset.sum(f"{key}_tp") + dataset.sum(f"{key}_fn") == instances.truths
        patches = dataset.to_evaluation_patches(key)
        assert set(patches.distinct("type")) <= {"tp", "fp", "fn"}
        assert len(patches) == dataset.sum(f"{key}_tp") + dataset.sum(f"{key}_fp") + dataset.sum(f"{key}_fn")
    groups = {group.name: group.paths for group in dataset.app_config.sidebar_groups}
    assert "sam2_coco_yolo_box_tp" in groups["sam2 yolo_box"]

    foo.get_operator("@promptlab/sam2-prompting/remove_results")(dataset, confirm=True, progress=False)
    assert not dataset.list_evaluations()
    assert not set(own_fields(dataset, "sam2")) & set(dataset.get_field_schema())


def test_confidences_stay_the_predicted_iou(applied_once, evaluated):
    dataset, _ = evaluated
    path = "sam2_yolo_box_instances.detections.confidence"
    assert dataset.values(path) == applied_once.values(path)


def test_instances_are_ranked_by_both_confidences_as_far_as_they_are_known():
    assert sureness(fo.Detection(confidence=0.5, prior_confidence=0.4)) == pytest.approx(0.2)
    assert sureness(fo.Detection(confidence=0.5)) == 0.5
    assert sureness(fo.Detection()) == 1


def test_one_of_which_the_prior_was_not_sure_at_all_comes_last_in_both(evaluate_strategies):
    dataset = discs(6, 6)
    stray = {"bounding_box": [0, 0, 0.1, 0.1], "mask": np.ones((4, 4), bool), "confidence": 0.99}
    for sample in dataset:
        for detection in sample.sam2_yolo_box_instances.detections:
            detection["prior_confidence"] = 0.5
        sample.sam2_yolo_box_instances.detections.append(fo.Detection(label="person", prior_confidence=0.0, **stray))
        sample.save()
    table = evaluate_strategies(dataset, "gt", strategies=["yolo_box"], patches=True, progress=False)
    found = dataset.load_evaluation_results("sam2_coco_yolo_box")
    assert table["yolo_box"].instances.ap == pytest.approx(found.mAP(), abs=0.01) and found.mAP() > 0.1
    dataset.delete()
