"""Agreement of label maps: by hand, and pair by pair with the IoU of images."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from prompting.analysis.agreement import mean_pairwise_iou
from prompting.analysis.metrics import image_iou


def strip(*values: int) -> np.ndarray:
    return np.array([values], np.uint8)


def test_three_masks_by_hand():
    masks = [strip(1, 1, 0, 0), strip(1, 1, 0, 0), strip(0, 1, 1, 0)]
    assert mean_pairwise_iou(masks, [1]) == pytest.approx((1 + 1 / 3 + 1 / 3) / 3)


def test_masks_that_show_nothing_agree_and_one_that_does_disagrees_with_them():
    nothing = strip(0, 0, 0)
    assert mean_pairwise_iou([nothing, nothing], [1]) == 1
    assert mean_pairwise_iou([nothing, nothing, strip(0, 1, 0)], [1]) == pytest.approx(1 / 3)


def test_only_classes_that_a_pair_shows_count():
    assert mean_pairwise_iou([strip(1, 2, 2), strip(1, 2, 0)], [1, 2, 3]) == pytest.approx((1 + 1 / 2) / 2)


def test_fewer_than_two_masks_can_not_agree():
    assert mean_pairwise_iou([], [1]) is None
    assert mean_pairwise_iou([strip(1)], [1]) is None


@settings(max_examples=50, deadline=None)
@given(st.lists(arrays(np.uint8, (5, 7), elements=st.integers(0, 3)), min_size=2, max_size=5))
def test_it_is_the_mean_of_image_iou_over_pairs(masks):
    expected = np.mean([image_iou(a, b, [1, 2]) for a, b in combinations(masks, 2)])
    assert mean_pairwise_iou(masks, [1, 2]) == pytest.approx(expected)


def test_large_pictures_are_counted_exactly():
    masks = [np.ones((3000, 2000), np.uint8) for _ in range(2)]
    masks[1][0, 0] = 0
    assert mean_pairwise_iou(masks, [1]) == (6_000_000 - 1) / 6_000_000
