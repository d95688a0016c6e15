"""Cutting maps of probabilities into regions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..pixels.regions import Region, components, stretched_box


def map_regions(
    classes: Sequence[str],
    probabilities: np.ndarray,
    background: np.ndarray,
    shape: tuple[int, int],
    smallest: float,
    peak: float,
) -> list[Region]:
    """Connected regions in which a class is likelier than the background and all other classes, the largest first.

    Args:
        classes: C names
        probabilities: (h, w, C) of each class
        background: (h, w) of what it competes with
        shape: the picture's (height, width)
        smallest: regions below this share of the picture are dropped
        peak: a region must somewhere reach this probability, which is its confidence
    """
    likeliest = probabilities.argmax(axis=2) if len(classes) > 1 else None
    regions = []
    for i, label in enumerate(classes):
        p = probabilities[:, :, i]
        wins = p > background
        if likeliest is not None:
            wins &= likeliest == i
        for mask in components(wins, smallest):
            sure = float(p[mask.place][mask.crop].max())
            if sure >= peak:
                box = stretched_box(mask.box, mask.shape, shape)
                regions.append(Region(label, box=box, mask=mask, confidence=sure, shape=shape))
    return regions
