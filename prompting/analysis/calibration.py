"""Is the score to be trusted: SAM 2's predicted IoU against the true one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Bin:
    """The images whose predicted IoU is above ``low`` and at most ``high``.

    Attributes:
        low, high: the bin's edges
        predicted, true: the images' mean predicted and mean true IoU
        count: of images, at least one
    """

    low: float
    high: float
    predicted: float
    true: float
    count: int


@dataclass(frozen=True)
class Calibration:
    """How far predictions of the IoU can be believed.

    Attributes:
        bins: those that hold an image, in ascending order: the reliability curve
        error: the expected calibration error, the mean distance of predicted and true IoU of the bins,
            weighted by their images; 0 is perfect
        rank_correlation: 1 where the predictions put the images into the right order; None where undefined
        images: how many
    """

    bins: tuple[Bin, ...]
    error: float
    rank_correlation: float | None
    images: int


def calibrate(predicted: np.ndarray, true: np.ndarray, bins: int = 10) -> Calibration | None:
    """The reliability curve and the expected calibration error over bins of equal width in [0, 1].

    Guo et al., "On Calibration of Modern Neural Networks" (2017), with the
    predicted IoU in the place of confidence and the true IoU in that of
    accuracy. Predictions beyond 0 and 1 go to the outermost bins.

    Args:
        predicted: (N,) predicted IoU of each image
        true: (N,) its IoU with the truth; images with NaN in either are left out
        bins: how many

    Returns:
        the calibration, or None without any image
    """
    predicted, true = _both_known(predicted, true)
    if not len(predicted):
        return None
    edges = np.linspace(0, 1, bins + 1)
    number = np.searchsorted(edges[1:-1], predicted)
    filled = []
    for i in np.unique(number):
        inside = number == i
        filled.append(
            Bin(
                low=float(edges[i]),
                high=float(edges[i + 1]),
                predicted=float(predicted[inside].mean()),
                true=float(true[inside].mean()),
                count=int(inside.sum()),
            )
        )
    return Calibration(
        bins=tuple(filled),
        error=sum(part.count * abs(part.predicted - part.true) for part in filled) / len(predicted),
        rank_correlation=rank_correlation(predicted, true),
        images=len(predicted),
    )


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float | None:
    """Spearman's rank correlation.

    Args:
        a, b: (N,) values; pairs with NaN in either are left out

    Returns:
        a float in [-1, 1], or None for fewer than two pairs, or where all values of one side are equal
    """
    a, b = _both_known(a, b)
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(stats.spearmanr(a, b).statistic)


def _both_known(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(a, float), np.asarray(b, float)
    known = ~(np.isnan(a) | np.isnan(b))
    return a[known], b[known]
