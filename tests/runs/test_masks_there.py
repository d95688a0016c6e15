"""Masks that another model made stand beside the strategies: in the table, the panel's findings and the report."""

import uuid

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest

from prompting.dataset.findings import load_findings
from prompting.dataset.last_run import last_asked
from prompting.dataset.present import strategies_in
from prompting.report.content import parameter_table, status_table
from tests.copies import copy_of

PREFIX = "@promptlab/sam2-prompting/"


@pytest.fixture(scope="module")
def compared(applied_once, evaluate_strategies):
    """Two strategies beside the truth itself, as a mask, and beside the half of each person, without confidences."""
    dataset = copy_of(applied_once, f"there-{uuid.uuid4().hex[:8]}")
    for sample in dataset:
        height, width = sample["sam2_yolo_box"].get_mask().shape
        truth = fo.Detections(detections=[d.copy() for d in sample["ground_truth"].detections])
        sample["perfect"] = truth.to_segmentation(frame_size=(width, height), mask_targets={1: "person"})
        halves = []
        for detection in truth.detections:
            detection = detection.copy()
            detection.mask = np.asarray(detection.mask, bool).copy()
            detection.mask[detection.mask.shape[0] // 2 :] = False
            detection.label = "Person"
            halves.append(detection)
        sample["other_model"] = fo.Detections(detections=halves) if halves else None
        sample.save()
    with pytest.warns(UserWarning, match="2 of 6 samples have no label in 'other_model': there it found nothing"):
        table = evaluate_strategies(dataset, "ground_truth", fields=["perfect", "other_model"], progress=False)
    dataset.reload()
    yield dataset, table
    dataset.delete()


def test_they_are_rows_scored_like_the_strategies(compared):
    dataset, table = compared
    assert {row.strategy for row in table} == {"clip_point", "yolo_box", "perfect", "other_model"}
    assert table["perfect"].mean_iou == pytest.approx(1, abs=0.002)  # FiftyOne draws an edge elsewhere
    assert 0.5 < table["other_model"].mean_iou < table["yolo_box"].mean_iou
    assert len({row.support for row in table}) == 1
    assert table["other_model"].difference.p is not None and table["other_model"].decoder_calls is None
    assert dataset.get_evaluation_info("sam2_eval_other_model").config.pred_field == "sam2_other_model"
    assert dataset.bounds("sam2_eval_perfect_iou") == pytest.approx((1, 1), abs=0.005)


def test_panel_and_report_find_them(compared):
    dataset, _ = compared
    findings = load_findings(dataset)
    assert findings.evaluated[0] == "perfect" and "other_model" in findings.iou
    said = {row[0]: row[1:] for row in status_table(findings).rows}
    assert said["other_model"] == ("masks that were there, in the field other_model", "6", "0", "0", "0")
    whose = {row[0]: row[2] for row in parameter_table(findings, dataset).rows}
    assert whose["yolo model"] == "yolo_box"
    assert last_asked(dataset)["strategies"] == ["clip_point", "yolo_box"]


def test_evaluating_again_takes_them_as_they_are_now(compared, evaluate_strategies):
    dataset = copy_of(compared[0])
    dataset.set_values("other_model", [fo.Detections()] * len(dataset))
    table = evaluate_strategies(dataset, "ground_truth", progress=False)
    assert table["other_model"].instances.predictions == 0 and table["perfect"].mean_iou > 0.99
    alone = evaluate_strategies(dataset, "ground_truth", strategies=["yolo_box"], progress=False)
    assert [row.strategy for row in alone] == ["yolo_box"]
    dataset.delete()


def test_their_losses_are_explained_without_prompts_and_choices(compared):
    dataset = copy_of(compared[0])
    explain = foo.get_operator(f"{PREFIX}explain_strategies")
    parts = explain(dataset, strategies=["yolo_box", "other_model", "perfect"], progress=False).parts
    assert parts["other_model"]["prompt"] == parts["other_model"]["choice"] == 0
    assert parts["perfect"] == pytest.approx(dict.fromkeys(parts["perfect"], 0), abs=0.005)
    dataset.reload()
    findings = load_findings(dataset)
    for name in ("yolo_box", "other_model", "perfect"):
        total = np.sum(list(findings.errors[name].values()), axis=0)
        np.testing.assert_allclose(total, 1 - findings.iou[name], atol=1e-6)
    with pytest.raises(ValueError, match="explain a strategy too"):
        explain(dataset, strategies=["other_model"], robustness=True, progress=False)
    assert explain(dataset, strategies=["other_model"], progress=False).parts["other_model"]["segmenter"] > 0.1
    dataset.delete()


def test_they_are_exported_taken_over_and_removed_like_a_strategys(compared, tmp_path):
    dataset = copy_of(compared[0])
    foo.get_operator(f"{PREFIX}export_comparison")(dataset, str(tmp_path / "report"))
    assert "other_model" in (tmp_path / "report" / "comparison.html").read_text()
    foo.get_operator(f"{PREFIX}use_as_labels")(dataset, "other_model", "taken")
    assert dataset.count("taken_instances.detections") == dataset.count("other_model.detections")
    before = set(dataset.get_field_schema())
    foo.get_operator(f"{PREFIX}remove_results")(dataset, strategy="other_model", confirm=True, progress=False)
    gone = before - set(dataset.get_field_schema())
    assert gone and all(name.startswith(("sam2_other_model", "sam2_eval_other_model")) for name in gone)
    assert strategies_in(dataset, "sam2") == ["clip_point", "yolo_box", "perfect"]
    assert dataset.count("other_model.detections") > 0
    dataset.delete()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("truth", "means something else here; give them another: dataset.clone_sample_field"),
        ("yolo_box", "means something else here"),
        ("mine_", "can't begin names of fields"),
        ("nobody", "There is no label field 'nobody'"),
        ("points", "'points' must be a Segmentation or Detections"),
        ("boxes_alone", "have no instance mask"),
        ("ground_truth", "'ground_truth' is the truth, and no row beside itself"),
        (5, "fields must be a list of names, not 5"),
    ],
)
def test_what_cannot_be_a_row_is_refused_before_anything_is_written(applied, evaluate_strategies, name, said):
    if name in ("truth", "yolo_box", "mine_", "boxes_alone"):
        box = fo.Detections(detections=[fo.Detection(label="person", bounding_box=[0, 0, 0.5, 0.5])])
        applied.set_values(name, [box.copy() for _ in range(len(applied))])
    if name == "points":
        applied.set_values(name, [fo.Keypoints() for _ in range(len(applied))])
    before = set(applied.get_field_schema())
    with pytest.raises(ValueError, match=said):
        evaluate_strategies(applied, "ground_truth", fields=name, progress=False)
    applied.reload()
    assert {field for field in set(applied.get_field_schema()) - before if "truth" not in field} == set()
