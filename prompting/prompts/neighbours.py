"""Clicks on what stands next to an instance: what tells two people apart whom one mask would take together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..pixels.masks import Window
from ..pixels.regions import Region, stretched, stretched_box
from ..segmentation.prompt import POSITIVE, no_points
from .sampling import deepest_point


def clicks_on_others(region: Region, others: Sequence[Region], count: int) -> np.ndarray:
    """One click on each of the nearest other instances, of whatever class, in the picture's pixels.

    It goes to the deepest place of the other's mask that isn't the region's too. Where there is no mask, to the other's
    first given point or to the middle of its box, if that lies outside of the region's box or the other box is the
    smaller one: of two boxes over each other the smaller one is in front.

    Args:
        region: whose prompt it is
        others: the other regions of the picture
        count: at most so many

    Returns:
        (P, 2) float xy, P <= count
    """
    found: list[np.ndarray] = []
    for other in sorted(others, key=lambda other: _distance(region, other)):
        if len(found) == count:
            break
        xy = _click(region, other)
        if xy is not None:
            found.append(xy)
    return np.array(found, np.float32).reshape(-1, 2) if found else no_points()


def _click(region: Region, other: Region) -> np.ndarray | None:
    if other.mask is not None:
        free = other.mask if region.mask is None else _without(other.mask, region.mask)
        if not free.any():
            return None
        xy, _ = deepest_point(free)
        xy = stretched([xy], free.shape, other.picture)[0]
        return xy if region.mask is not None or _is_free(xy, region, other) else None
    given = None if other.point_coords is None else other.point_coords[other.point_labels == POSITIVE]
    if given is not None and len(given):
        xy = np.asarray(given[0], np.float32)
    elif other.box is not None:
        xy = np.asarray(other.box, np.float32).reshape(2, 2).mean(axis=0)
    else:
        return None
    return xy if _is_free(xy, region, other) else None


def _without(mask: Window, away: Window) -> Window:
    rows, columns = mask.place
    left = mask.crop & ~away.part(rows.start, columns.start, rows.stop, columns.stop)
    return Window.cut(left, mask.top, mask.left, mask.shape)


def _is_free(xy: np.ndarray, region: Region, other: Region) -> bool:
    """Whether a click on another one isn't one on the region too, as far as its mask or boxes tell."""
    if region.mask is not None:
        (x, y), (height, width) = stretched([xy], region.picture, region.mask.shape)[0].round(), region.mask.shape
        row, column = int(np.clip(y, 0, height - 1)), int(np.clip(x, 0, width - 1))
        return not region.mask.part(row, column, row + 1, column + 1).any()
    if region.box is None:
        return True
    x1, y1, x2, y2 = region.box
    within = x1 <= xy[0] <= x2 and y1 <= xy[1] <= y2
    return not within or (other.box is not None and _area(other.box) < _area(region.box))


def _area(box: np.ndarray) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))


def _distance(region: Region, other: Region) -> tuple[float, float]:
    """The gap between two instances' boxes in pixels; among those that touch, the distance of their middles."""
    one, two = _extent(region), _extent(other)
    gap = np.maximum(0, np.maximum(one[:2] - two[2:], two[:2] - one[2:]))
    middles = one.reshape(2, 2).mean(axis=0) - two.reshape(2, 2).mean(axis=0)
    return float(np.hypot(*gap)), float(np.hypot(*middles))


def _extent(region: Region) -> np.ndarray:
    """(4,) xyxy of what is known of a region, in the picture's pixels."""
    if region.box is not None:
        return np.asarray(region.box, float)
    if region.mask is not None:
        return stretched_box(region.mask.box, region.mask.shape, region.picture)
    if region.point_coords is not None and len(region.point_coords):
        return np.concatenate([region.point_coords.min(axis=0), region.point_coords.max(axis=0)]).astype(float)
    return np.full(4, np.inf)
