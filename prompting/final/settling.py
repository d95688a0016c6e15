"""Which pictures settle soonest which of two strategies is better, and what they say.

Where both masks are the same, both IoUs are: such a picture tells nothing. More generally two IoUs with the truth
differ by no more than the masks do from each other, for 1 - IoU is a metric (Kosub, 2019). So pictures are drawn with
chances in proportion to how far the masks differ, and each counts for as much as it was unlikely to be drawn: that is
right on average, as a plain random draw is, and varies less (Des Raj, 1956). They are drawn one after the other, each
in proportion among those that are left (exponential times, Efraimidis and Spirakis, 2006), so that whoever labels more
goes on in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .enough import Enough, told


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
        rank = np.where(distances > 0, -np.log1p(-luck) / np.maximum(distances, 1e-12), np.inf)
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
    later = np.array([one in differences for one in draw.ids], bool)
    later[:drawn] = False
    told_of = sum(known.values()) + sum(differences[draw.ids[i]] for i in np.flatnonzero(later))
    left = np.where(later, 0.0, draw.distances)  # of those that are known nothing is left to be told
    telling = left[:drawn] > 0
    sampled = np.array([differences[one] for one in draw.ids[:drawn]], float)[telling]
    told_of += sum(differences[one] for one, tells in zip(draw.ids, telling) if not tells)
    ratios = sampled / left[:drawn][telling]
    # with crowds left out a difference may pass the masks' distance, which is of all pixels: then as much for all
    passed = max(1.0, float(np.abs(ratios).max(initial=0)))
    left, ratios = left * passed, ratios / passed
    drawn_reach = left[:drawn][telling]
    after = float(left[drawn:].sum())
    reaches = after + np.append(np.cumsum(drawn_reach[::-1])[::-1], 0.0)
    besides = len(known) + int(later.sum()) + drawn - len(ratios)
    open_ = int((left[drawn:] > 0).sum())
    return told(a, b, told_of, besides, ratios, reaches, open_, len(known) + len(draw.ids))
