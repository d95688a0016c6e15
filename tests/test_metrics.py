"""IoU, Dice, precision and recall, by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from prompting.metrics import IGNORED, image_iou, mean_interval, pooled_scores


def strip(*values: int) -> np.ndarray:
    return np.array([values], np.uint8)


@pytest.mark.parametrize(
    ("predicted", "truth", "expected"),
    [
        (strip(0, 1, 1, 0), strip(0, 1, 1, 0), 1),
        (strip(0, 1, 1, 0), strip(0, 0, 1, 1), 1 / 3),
        (strip(1, 1, 0, 0), strip(0, 0, 1, 1), 0),
        (strip(0, 0, 0, 0), strip(0, 0, 1, 1), 0),
        (strip(1, 0, 0, 0), strip(0, 0, 0, 0), 0),
        (strip(0, 0, 0, 0), strip(0, 0, 0, 0), 1),
    ],
    ids=["same", "one third", "beside", "nothing found", "nobody there, something found", "nobody there, none found"],
)
def test_image_iou_of_one_class(predicted, truth, expected):
    assert image_iou(predicted, truth, [1]) == pytest.approx(expected)


def test_ignored_pixels_count_for_nothing():
    truth = strip(1, 1, IGNORED, IGNORED)
    assert image_iou(strip(1, 1, 1, 0), truth, [1]) == 1
    assert image_iou(strip(0, 0, 1, 1), strip(0, 0, IGNORED, IGNORED), [1]) == 1


def test_classes_that_are_shown_count_equally():
    assert image_iou(strip(1, 2, 0, 0), strip(1, 2, 2, 0), [1, 2, 3]) == pytest.approx((1 + 1 / 2) / 2)


def test_class_that_was_found_and_is_not_there_counts_as_zero():
    assert image_iou(strip(1, 2), strip(1, 0), [1, 2]) == pytest.approx(1 / 2)


def test_values_that_were_not_asked_for_do_not_count():
    assert image_iou(strip(1, 5), strip(1, 6), [1]) == 1


@settings(max_examples=50, deadline=None)
@given(arrays(np.uint8, (6, 6), elements=st.integers(0, 2)), arrays(np.uint8, (6, 6), elements=st.integers(0, 2)))
def test_image_iou_is_symmetric_and_in_range(a, b):
    assert 0 <= image_iou(a, b, [1, 2]) <= 1
    assert image_iou(a, b, [1, 2]) == pytest.approx(image_iou(b, a, [1, 2]))
    assert image_iou(a, a, [1, 2]) == 1


def test_pooled_scores_of_one_class_by_hand():
    scores = pooled_scores(np.array([[50, 10], [20, 20]]))
    assert scores == pytest.approx({"iou": 20 / 50, "dice": 40 / 70, "precision": 20 / 30, "recall": 20 / 40})


def test_pooled_scores_of_two_classes_are_averaged():
    scores = pooled_scores(np.array([[10, 0, 0], [0, 8, 0], [4, 0, 4]]))
    assert scores == pytest.approx({"iou": 0.75, "dice": (1 + 8 / 12) / 2, "precision": 1, "recall": 0.75})


def test_nothing_to_score_is_no_number():
    assert all(math.isnan(value) for value in pooled_scores(np.array([[50, 0], [0, 0]])).values())


def test_nothing_found_has_recall_zero_and_no_precision():
    scores = pooled_scores(np.array([[50, 0], [10, 0]]))
    assert (scores["iou"], scores["dice"], scores["recall"]) == (0, 0, 0)
    assert math.isnan(scores["precision"])


def test_interval_of_a_mean_holds_it_and_narrows_with_more_images():
    rng = np.random.default_rng(0)
    few, many = rng.uniform(0.3, 0.9, 10), rng.uniform(0.3, 0.9, 1000)
    (low, high), (lower, upper) = mean_interval(few), mean_interval(many)
    assert low < few.mean() < high
    assert lower < many.mean() < upper
    assert upper - lower < (high - low) / 3
    # the normal approximation is good at a thousand images
    assert upper - lower == pytest.approx(2 * 1.96 * many.std() / np.sqrt(1000), rel=0.1)


def test_interval_is_the_same_every_time():
    values = np.random.default_rng(1).random(20)
    assert mean_interval(values) == mean_interval(values)


def test_one_image_has_no_interval():
    assert mean_interval([0.5]) is None


def test_equal_scores_have_an_interval_without_width():
    assert mean_interval([0.5] * 8) == (0.5, 0.5)
