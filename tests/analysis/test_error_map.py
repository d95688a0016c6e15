"""Hit, missed and excess, pixel by pixel."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from prompting.analysis.error_map import EXCESS, HIT, MISSED, WRONG_CLASS, error_map
from prompting.analysis.metrics import image_iou
from prompting.pixels.masks import IGNORED

SHAPE = (7, 9)
maps = hnp.arrays(np.uint8, SHAPE, elements=st.sampled_from([0, 1, 2]))
truths = hnp.arrays(np.uint8, SHAPE, elements=st.sampled_from([0, 1, 2, IGNORED]))


@given(maps, truths)
def test_pixels_that_count_for_nothing_are_not_drawn(predicted, truth):
    assert not error_map(predicted, truth)[truth == IGNORED].any()


@given(maps, maps)
def test_a_mask_and_its_truth_can_be_told_from_the_map(predicted, truth):
    errors = error_map(predicted, truth)
    assert np.array_equal(np.isin(errors, (HIT, EXCESS, WRONG_CLASS)), predicted > 0)
    assert np.array_equal(np.isin(errors, (HIT, MISSED, WRONG_CLASS)), truth > 0)
    assert np.array_equal(errors == WRONG_CLASS, (predicted > 0) & (truth > 0) & (predicted != truth))


@given(maps, truths)
def test_of_one_class_the_hits_share_of_all_is_the_iou(predicted, truth):
    predicted, truth = predicted.clip(max=1), np.where(truth == 2, 1, truth)
    errors = error_map(predicted, truth)
    if errors.any():
        iou = np.count_nonzero(errors == HIT) / np.count_nonzero(errors)
        assert np.isclose(iou, image_iou(predicted, truth, [1]))
