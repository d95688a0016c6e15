"""Instances of several strategies put together: what one saw and another didn't is kept, and nobody twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..pixels.masks import intersection
from .candidates import Candidate

SAME = 0.5
"""Two masks show the same from this IoU on; and one shows nothing new of which this share lies in another."""


def merged(
    candidates: Sequence[Candidate], worth: Callable[[Candidate], float] = lambda one: one.sureness
) -> list[Candidate]:
    """The instances that are worth most, without those that show what a better one shows.

    As a detector's non-maximum suppression, with masks in the place of boxes; a mask that lies within a better one, or
    holds one, to more than a half is the same too: a region of CLIP's that spans two people whom a detector told apart.

    Args:
        candidates: of one picture, in the order in which equals are kept
        worth: by what they are kept
    """
    kept: list[Candidate] = []
    for one in sorted(candidates, key=worth, reverse=True):
        if not any(other.label == one.label and _same(one, other) for other in kept):
            kept.append(one)
    return kept


def _same(one: Candidate, other: Candidate) -> bool:
    shared = intersection(one.mask, other.mask)
    areas = one.mask.area, other.mask.area
    return shared >= SAME * min(areas)
