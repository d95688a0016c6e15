"""Scores of one label map against the truth. Pure functions on arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from ..pixels.masks import IGNORED


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
    return _mean_over_classes(predicted, truth, values, lambda mask: mask)


def boundary_iou(predicted: np.ndarray, truth: np.ndarray, values: Sequence[int], ratio: float = 0.02) -> float:
    """Mean boundary IoU (Cheng et al., 2021) over the classes that the truth or the prediction shows.

    The IoU of just those pixels of both masks that are no further than a
    distance from the mask's outline; the picture's edge is an outline too. Pixels
    that don't count are background, so that it doesn't matter what was found
    there. Empty masks score as in :func:`image_iou`.

    Args:
        predicted, truth: (H, W) label maps
        values: the classes' values
        ratio: the distance as a share of the picture's diagonal

    Returns:
        a float in [0, 1]
    """
    distance = max(1, round(ratio * float(np.hypot(*truth.shape))))
    return _mean_over_classes(predicted, truth, values, lambda mask: _boundary(mask, distance))


def _mean_over_classes(
    predicted: np.ndarray, truth: np.ndarray, values: Sequence[int], part: Callable[[np.ndarray], np.ndarray]
) -> float:
    """The mean IoU over shown classes of a part of the two (H, W) bool masks; 1 where no class is shown."""
    counted = truth != IGNORED
    scores = []
    for value in values:
        p, t = part((predicted == value) & counted), part((truth == value) & counted)
        union = np.count_nonzero(p | t)
        if union:
            scores.append(np.count_nonzero(p & t) / union)
    return float(np.mean(scores)) if scores else 1.0


def _boundary(mask: np.ndarray, distance: int) -> np.ndarray:
    """The pixels of a (H, W) bool mask that erosion by a 3 x 3 square, ``distance`` times, takes away."""
    outside = {"borderType": cv2.BORDER_CONSTANT, "borderValue": 0}
    core = cv2.erode(mask.view(np.uint8), np.ones((3, 3), np.uint8), iterations=distance, **outside)
    return mask & ~core.view(bool)


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


def _mean(numerator: np.ndarray, denominator: np.ndarray) -> float:
    shown = denominator > 0
    return float(np.mean(numerator[shown] / denominator[shown])) if shown.any() else float("nan")
