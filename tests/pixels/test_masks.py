"""Overlaps go to the mask that SAM 2 thinks better of."""

import numpy as np
import pytest

from prompting.pixels.masks import intersection_over_union, paint


def test_iou_by_hand():
    a, b = np.zeros((2, 10), bool), np.zeros((2, 10), bool)
    a[:, :6], b[:, 3:9] = True, True
    assert intersection_over_union(a, b) == pytest.approx(3 / 9)
    assert intersection_over_union(a, ~a) == 0
    assert intersection_over_union(np.zeros((3, 3), bool), np.zeros((3, 3), bool)) == 1


def test_nothing_painted_is_background():
    assert not paint([], [], [], (4, 5)).any()


def squares() -> np.ndarray:
    masks = np.zeros((2, 6, 6), bool)
    masks[0, :4, :4] = masks[1, 2:, 2:] = True
    return masks


def test_higher_predicted_iou_wins_the_overlap():
    first = paint(squares(), [0.9, 0.5], [1, 2], (6, 6))
    second = paint(squares(), [0.5, 0.9], [1, 2], (6, 6))
    assert first[3, 3] == 1
    assert second[3, 3] == 2
    for label_map in (first, second):
        assert (label_map[0, 0], label_map[5, 5], label_map[0, 5]) == (1, 2, 0)
        assert label_map.dtype == np.uint8


def test_instances_of_a_class_share_its_value():
    assert np.array_equal(paint(squares(), [0.9, 0.5], [3, 3], (6, 6)), 3 * squares().any(axis=0))


def test_largest_class_value_fits():
    assert paint(squares()[:1], [0.9], [255], (6, 6)).max() == 255
