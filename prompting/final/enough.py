"""When to stop labelling: how many labelled pictures settle which of two strategies is better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

RESAMPLES = 2000
POWER = 0.8
"""So probable it is to be that as many labelled pictures settle it."""
Z = float(stats.norm.ppf(0.975) + stats.norm.ppf(POWER))
FEWEST = 5
"""Labelled pictures below which nothing can be told."""


@dataclass(frozen=True)
class Enough:
    """How many labelled pictures would settle that one strategy is better than another.

    Attributes:
        better, worse: as the labelled pictures have it
        labelled: pictures
        pictures: in all; with all of them labelled it is settled anyway
        difference: mean IoU of the better minus the worse
        low, high: its 95 % interval
        needed: labelled pictures in all with which the 95 % interval would leave zero aside, with a probability of
            0.8 if the difference is what it looks like
        at_least, at_most: a 95 % interval of that, for neither difference nor variance are known for sure
    """

    better: str
    worse: str
    labelled: int
    pictures: int
    difference: float
    low: float
    high: float
    needed: int
    at_least: int
    at_most: int

    @property
    def settled(self) -> bool:
        """Whether the interval leaves zero aside."""
        return self.low > 0

    @property
    def complete(self) -> bool:
        """Whether no picture is left to label: then there is nothing to settle."""
        return self.labelled >= self.pictures

    def __str__(self) -> str:
        said = f"{self.better} is {self.difference:.3f} better than {self.worse} on {self.labelled} labelled pictures"
        if self.complete:
            return f"{said}, and none is left to label. Whether others would say the same is another question."
        said += f" (95 %: {self.low:+.3f} to {self.high:+.3f})"
        if self.settled:
            return f"{said}: settled; further labels of these {self.pictures} don't change who is better."
        span = f"{self.at_least} to {self.at_most} of {self.pictures}"
        if self.needed >= self.pictures:
            return f"{said}: not settled, and all pictures may not settle it (95 %: {span}); take the cheaper."
        more = max(1, self.needed - self.labelled)
        return f"{said}: not settled; about {more} more would settle it, {self.needed} in all (95 %: {span})."


def enough(
    a: str,
    b: str,
    differences: Sequence[float],
    pictures: int,
    left: float | None = None,
    besides: int = 0,
    seed: int = 0,
) -> Enough | None:
    """How many labelled pictures settle which of two strategies is better, from the variance of their differences.

    The usual number for a paired comparison, ((z of 0.975 + z of 0.8) x deviation / difference)^2, and less of it where
    it is a good part of all pictures there are (finite population). Its interval is a bootstrap of the labelled
    pictures: where the difference may be none, it reaches to all pictures.

    Args:
        a, b: the strategies
        differences: (L,) IoU of a minus that of b, of labelled pictures that are a random draw; or numbers whose mean
            is as good, see :func:`prompting.final.settling.settle`
        pictures: how many there are in all, labelled or not
        left: the share of the pictures that isn't labelled, which all uncertainty is of
        besides: pictures that are labelled too and are in those numbers already
        seed: of the bootstrap

    Returns:
        None for fewer than :data:`FEWEST` labelled pictures, or than two that tell of others
    """
    differences = np.asarray(differences, float)
    count = len(differences)
    if count < 2 or besides + count < FEWEST:
        return None
    if differences.mean() < 0:
        a, b, differences = b, a, -differences
    left = max(0.0, 1 - count / pictures) if left is None else left
    resampled = differences[np.random.default_rng(seed).integers(0, count, (RESAMPLES, count))]
    many = _needed(resampled.mean(axis=1), resampled.std(axis=1, ddof=1), pictures, besides)
    at_least, at_most = np.percentile(many, [2.5, 97.5])
    mean, deviation = float(differences.mean()), float(differences.std(ddof=1))
    reach = float(stats.t.ppf(0.975, count - 1) * deviation * np.sqrt(left / count))
    span = int(np.floor(at_least)), int(np.ceil(at_most))
    needed = int(_needed(np.array(mean), np.array(deviation), pictures, besides))
    return Enough(a, b, besides + count, pictures, mean, mean - reach, mean + reach, needed, *span)


def _needed(mean: np.ndarray, deviation: np.ndarray, pictures: int, besides: int) -> np.ndarray:
    """Labelled pictures in all, for means and deviations of any one shape."""
    doubt = np.divide(deviation, mean, out=np.full_like(mean, np.inf), where=mean > 0)
    endless = (Z * doubt) ** 2
    finite = np.divide(1.0, 1 / np.maximum(endless, 1e-9) + 1 / pictures)
    return np.minimum(pictures, besides + np.maximum(FEWEST, np.ceil(finite)))
