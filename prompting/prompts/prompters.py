"""From a region to a prompt: the ways of saying to SAM 2 where something is.

Every prompter takes (region, avoid, rng): the region, a (H, W) bool map of all
regions of its class, on which no negative click may fall, and the picture's
random generator. It answers with a :class:`~prompting.segmentation.prompt.Prompt`.
"""

from __future__ import annotations

import numpy as np

from ..errors import PromptError
from ..pixels.regions import Region
from ..segmentation.prompt import NEGATIVE, POSITIVE, Prompt, no_points
from .sampling import centroid, ring_points, spread_points, tight_box

POSITIVES, NEGATIVES = 5, 3
BOX, CLICKS_INSIDE, CLICKS_OUTSIDE = "box", "positive", "negative"
BOX_MARGIN = 0.05


def point(region: Region, avoid: np.ndarray, rng: np.random.Generator) -> Prompt:
    """One positive click: the centroid of the mask, else the given point, else the middle of the box."""
    if region.mask is not None:
        xy = centroid(region.mask)
    elif region.point_coords is not None and (region.point_labels == POSITIVE).any():
        xy = region.point_coords[region.point_labels == POSITIVE][:1]
    elif region.box is not None:
        xy = region.box.reshape(2, 2).mean(axis=0, keepdims=True)
    else:
        raise PromptError(f"A {region.label!r} has neither a mask nor a positive point nor a box to click on.")
    return _clicks(region, xy, no_points())


def box(region: Region, avoid: np.ndarray, rng: np.random.Generator) -> Prompt:
    """The box: around a mask with 5 % margin, or as a detector or a person gave it."""
    return Prompt(region.label, box=_box(region))


def points(region: Region, avoid: np.ndarray, rng: np.random.Generator) -> Prompt:
    """Given points as they are, else five clicks spread inside the mask and three in the ring outside."""
    if region.mask is None and region.point_coords is not None:
        return Prompt(region.label, region.point_coords, region.point_labels)
    mask = _mask(region)
    return _clicks(region, spread_points(mask, POSITIVES, rng), ring_points(mask, avoid, NEGATIVES, rng))


def box_negatives(region: Region, avoid: np.ndarray, rng: np.random.Generator) -> Prompt:
    """The box, and three negative clicks in the ring outside the mask."""
    return _clicks(region, no_points(), ring_points(_mask(region), avoid, NEGATIVES, rng), _box(region))


def box_points(region: Region, avoid: np.ndarray, rng: np.random.Generator) -> Prompt:
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


def _mask(region: Region) -> np.ndarray:
    if region.mask is None:
        raise PromptError(f"This strategy spreads clicks over a mask, and a {region.label!r} has none.")
    return region.mask


def _box(region: Region) -> np.ndarray:
    if region.mask is not None:
        return tight_box(region.mask, BOX_MARGIN)
    if region.box is None:
        raise PromptError(f"This strategy needs a box, and a {region.label!r} has neither a box nor a mask.")
    return region.box
