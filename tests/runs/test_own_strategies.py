"""Strategies that a person composed are applied, scored, shown and removed like those with names of their own."""

import subprocess
import sys
import uuid
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest

from prompting.dataset.findings import load_findings
from prompting.dataset.last_run import last_asked
from prompting.dataset.names import StrategyFields
from prompting.dataset.owned import own_fields
from prompting.dataset.present import strategies_in
from prompting.dataset.records import recorded
from prompting.prompts.strategy import Strategy
from prompting.report.content import parameter_table, status_table

ROOT = Path(__file__).parents[2]
OWN = ["clip_box10_2p1o", "yolo_c4_box_2n"]


@pytest.fixture(scope="module")
def composed(made_once, apply_strategies, evaluate_strategies, nano):
    """Two pictures with one built-in and two own strategies, by name, spelling and value; evaluated."""
    dataset = made_once.limit(2).clone(f"own-{uuid.uuid4().hex[:8]}")
    own = [Strategy("clip", "box+points", 2, 1, "others", margin=10), "yolo.4:box+2n"]
    apply_strategies(dataset, strategies=["clip_box", *own], progress=False, **nano)
    evaluate_strategies(dataset, "ground_truth", progress=False)
    yield dataset
    dataset.delete()


def test_they_have_fields_records_and_rows_under_their_names(composed):
    assert strategies_in(composed, "sam2") == ["clip_box", *OWN]
    for name, given in zip(OWN, ({"boxes", "positive", "negative"}, {"boxes", "negative"})):
        fields = StrategyFields.of("sam2", name)
        assert set(composed.values(fields.status)) <= {"ok", "no_prompt"}
        there = {kind for kind in ("boxes", "positive", "negative") if composed.has_field(getattr(fields, kind))}
        assert there == given
    record = recorded(composed, "sam2", OWN[1])
    assert record["strategy"] == OWN[1] and record["spelling"] == "yolo.4:box+2n"
    findings = load_findings(composed)
    assert set(findings.evaluated) == {"clip_box", *OWN}
    assert findings.comparison["yolo.4:box+2n"] is findings.comparison[OWN[1]]
    assert np.isfinite(findings.iou[OWN[0]]).all()


def test_clicks_are_as_many_as_were_asked_for(composed):
    fields = StrategyFields.of("sam2", OWN[1])
    for sample in composed.exists(fields.negative):
        for clicks in sample[fields.negative].keypoints:
            assert len(clicks.points) <= 2


def test_the_report_says_what_they_do_and_with_which_parameters(composed):
    findings = load_findings(composed)
    said = {row[0]: row[1] for row in status_table(findings).rows}
    assert said[OWN[0]] == "box with a margin of 10 % for each CLIP region, 2 inside, 1 on others next to it"
    rows = {(row[0], row[2]) for row in parameter_table(findings, composed).rows}
    assert ("clip model", "clip_box, clip_box10_2p1o") in rows or ("clip model", "clip_box10_2p1o, clip_box") in rows
    assert not any(row[0] == "yolo confidence" for row in rows)  # the only one that asks YOLO says its own


def test_what_is_done_is_skipped_under_any_of_its_spellings(composed, apply_strategies, nano):
    given = {"progress": False, "existing": "skip", **nano}
    assert apply_strategies(composed, strategies=["yolo.40 : box+2n", "clip_box10_2p1o"], **given).total == 0
    assert last_asked(composed)["strategies"] == ["clip_box", *OWN]


def test_another_process_opens_the_dataset_without_being_told_of_them(composed):
    """Takes seconds: it imports everything anew."""
    code = f"""
import fiftyone as fo
from prompting.dataset.findings import load_findings
from prompting.prompts.strategies import strategy_of
composed = fo.load_dataset({composed.name!r})
print([(name, strategy_of(name).spelling) for name in load_findings(composed).strategies])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    found = dict(eval(done.stdout.splitlines()[-1]))
    assert found == {
        "clip_box": "clip:box",
        "clip_box10_2p1o": "clip:box10+2p1o",
        "yolo_c4_box_2n": "yolo.4:box+2n",
    }


def test_where_the_records_stayed_behind_the_fields_tell(composed):
    copy = composed.view().clone(f"own-{uuid.uuid4().hex[:8]}")
    for key in copy.list_runs():
        copy.delete_run(key)
    assert strategies_in(copy, "sam2") == ["clip_box", *OWN]
    copy.delete()


def test_one_is_removed_with_all_that_is_its_own_and_then_all(composed):
    dataset = composed.clone(f"own-{uuid.uuid4().hex[:8]}")
    remove = foo.get_operator("@promptlab/sam2-prompting/remove_results")
    before = set(dataset.get_field_schema())
    remove(dataset, strategy="yolo.4:box+2n", confirm=True, progress=False)
    gone = before - set(dataset.get_field_schema())
    assert gone and all(name.startswith(("sam2_yolo_c4_box_2n", "sam2_eval_yolo_c4_box_2n")) for name in gone)
    assert strategies_in(dataset, "sam2") == ["clip_box", OWN[0]]
    assert OWN[1] not in str(dataset.app_config)
    remove(dataset, confirm=True, progress=False)
    assert not [name for name in dataset.get_field_schema() if name.startswith("sam2_")]
    assert not [name for name in own_fields(dataset, "sam2") if OWN[0] in name]
    dataset.delete()


def test_clicks_within_boxes_alone_are_refused_before_any_work(made_once, apply_strategies, nano):
    with pytest.raises(ValueError, match=r"yolo:box\+5p clicks on masks or keypoints"):
        apply_strategies(made_once, strategies=["yolo:box+5p"], progress=False, **{**nano, "yolo_model": "yolo26n.pt"})
    assert not made_once.has_field("sam2_yolo_box_5p_status")


def test_corrections_by_boxes_and_clicks_around_points_are_refused_before_any_work(dataset, apply_strategies, nano):
    for sample in dataset:
        boxes = [fo.Detection(label=d.label, bounding_box=d.bounding_box) for d in sample["ground_truth"].detections]
        sample["boxes"] = fo.Detections(detections=boxes)
        sample.save()
    for prior, field in {"field": {"prompt_field": "boxes"}, "yolo": {"yolo_model": "yolo26n.pt"}}.items():
        with pytest.raises(ValueError, match=rf"{prior}:box@2 corrects masks .* none"):
            apply_strategies(dataset, strategies=[f"{prior}:box@2"], progress=False, **{**nano, **field})
    dataset.set_values("bodies", [fo.Keypoints() for _ in range(len(dataset))])
    with pytest.raises(ValueError, match="field:1p2n clicks around masks or boxes, and 'bodies' holds keypoints"):
        apply_strategies(dataset, strategies=["field:1p2n"], prompt_field="bodies", progress=False, **nano)


def test_masks_of_a_segmenting_detector_and_how_sure_it_was_of_each(made_once, apply_strategies, nano):
    dataset = made_once.limit(2).clone(f"own-{uuid.uuid4().hex[:8]}")
    given = {**nano, "yolo_model": "yolo26n-seg.pt", "progress": False, "keep_rounds": True}
    apply_strategies(dataset, strategies=["yolo_box", "yolo:points", "yolo.7:box+points@3"], **given)
    for name in ("yolo_box", "yolo_points", "yolo_c7_box_points_r3"):
        sure = f"sam2_{name}_instances.detections.prior_confidence"
        assert dataset.get_field(sure) is not None  # or the App could not filter by it
        lowest, highest = dataset.bounds(sure)
        assert (0.7 if "c7" in name else 0.25) <= lowest <= highest <= 1
    for sample in dataset:
        for detection, box in zip(
            sample["sam2_yolo_box_instances"].detections, sample["sam2_yolo_box_prompt_boxes"].detections
        ):
            assert detection["prior_confidence"] == box["prior_confidence"] != detection.confidence
    assert dataset.count("sam2_yolo_c7_box_points_r3_rounds.detections") > 0
    dataset.delete()


def test_boxes_of_one_field_and_points_of_another(made_once, apply_strategies, nano):
    dataset = made_once.limit(2).clone(f"own-{uuid.uuid4().hex[:8]}")
    for sample in dataset:
        bodies = [
            fo.Keypoint(label="person", points=[(x + w / 2, y + h / 2)])
            for x, y, w, h in (d.bounding_box for d in sample["ground_truth"].detections)
        ]
        sample["bodies"] = fo.Keypoints(keypoints=bodies)
        sample.save()
    given = {**nano, "prompt_field": "ground_truth", "progress": False}
    with pytest.raises(ValueError, match="points_field 'ground_truth' must hold Keypoints"):
        apply_strategies(dataset, strategies=["field:box+points"], points_field="ground_truth", **given)
    apply_strategies(dataset, strategies=["field:box+points"], points_field="bodies", **given)
    assert dataset.count("sam2_field_box_points_positive.keypoints") == dataset.count("bodies.keypoints") > 0
    assert dataset.count("sam2_field_box_points_prompt_boxes.detections") == dataset.count("bodies.keypoints")
    assert recorded(dataset, "sam2", "field_box_points")["points_field"] == "bodies"
    dataset.delete()
