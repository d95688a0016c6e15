"""What a person sees of a result: each instance, its prompts, and each round, in FiftyOne's labels."""

import numpy as np
import pytest

from prompting.dataset import labels
from prompting.labels.instances import instance_mask
from prompting.prompts.refine import Round
from prompting.results import OK, StrategyResult
from prompting.segmentation.prompt import Prompt

SHAPE = (20, 40)


def rectangle(y1: int, y2: int, x1: int, x2: int) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[y1:y2, x1:x2] = True
    return mask


@pytest.fixture
def result() -> StrategyResult:
    """A box that was corrected twice, clicks of both kinds, and a box that gave an empty mask."""
    corrected = Prompt("person", box=np.array([4, 2, 24, 12], np.float32)).with_click((5, 3), 1).with_click((30, 3), 0)
    clicks = Prompt("dog", np.array([[10, 5], [30, 15], [39, 19]], np.float32), np.array([1, 1, 0]))
    empty = Prompt("person", box=np.array([0, 0, 2, 2], np.float32))
    masks = np.stack([rectangle(2, 12, 4, 24), rectangle(0, 20, 0, 40), rectangle(0, 0, 0, 0)])
    rounds = (Round(0, 0, rectangle(2, 4, 4, 24)), Round(0, 1, rectangle(2, 8, 4, 24)), Round(0, 2, masks[0]))
    prompts, ious = (corrected, clicks, empty), np.array([0.5, 0.75, 0.25], np.float32)
    return StrategyResult("clip_box", np.zeros(SHAPE, np.uint8), prompts, ious, OK, 0.1, 3, masks, rounds)


def test_instances_are_masks_in_their_boxes_and_the_empty_one_is_left_out(result):
    found = list(labels.instances(result))
    assert [(d.label, d.index, round(d.confidence, 2)) for d in found] == [("person", 0, 0.5), ("dog", 1, 0.75)]
    assert found[0].bounding_box == [0.1, 0.1, 0.5, 0.5]
    for detection in found:
        assert np.array_equal(instance_mask(detection, *SHAPE), result.masks[detection.index])


def test_box_points_and_mask_of_an_instance_share_their_index(result):
    assert [d.index for d in labels.boxes(result).detections] == [0, 2]
    assert [k.index for k in labels.joined(*labels.clicks(result)).keypoints] == [0, 1]


def test_positive_and_negative_clicks_are_apart_and_told_by_round(result):
    positive, negative = labels.clicks(result)
    assert [(k.label, k.index, len(k.points)) for k in positive.keypoints] == [("round 1", 0, 1), ("round 0", 1, 2)]
    assert [(k.label, k.index, len(k.points)) for k in negative.keypoints] == [("round 2", 0, 1), ("round 0", 1, 1)]
    assert negative.keypoints[0].points[0] == pytest.approx([30 / 40, 3 / 20])
    assert [k.sam_labels for k in (*positive.keypoints, *negative.keypoints)] == [[1], [1, 1], [0], [0]]


def test_clicks_of_both_kinds_are_joined_in_the_order_in_which_they_were_made():
    xy = np.array([[1, 1], [2, 2], [3, 3], [4, 4]], np.float32)
    mixed = Prompt("person", xy, np.array([0, 1, 0, 1]))
    nothing = np.zeros((1, *SHAPE), bool)
    made = StrategyResult("clip_points", np.zeros(SHAPE, np.uint8), (mixed,), np.ones(1), OK, 0.1, 1, nothing)
    (back,) = labels.joined(*labels.clicks(made)).keypoints
    assert back.sam_labels == [0, 1, 0, 1]
    assert np.multiply(back.points, (SHAPE[1], SHAPE[0])) == pytest.approx(xy)


def test_each_round_has_its_mask(result):
    found = list(labels.rounds(result))
    assert [(d.label, d.index) for d in found] == [("round 0", 0), ("round 1", 0), ("round 2", 0)]
    assert np.array_equal(instance_mask(found[1], *SHAPE), rectangle(2, 8, 4, 24))


def test_prompts_come_back_out_of_their_labels(result):
    back = labels.prompts_of(labels.boxes(result), labels.joined(*labels.clicks(result)), *SHAPE)
    assert list(back) == [0, 1, 2]
    for i, prompt in back.items():
        wanted = result.prompts[i]
        assert prompt.label == wanted.label
        assert prompt.point_coords == pytest.approx(wanted.point_coords, abs=1e-4)
        assert prompt.point_labels.tolist() == wanted.point_labels.tolist()
        assert (prompt.box is None) == (wanted.box is None)
        if wanted.box is not None:
            assert prompt.box == pytest.approx(wanted.box, abs=1e-4)
        prompt.check(*SHAPE)


def test_result_without_masks_has_empty_labels():
    nothing = StrategyResult("clip_box", np.zeros(SHAPE, np.uint8), (), np.zeros(0), "no_prompt", 0.1, 0)
    for made in (labels.instances(nothing), labels.rounds(nothing), labels.boxes(nothing).detections):
        assert list(made) == []
    assert labels.joined(*labels.clicks(nothing)).keypoints == []
