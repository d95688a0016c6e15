"""When to stop labelling: how many labelled pictures settle which of two strategies is better.

Who wants to stop asks that after each label, and stops the first time that it is settled: an interval for one look
would be wrong far too often by then. These hold at all looks together (:mod:`prompting.final.betting`), so that the
sign at the first "settled" is wrong with a probability of 0.05 at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .betting import draws_to_win, estimate, total_between

RESAMPLES = 2000
FEWEST = 5
"""Labelled pictures below which nothing can be told."""


@dataclass(frozen=True)
class Enough:
    """How many labelled pictures would settle that one strategy is better than another.

    Attributes:
        better, worse: as the labelled pictures have it
        labelled: pictures
        pictures: in all; with all of them labelled it is settled anyway
        difference: mean IoU of the better minus the worse over all pictures, as the labelled ones tell; where all are
            labelled, what it is
        low, high: its 95 % interval, which holds however often it is looked at
        needed: labelled pictures in all with which the 95 % interval would leave zero aside, with a probability of
            0.8 if the difference is what it looks like
        at_least, at_most: a 95 % interval of that, for neither difference nor variance are known for sure
        equal: on every labelled picture both have the same IoU
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
    equal: bool = False

    @property
    def settled(self) -> bool:
        """Whether the interval leaves zero aside."""
        return self.low > 0

    @property
    def complete(self) -> bool:
        """Whether no picture is left to label, or none on which they differ: then there is nothing to settle."""
        return self.labelled >= self.pictures or (self.equal and self.low == self.high)

    def __str__(self) -> str:
        if self.equal:
            both = f"{self.better} and {self.worse} are equal"
            if self.complete:
                return f"{both} on all {self.pictures} pictures: nothing to settle; take the cheaper."
            return f"{both} on all {self.labelled} labelled pictures: nothing to settle so far; take the cheaper."
        ahead = f"{self.better} is {self.difference:.3f} better than {self.worse}"
        if self.complete:
            return (
                f"{ahead} on {self.labelled} labelled pictures, and none is left to label. Whether others would say the"
                " same is another question."
            )
        said = f"{ahead} over all {self.pictures} pictures, by what {self.labelled} labelled ones tell"
        said += f" (95 %: {self.low:+.3f} to {self.high:+.3f})"
        if self.settled:
            return (
                f"{said}: settled; that labels of all {self.pictures} turn it round has a chance of 5 % at most,"
                " however often one looks."
            )
        span = f"{self.at_least} to {self.at_most} of {self.pictures}"
        if self.needed >= self.pictures:
            return (
                f"{said}: not settled, and to settle it may take labels of all pictures (95 %: {span}). Till then"
                " either will do."
            )
        more = max(1, self.needed - self.labelled)
        return f"{said}: not settled; about {more} more would settle it, {self.needed} in all (95 %: {span})."


def enough(
    a: str, b: str, differences: Sequence[float], pictures: int, seed: int = 0, known: Sequence[float] = ()
) -> Enough | None:
    """How many labelled pictures settle which of two strategies is better, of pictures that are a plain random draw.

    Args:
        a, b: the strategies
        differences: (L,) IoU of a minus that of b, of the labelled pictures, as they came; where nobody knows that, in
            an order by lot (:func:`prompting.final.folds.by_lot`): bets on pictures that were sorted, those of the day
            before those of the night, would be won by who saw the day alone
        pictures: how many there are in all, labelled or not
        seed: of the bootstrap
        known: (K,) the same of labelled pictures that are no random draw: they speak for themselves alone

    Returns:
        None for fewer than :data:`FEWEST` labelled pictures
    """
    differences = np.asarray(differences, float)
    others = pictures - len(known)
    reaches = others - np.arange(len(differences) + 1.0)  # no difference is larger than 1
    of = differences, reaches, others - len(differences), pictures
    return told(a, b, float(sum(known)), len(known), *of, seed)


def told(
    a: str,
    b: str,
    known: float,
    besides: int,
    ratios: np.ndarray,
    reaches: np.ndarray,
    open_: int,
    pictures: int,
    seed: int = 0,
) -> Enough | None:
    """What labelled pictures say, those that are known and those that were drawn.

    Args:
        a, b: the strategies
        known: the sum of the differences of labelled pictures that nobody drew
        besides: how many labelled pictures those are, and others that tell nothing
        ratios, reaches: of those that were drawn, as in :func:`prompting.final.betting.total_between`
        open_: how many are left that may differ
        pictures: in all
        seed: of the bootstrap

    Returns:
        None for fewer than :data:`FEWEST` labelled pictures, while others are left that may differ
    """
    labelled = besides + len(ratios)
    if labelled < FEWEST and open_:
        return None
    low, high = total_between(ratios, reaches)
    if len(ratios):
        mean = known + float(np.clip(estimate(ratios, reaches), low, high))
    else:  # nothing is told of the others: what those are that are known
        mean = float(np.clip(known * pictures / max(1, besides), known + low, known + high))
    if abs(mean) < 1e-12 and not np.any(ratios):
        mean = 0.0
    low, high = (known + low) / pictures, (known + high) / pictures
    mean /= pictures
    if mean < 0:
        a, b, ratios, mean, low, high = b, a, -ratios, -mean, -high, -low
    most = besides + len(ratios) + open_
    if len(ratios) > 1 and open_:
        counts = np.random.default_rng(seed).multinomial(len(ratios), np.full(len(ratios), 1 / len(ratios)), RESAMPLES)
        many = _needed(ratios, np.vstack([np.ones(len(ratios)), counts]), len(ratios) + open_)
        many = np.where(many >= len(ratios) + open_, pictures, besides + many)
        needed, (at_least, at_most) = int(many[0]), np.percentile(many[1:], [2.5, 97.5])
    else:
        needed, at_least, at_most = most, labelled, most
    equal = mean == 0 and not np.any(ratios)
    span = int(np.floor(at_least)), int(np.ceil(at_most))
    return Enough(a, b, labelled, pictures, mean, low, high, needed, *span, equal)


def _needed(ratios: np.ndarray, counts: np.ndarray, open_ones: int) -> np.ndarray:
    """Drawn pictures that settle it, of so many; fewer of few (finite population)."""
    endless = draws_to_win(ratios, counts)
    return np.minimum(open_ones, np.maximum(FEWEST, np.ceil(1 / (1 / endless + 1 / open_ones))))
