"""Scores of one label map against the truth. Pure functions on arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

IGNORED = 255
"""Truth pixels of this value count for nothing: crowds that nobody outlined one by one."""


def image_iou(predicted: np.ndarray, truth: np.ndarray, values: Sequence[int]) -> float:
    """Mean IoU over the classes that the truth or the prediction shows.

    An image that shows none of them, neither in truth nor in prediction, scores
    1; one where something was found and nothing is scores 0. (FiftyOne gives
    None to every image with an empty truth, false positives or not.)

    Args:
        predicted, truth: (H, W) label maps
        values: the classes' values

    Returns:
        a float in [0, 1]
    """
    counted = truth != IGNORED
    scores = []
    for value in values:
        p, t = (predicted == value) & counted, (truth == value) & counted
        union = np.count_nonzero(p | t)
        if union:
            scores.append(np.count_nonzero(p & t) / union)
    return float(np.mean(scores)) if scores else 1.0


def pooled_scores(confusion: np.ndarray) -> dict[str, float]:
    """IoU, Dice, precision and recall of all pixels of all images together, averaged over classes.

    Args:
        confusion: (1 + C, 1 + C) pixel counts, rows truth, columns prediction, the background first

    Returns:
        ``iou``, ``dice``, ``precision``, ``recall``; NaN where nothing was there to score
    """
    hit = np.diag(confusion)[1:].astype(float)
    truth, predicted = confusion.sum(axis=1)[1:], confusion.sum(axis=0)[1:]
    return {
        "iou": _mean(hit, truth + predicted - hit),
        "dice": _mean(2 * hit, truth + predicted),
        "precision": _mean(hit, predicted),
        "recall": _mean(hit, truth),
    }


def mean_interval(values: Sequence[float], confidence: float = 0.95, seed: int = 0) -> tuple[float, float] | None:
    """The bootstrap interval of a mean (percentile method, 2,000 resamples of the images), seeded.

    Args:
        values: one score an image

    Returns:
        (low, high), or None for fewer than two images
    """
    if len(values) < 2:
        return None
    interval = stats.bootstrap(
        (np.asarray(values, float),),
        np.mean,
        n_resamples=2000,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(interval.low), float(interval.high)


def _mean(numerator: np.ndarray, denominator: np.ndarray) -> float:
    shown = denominator > 0
    return float(np.mean(numerator[shown] / denominator[shown])) if shown.any() else float("nan")
