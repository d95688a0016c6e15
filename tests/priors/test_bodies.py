"""Boxes of one field and keypoints of another become instances that have both."""

import fiftyone as fo
import numpy as np

from prompting.priors.base import Picture
from prompting.priors.fields import FieldPrior
from prompting.prompts.prompters import prompt_of
from prompting.prompts.strategies import strategy_of

BOXES = fo.Detections(
    detections=[
        fo.Detection(label="person", bounding_box=[0.0, 0.0, 0.4, 1.0]),
        fo.Detection(label="person", bounding_box=[0.3, 0.0, 0.4, 1.0]),
        fo.Detection(label="person", bounding_box=[0.8, 0.0, 0.2, 1.0]),
        fo.Detection(label="horse", bounding_box=[0.0, 0.0, 1.0, 1.0]),
    ]
)
POINTS = fo.Keypoints(
    keypoints=[
        fo.Keypoint(
            label="person", points=[(0.35, 0.1), (0.5, 0.5), (0.6, 0.9)]
        ),  # in the second, one in the first too
        fo.Keypoint(label="person", points=[(0.1, 0.2), (0.35, 0.4), (0.2, 0.8)]),
        fo.Keypoint(label="dog", points=[(0.9, 0.5)]),
    ]
)


def found(points=POINTS, classes=("person", "horse")):
    picture = Picture("key", "key", np.zeros((100, 200, 3), np.uint8), BOXES, points=points)
    return FieldPrior(classes, two_fields=True).find([picture])[0]


def test_keypoints_belong_to_the_box_of_their_class_that_holds_them():
    first, second, third, horse = found()
    assert first.point_coords.tolist() == [[20, 20], [70, 40], [40, 80]]
    assert second.point_coords.tolist() == [[70, 10], [100, 50], [120, 90]]
    assert len(third.point_coords) == len(horse.point_coords) == 0
    assert first.box.tolist() == [0, 0, 80, 100]


def test_an_instance_without_points_is_said_by_its_box_alone():
    first, *_, horse = found()
    for region, clicks in ((first, 3), (horse, 0)):
        prompt = prompt_of(strategy_of("field:box+points"), region, None, np.random.default_rng(0))
        assert len(prompt.point_labels) == clicks and prompt.box is not None


def test_picture_without_keypoints_has_its_boxes():
    assert [len(region.point_coords) for region in found(points=None)] == [0, 0, 0, 0]


def test_picture_without_boxes_has_no_instance_whatever_its_keypoints():
    for points in (POINTS, None):
        picture = Picture("key", "key", np.zeros((100, 200, 3), np.uint8), None, points=points)
        assert FieldPrior(["person"], two_fields=True).find([picture]) == [[]]
