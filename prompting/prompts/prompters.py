"""From a region to a prompt: how a strategy says to SAM 2 where something is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import PromptError
from ..pixels.masks import Window
from ..pixels.regions import Region, stretched, stretched_box, working_shape
from ..segmentation.prompt import NEGATIVE, POSITIVE, Prompt, no_points
from .neighbours import clicks_on_others
from .sampling import Mask, centroid, far_apart, grow_box, ring_points, spread_points
from .strategy import BOTH, NEGATIVES, OTHERS, POINT, POSITIVES, Strategy

BOX_MARGIN = 0.05


def prompt_of(
    strategy: Strategy,
    region: Region,
    avoid: Mask | None,
    inside: np.random.Generator,
    outside: np.random.Generator | None = None,
    others: Sequence[Region] = (),
) -> Prompt:
    """The prompt of one instance, in the picture's pixels.

    Args:
        strategy: how it is said
        region: the instance
        avoid: all regions of its class in one mask of the region's size, on which no click of the ring may fall; None
            where the strategy has no such clicks
        inside, outside: draw the clicks of each kind; one for both, where the second is missing
        others: the other regions of the picture, of all classes

    Raises:
        PromptError: the region hasn't what the strategy needs
    """
    if strategy.prompt == POINT:
        return _clicks(region, _point(region), no_points())
    box = _box(region, strategy.margin) if strategy.has_box else None
    if not strategy.has_clicks:
        return Prompt(region.label, box=box)
    if region.point_coords is not None and not len(region.point_coords) and not strategy.has_box:
        return _clicks(region, _point(region), no_points())  # a body of which no keypoint is seen
    if strategy.positives is None and region.point_coords is not None:
        return Prompt(region.label, region.point_coords, region.point_labels, box)
    positives = POSITIVES if strategy.positives is None else strategy.positives
    within = _inside(region, positives, inside)
    beyond = _outside(strategy, region, avoid, outside or inside, others)
    return _clicks(region, within, beyond, box)


def _clicks(region: Region, positives: np.ndarray, negatives: np.ndarray, box: np.ndarray | None = None) -> Prompt:
    labels = np.array([POSITIVE] * len(positives) + [NEGATIVE] * len(negatives), np.int64)
    return Prompt(region.label, np.vstack([positives, negatives]).astype(np.float32), labels, box)


def _point(region: Region) -> np.ndarray:
    """One positive click: the centroid of the mask, else the first given point, else the middle of the box."""
    given = _given(region, POSITIVE)
    if region.mask is not None:
        return _in_picture(region, centroid(region.mask))
    if len(given):
        return given[:1]
    if region.box is not None:
        return region.box.reshape(2, 2).mean(axis=0, keepdims=True)
    raise PromptError(f"A {region.label!r} has neither a mask nor a positive point nor a box to click on.")


def _inside(region: Region, count: int, rng: np.random.Generator) -> np.ndarray:
    """Given points that lie far from each other, else clicks spread over the mask."""
    given = _given(region, POSITIVE)
    if not count:
        return no_points()
    if region.point_coords is not None:
        return far_apart(given, count) if len(given) else no_points()
    return _in_picture(region, spread_points(_mask(region), count, rng))


def _outside(
    strategy: Strategy, region: Region, avoid: Mask | None, rng: np.random.Generator, others: Sequence[Region]
) -> np.ndarray:
    """Given negative points, else clicks on others, around the region, or half on those and the rest around."""
    count = NEGATIVES if strategy.negatives is None else strategy.negatives
    given = _given(region, NEGATIVE)
    if not count:
        return no_points()
    if len(given) and strategy.positives is None:
        return given
    on_others = no_points()
    if strategy.negatives_on in (OTHERS, BOTH):
        wanted = count if strategy.negatives_on == OTHERS else (count + 1) // 2
        on_others = clicks_on_others(region, others, wanted)
        count = 0 if strategy.negatives_on == OTHERS else count - len(on_others)
    return np.vstack([on_others, _around(region, avoid, count, rng)]) if count else on_others


def _around(region: Region, avoid: Mask | None, count: int, rng: np.random.Generator) -> np.ndarray:
    """Clicks in the ring around the mask; around the box, where there is no mask."""
    mask = region.mask
    if mask is None:
        if region.box is None or region.shape is None:
            raise PromptError(f"Clicks around a {region.label!r} need its mask or its box, and it has neither.")
        mask = filled_box(region)
    return _in_picture(region, ring_points(mask, mask if avoid is None else avoid, count, rng), mask)


def filled_box(region: Region) -> Window:
    """A region's box as a mask, as large as masks of its picture are."""
    height, width = working_shape(*region.picture)
    x1, y1, x2, y2 = stretched_box(region.box, region.picture, (height, width))
    left, top = min(int(x1), width - 1), min(int(y1), height - 1)
    right, bottom = max(left + 1, min(round(x2), width)), max(top + 1, min(round(y2), height))
    return Window(np.ones((bottom - top, right - left), bool), top, left, (height, width))


def _given(region: Region, kind: int) -> np.ndarray:
    return no_points() if region.point_coords is None else region.point_coords[region.point_labels == kind]


def _mask(region: Region) -> Window:
    if region.mask is None:
        raise PromptError(f"This strategy spreads clicks over a mask, and a {region.label!r} has none.")
    return region.mask


def _in_picture(region: Region, coords: np.ndarray, mask: Window | None = None) -> np.ndarray:
    """Points on a region's mask as points of the picture."""
    mask = region.mask if mask is None else mask
    return stretched(coords, mask.shape, region.picture)


def _box(region: Region, margin: int | None) -> np.ndarray:
    """The box: around a mask with 5 % margin, or as it was given; with the margin that is asked for, if one is."""
    if region.mask is None and region.box is None:
        raise PromptError(f"This strategy needs a box, and a {region.label!r} has neither a box nor a mask.")
    given = region.mask is None or region.box_is_given
    if margin is None and given:
        return region.box
    tight = region.box
    if tight is None:
        tight = stretched_box(region.mask.box, region.mask.shape, region.picture)
    return grow_box(tight, BOX_MARGIN if margin is None else margin / 100, *region.picture)
