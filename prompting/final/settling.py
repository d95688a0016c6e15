"""Which pictures settle soonest which of two strategies is better, and what they say.

Where both masks are the same, both IoUs are: such a picture tells nothing. More generally two IoUs with the truth
differ by no more than the masks do from each other, for 1 - IoU is a metric (Kosub, 2019). So pictures are drawn with
chances in proportion to how far the masks differ, and each counts for as much as it was unlikely to be drawn: that is
right on average, as a plain random draw is, and varies less (Horvitz and Thompson, 1952; drawn one after the other by
Ohlsson's sequential Poisson sampling, 1998, so that whoever labels more goes on in the same order).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .enough import FEWEST, Enough, enough


@dataclass(frozen=True)
class Draw:
    """An order in which to label pictures, that which of two strategies is better is settled soon.

    Attributes:
        ids: the samples that weren't labelled when it was drawn, first that to be labelled first; those on which both
            masks are the same come last
        distances: (M,) 1 - IoU of both masks, in the same order
    """

    ids: tuple[str, ...]
    distances: np.ndarray

    @classmethod
    def of(cls, ids: Sequence[str], distances: np.ndarray, seed: int = 0) -> Draw:
        """Draw an order.

        Args:
            ids: of the samples that aren't labelled
            distances: (M,) 1 - IoU of both masks of each
            seed: of the draw
        """
        distances = np.clip(np.asarray(distances, float), 0, 1)
        luck = np.random.default_rng(seed).random(len(distances))
        rank = np.where(distances > 0, luck / np.maximum(distances, 1e-12), np.inf)
        order = np.lexsort((luck, rank))
        return cls(tuple(ids[i] for i in order), distances[order])


def settle(a: str, b: str, draw: Draw, known: dict[str, float], differences: dict[str, float]) -> Enough | None:
    """Whether it is settled which of two strategies is better over all pictures, and else how many more would do it.

    What was labelled before the draw is known and counts for itself, however it was chosen; of the others those that
    were drawn speak for all, by the ratio of the difference to the masks' distance.

    Args:
        a, b: the strategies
        draw: the order of the pictures that weren't labelled
        known: IoU of a minus that of b of the pictures that had been labelled before the draw
        differences: the same of those of the draw that are labelled now; labelled ones after a gap in the order speak
            for nobody but themselves

    Returns:
        None where too few are labelled to tell
    """
    drawn = next((i for i, one in enumerate(draw.ids) if one not in differences), len(draw.ids))
    later = [one for one in draw.ids[drawn:] if one in differences]
    pictures = len(known) + len(draw.ids)
    distances = np.where([one in later for one in draw.ids], 0.0, draw.distances)  # known: nothing is left to be told
    told, besides = sum(known.values()) + sum(differences[one] for one in later), len(known) + len(later)
    sampled = np.array([differences[one] for one in draw.ids[:drawn]])
    sure = _certain(distances, drawn)
    told += float(sampled[sure[:drawn]].sum())
    rest = distances[~sure].sum()
    open_ones = (~sure[:drawn]) & (distances[:drawn] > 0)
    ratios = sampled[open_ones] / distances[:drawn][open_ones]
    besides += drawn - len(ratios)
    if len(ratios) < 2:  # nothing speaks for the others: their differences are no larger than the masks' distances
        labelled, open_ = besides + len(ratios), int(((distances > 0) & ~sure).sum()) - len(ratios)
        told += float(sampled[open_ones].sum())
        rest -= float(distances[:drawn][open_ones].sum())
        return _bounded(a, b, told / pictures, rest / pictures, labelled, open_, pictures)
    left = max(0.0, float(1 - distances[:drawn][open_ones].sum() / rest))
    # each ratio stands for the whole rest: the mean of these numbers is the mean difference over all pictures
    return enough(a, b, (told + rest * ratios) / pictures, pictures, left, besides)


def _bounded(a: str, b: str, mean: float, reach: float, labelled: int, left: int, pictures: int) -> Enough | None:
    """The interval that is sure, where nothing is left to be told or too little is known to tell by chance."""
    if labelled < FEWEST:
        return None
    if mean < 0:
        a, b, mean = b, a, -mean
    most = labelled + left
    return Enough(a, b, labelled, pictures, mean, mean - reach, mean + reach, most, min(labelled, most), most)


def _certain(distances: np.ndarray, drawn: int) -> np.ndarray:
    """(M,) bool, the first of the order whose chance to be among so many was 1: they stand for themselves alone."""
    sure = np.zeros(len(distances), bool)
    while True:
        left = drawn - int(sure.sum())
        chances = left * distances / max(distances[~sure].sum(), 1e-12)
        new = ~sure & (chances >= 1) & (np.arange(len(distances)) < drawn)
        if left <= 0 or not new.any():
            return sure
        sure |= new
