"""Calibration of the predicted IoU, by hand."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from prompting.analysis.calibration import Bin, calibrate, rank_correlation


def test_error_and_bins_by_hand():
    predicted, true = np.array([0.92, 0.94, 0.96, 0.55]), np.array([0.9, 0.8, 0.7, 0.65])
    calibration = calibrate(predicted, true)
    assert [(b.low, b.high, b.count) for b in calibration.bins] == [
        (pytest.approx(0.5), pytest.approx(0.6), 1),
        (pytest.approx(0.9), 1, 3),
    ]
    assert [b.predicted for b in calibration.bins] == pytest.approx([0.55, 0.94])
    assert [b.true for b in calibration.bins] == pytest.approx([0.65, 0.8])
    assert calibration.error == pytest.approx((1 * 0.1 + 3 * 0.14) / 4)
    assert calibration.images == 4


def test_predictions_that_are_right_have_no_error_and_perfect_order():
    values = np.linspace(0, 1, 50)
    calibration = calibrate(values, values)
    assert calibration.error == pytest.approx(0)
    assert calibration.rank_correlation == pytest.approx(1)
    assert len(calibration.bins) == 10


def test_order_is_not_calibration():
    true = np.linspace(0.1, 0.5, 20)
    calibration = calibrate(true + 0.4, true)
    assert calibration.error == pytest.approx(0.4)
    assert calibration.rank_correlation == pytest.approx(1)


def test_a_single_bin_compares_the_two_means():
    rng = np.random.default_rng(0)
    predicted, true = rng.random(30), rng.random(30)
    assert calibrate(predicted, true, bins=1).error == pytest.approx(abs(predicted.mean() - true.mean()))


def test_an_edge_belongs_to_the_bin_below_and_what_lies_outside_to_the_outermost():
    calibration = calibrate(np.array([-0.1, 0.0, 0.5, 0.51, 1.0, 1.2]), np.zeros(6), bins=2)
    assert [(b.low, b.high, b.count) for b in calibration.bins] == [(0, 0.5, 3), (0.5, 1, 3)]


def test_images_without_either_are_left_out():
    nan = math.nan
    calibration = calibrate(np.array([0.9, nan, 0.5]), np.array([0.8, 0.3, nan]))
    assert calibration.images == 1
    assert calibration.bins == (Bin(pytest.approx(0.8), pytest.approx(0.9), 0.9, 0.8, 1),)
    assert calibration.rank_correlation is None


def test_without_any_image_there_is_no_calibration():
    assert calibrate(np.array([]), np.array([])) is None
    assert calibrate(np.array([math.nan]), np.array([0.5])) is None


UNIT = arrays(float, st.shared(st.integers(1, 30), key="images"), elements=st.floats(0, 1))


@given(UNIT, UNIT, st.integers(1, 12))
def test_every_image_is_in_the_bin_that_holds_it(predicted, true, bins):
    calibration = calibrate(predicted, true, bins)
    assert sum(b.count for b in calibration.bins) == calibration.images == len(predicted)
    assert all(b.low - 1e-9 <= b.predicted <= b.high + 1e-9 for b in calibration.bins)
    assert all(a.high <= b.low for a, b in pairwise(calibration.bins))
    assert abs(predicted.mean() - true.mean()) - 1e-9 <= calibration.error <= 1


def test_rank_correlation_by_spearmans_formula():
    a, b = np.array([1, 2, 3, 4, 5]), np.array([10, 30, 20, 50, 40])
    assert rank_correlation(a, b) == pytest.approx(1 - 6 * 4 / (5 * 24))
    assert rank_correlation(a, -(a**3)) == pytest.approx(-1)


@pytest.mark.parametrize(
    ("a", "b"),
    [([], []), ([1], [1]), ([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [2, 2, 2]), ([1, math.nan, 3], [1, 2, math.nan])],
    ids=["nothing", "one", "equal on the left", "equal on the right", "one known pair"],
)
def test_rank_correlation_that_means_nothing_is_none(a, b):
    assert rank_correlation(np.array(a, float), np.array(b, float)) is None
