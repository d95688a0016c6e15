"""What is known of a mask without its truth: numbers from which its IoU is guessed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..pixels.masks import Window, intersection_over_union
from .candidates import Candidate

FEATURES = (
    "found",
    "instances",
    "predicted",
    "least_predicted",
    "prior",
    "least_prior",
    "size",
    "agreement",
    "most_agreement",
    "fit",
)
"""In the order of :func:`describe`'s numbers."""


def describe(candidates: Sequence[Candidate], mask: Window, others: Sequence[Window]) -> np.ndarray:
    """A picture's instances in numbers.

    Args:
        candidates: what is found
        mask: all that they show
        others: what other strategies found, each all together

    Returns:
        (F,) in the order of :data:`FEATURES`, NaN where a number isn't known: whether there is anything; the logarithm
        of how many; the mean, by size, and the least of SAM 2's predicted IoU; the same of the prior's confidence; the
        square root of the share of the picture; the mean and the most IoU with others' masks; and, by size, the IoU of
        the masks' boxes with those that SAM 2 was given, which is low where prior and mask disagree
    """
    agreement = [intersection_over_union(mask, other) for other in others]
    areas = np.array([one.mask.area for one in candidates], float)
    height, width = mask.shape
    return np.array(
        [
            float(bool(candidates)),
            np.log1p(len(candidates)),
            *_mean_and_least([one.predicted_iou for one in candidates], areas),
            *_mean_and_least([one.prior_confidence for one in candidates], areas),
            np.sqrt(mask.area / (height * width)),
            np.mean(agreement) if agreement else np.nan,
            np.max(agreement) if agreement else np.nan,
            _mean_and_least([one.fit for one in candidates], areas)[0],
        ]
    )


def _mean_and_least(values: Sequence[float | None], weights: np.ndarray) -> tuple[float, float]:
    known = np.array([np.nan if value is None else value for value in values], float)
    there = ~np.isnan(known)
    if not there.any() or not weights[there].sum():
        return np.nan, np.nan
    return float(np.average(known[there], weights=weights[there])), float(known[there].min())
