"""From a region to a prompt: the ways of saying to SAM 2 where something is.

Every prompter takes (region, avoid, rng): the region, all regions of its class
in one mask of the same size, on which no negative click may fall, and the
picture's random generator. It answers, in the picture's pixels, with a :class:`~prompting.segmentation.prompt.Prompt`.
"""

from __future__ import annotations

import numpy as np

from ..errors import PromptError
from ..pixels.masks import Window
from ..pixels.regions import Region, stretched, stretched_box
from ..segmentation.prompt import NEGATIVE, POSITIVE, Prompt, no_points
from .sampling import centroid, grow_box, ring_points, spread_points

POSITIVES, NEGATIVES = 5, 3
BOX, CLICKS_INSIDE, CLICKS_OUTSIDE = "box", "positive", "negative"
BOX_MARGIN = 0.05


def point(region: Region, avoid: Window, rng: np.random.Generator) -> Prompt:
    """One positive click: the centroid of the mask, else the given point, else the middle of the box."""
    if region.mask is not None:
        xy = _in_picture(region, centroid(region.mask))
    elif region.point_coords is not None and (region.point_labels == POSITIVE).any():
        xy = region.point_coords[region.point_labels == POSITIVE][:1]
    elif region.box is not None:
        xy = region.box.reshape(2, 2).mean(axis=0, keepdims=True)
    else:
        raise PromptError(f"A {region.label!r} has neither a mask nor a positive point nor a box to click on.")
    return _clicks(region, xy, no_points())


def box(region: Region, avoid: Window, rng: np.random.Generator) -> Prompt:
    """The box: around a mask with 5 % margin, or as a detector or a person gave it."""
    return Prompt(region.label, box=_box(region))


def points(region: Region, avoid: Window, rng: np.random.Generator) -> Prompt:
    """Given points as they are, else five clicks spread inside the mask and three in the ring outside."""
    if region.mask is None and region.point_coords is not None:
        return Prompt(region.label, region.point_coords, region.point_labels)
    mask = _mask(region)
    inside, outside = spread_points(mask, POSITIVES, rng), ring_points(mask, avoid, NEGATIVES, rng)
    return _clicks(region, _in_picture(region, inside), _in_picture(region, outside))


def box_negatives(region: Region, avoid: Window, rng: np.random.Generator) -> Prompt:
    """The box, and three negative clicks in the ring outside the mask."""
    outside = _in_picture(region, ring_points(_mask(region), avoid, NEGATIVES, rng))
    return _clicks(region, no_points(), outside, _box(region))


def box_points(region: Region, avoid: Window, rng: np.random.Generator) -> Prompt:
    """The box, five clicks inside the mask and three outside."""
    prompt = points(region, avoid, rng)
    return Prompt(region.label, prompt.point_coords, prompt.point_labels, _box(region))


GIVES = {
    point: {CLICKS_INSIDE},
    box: {BOX},
    points: {CLICKS_INSIDE, CLICKS_OUTSIDE},
    box_negatives: {BOX, CLICKS_OUTSIDE},
    box_points: {BOX, CLICKS_INSIDE, CLICKS_OUTSIDE},
}
"""What a prompt of each can have: other fields needn't be there."""


def _clicks(region: Region, positives: np.ndarray, negatives: np.ndarray, box: np.ndarray | None = None) -> Prompt:
    labels = np.array([POSITIVE] * len(positives) + [NEGATIVE] * len(negatives), np.int64)
    return Prompt(region.label, np.vstack([positives, negatives]).astype(np.float32), labels, box)


def _mask(region: Region) -> Window:
    if region.mask is None:
        raise PromptError(f"This strategy spreads clicks over a mask, and a {region.label!r} has none.")
    return region.mask


def _in_picture(region: Region, coords: np.ndarray) -> np.ndarray:
    """Points on a region's mask as points of the picture."""
    return stretched(coords, region.mask.shape, region.picture)


def _box(region: Region) -> np.ndarray:
    if region.mask is None and region.box is None:
        raise PromptError(f"This strategy needs a box, and a {region.label!r} has neither a box nor a mask.")
    if region.mask is None:
        return region.box
    tight = region.box
    if tight is None:
        tight = stretched_box(region.mask.box, region.mask.shape, region.picture)
    return grow_box(tight, BOX_MARGIN, *region.picture)
