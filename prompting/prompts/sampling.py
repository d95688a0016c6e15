"""Points and boxes from a mask. Pure functions; points are xy in the mask's pixels."""

from __future__ import annotations

import math
from weakref import WeakKeyDictionary

import cv2
import numpy as np

from ..pixels.masks import Window
from ..segmentation.prompt import no_points

MAX_CANDIDATES = 4096
"""Farthest-point sampling looks at no more pixels than these, drawn at random from a larger region."""
ROUGHLY = 0.03
"""Rough distances are wrong by 2 % at most."""
Mask = Window | np.ndarray
"""A window, or a (H, W) bool array that becomes one."""


def centroid(mask: Mask) -> np.ndarray:
    """The mean position of the mask's pixels, (1, 2), or (0, 2) where it has none.

    It may lie off a bent shape: that is the baseline's weakness.
    """
    mask = Window.of(mask)
    ys, xs = np.nonzero(mask.crop)
    if not len(xs):
        return no_points()
    return np.array([[(xs + mask.left).mean(), (ys + mask.top).mean()]], np.float32)


def grow_box(box: np.ndarray, margin: float, height: int, width: int) -> np.ndarray:
    """A box (4,) xyxy grown by ``margin`` of its sides on each side, within the picture."""
    x1, y1, x2, y2 = box
    dx, dy = margin * (x2 - x1), margin * (y2 - y1)
    grown = np.array([x1 - dx, y1 - dy, x2 + dx, y2 + dy], np.float32)
    return np.clip(grown, 0, (width, height, width, height)).astype(np.float32)


def spread_points(mask: Mask, count: int, rng: np.random.Generator, erosion: float = 0.06) -> np.ndarray:
    """Exactly ``count`` points well inside the mask and far from each other (fewer where it has fewer pixels).

    Farthest-point sampling (Gonzalez, 1985), started at the maximum of the
    distance transform, over the pixels that lie at least ``erosion`` times the
    square root of the area from the border, or over all where none does.

    Args:
        mask: where
        count: points wanted
        rng: draws the candidates of a large mask
        erosion: radius as a share of the square root of the mask's area

    Returns:
        (P, 2) float xy, P <= count
    """
    mask = Window.of(mask)
    if count <= 0 or not mask.any():
        return no_points()
    distance = _depth(mask)
    deep = distance >= min(erosion * np.sqrt(mask.area), distance.max())
    places = np.flatnonzero(deep if np.count_nonzero(deep) >= count else distance > 0)
    found = _farthest(places, np.argmax(distance), distance.shape[1], count, rng)
    return found + np.array([mask.left, mask.top], np.float32)


def ring_points(
    mask: Mask,
    avoid: Mask,
    count: int,
    rng: np.random.Generator,
    inner: float = 0.08,
    outer: float = 0.35,
) -> np.ndarray:
    """At most ``count`` points in the ring around the mask, off everything in ``avoid``.

    Args:
        mask, avoid: of one size; ``avoid`` marks all regions of the class, for a
            negative click on another person's body (or another part of this one) misleads
        inner, outer: the ring's radii as shares of the square root of the mask's area

    Returns:
        (P, 2) float xy
    """
    mask, avoid = Window.of(mask), Window.of(avoid)
    if count <= 0 or not mask.any():
        return no_points()
    around, (y1, x1) = _ring(mask, inner, outer)
    ring = around & ~avoid.part(y1, x1, y1 + around.shape[0], x1 + around.shape[1])
    places = np.flatnonzero(ring)
    if not len(places):
        return no_points()
    start = places[rng.integers(len(places))]
    return _farthest(places, start, ring.shape[1], count, rng) + np.array([x1, y1], np.float32)


def far_apart(points: np.ndarray, count: int) -> np.ndarray:
    """At most ``count`` of given points (P, 2), far from each other, in their own order; the first is among them."""
    points = np.asarray(points, np.float32).reshape(-1, 2)
    chosen, nearest = [0], np.square(points - points[0]).sum(axis=1)
    while len(chosen) < min(count, len(points)) and nearest.max() > 0:
        chosen.append(int(np.argmax(nearest)))
        nearest = np.minimum(nearest, np.square(points - points[chosen[-1]]).sum(axis=1))
    return points[sorted(chosen)]


def deepest_point(mask: Mask) -> tuple[tuple[float, float], float]:
    """The pixel farthest from the mask's border, as ((x, y), distance); distance 0 for an empty mask.

    Distances are measured roughly first (Borgefors, 1986; a quarter of the time), and exactly around the largest.
    """
    mask = Window.of(mask)
    if not mask.any():
        return (0.0, 0.0), 0.0
    inside = np.pad(mask.crop, 1).view(np.uint8)
    rough = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_5)
    most = float(rough.max())
    ys, xs = np.nonzero(rough >= (1 - 2 * ROUGHLY) * most)
    reach = int((1 + 2 * ROUGHLY) * most) + 2  # no border is nearer than those that are seen from here
    top, left = max(0, ys[0] - reach), max(0, xs.min() - reach)
    around = np.ascontiguousarray(inside[top : ys[-1] + reach + 1, left : xs.max() + reach + 1])
    exact = cv2.distanceTransform(around, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[ys - top, xs - left]
    i = np.argmax(
        np.rint(np.square(exact, dtype=float))
    )  # whole numbers: of two as deep, the last bit is no difference
    return (float(xs[i] - 1 + mask.left), float(ys[i] - 1 + mask.top)), float(exact[i])


def most_depth(mask: Window) -> float:
    """What no pixel's distance from the border passes in a mask of so many pixels, for around it there is a disc of it:
    quick to say, where :func:`deepest_point` takes its time."""
    return math.sqrt(mask.area / math.pi) + 1


_depths: WeakKeyDictionary[Window, np.ndarray] = WeakKeyDictionary()
_rings: WeakKeyDictionary[Window, dict] = WeakKeyDictionary()
"""What several strategies want to know of the same region, as long as there is the region."""


def _depth(mask: Window) -> np.ndarray:
    """(h, w) of the window: distance to the nearest pixel outside (the picture's edge counts)."""
    if mask not in _depths:
        padded = np.pad(mask.crop, 1).view(np.uint8)
        _depths[mask] = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    return _depths[mask]


def _ring(mask: Window, inner: float, outer: float) -> tuple[np.ndarray, tuple[int, int]]:
    """The ring around a mask, bool, in the part of the picture that it may reach; that part's first row and column."""
    known = _rings.setdefault(mask, {})
    if (inner, outer) not in known:
        size = np.sqrt(mask.area)
        near, far = max(2, round(inner * size)), max(4, round(outer * size))
        y1, x1 = max(0, mask.top - far - 1), max(0, mask.left - far - 1)
        y2, x2 = min(mask.shape[0], mask.bottom + far + 1), min(mask.shape[1], mask.right + far + 1)
        outside = ~mask.part(y1, x1, y2, x2)
        away = cv2.distanceTransform(outside.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        known[inner, outer] = (away >= near) & (away <= far), (y1, x1)
    return known[inner, outer]


def _farthest(places: np.ndarray, first: int, width: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """The first place and those that lie farthest from all before, of flat indices into rows of a width; xy."""
    if len(places) > MAX_CANDIDATES:
        places = places[rng.choice(len(places), MAX_CANDIDATES, replace=False)]
    candidates, start = (np.stack([at % width, at // width], axis=-1) for at in (places, np.asarray(first)))
    chosen = [start]
    nearest = np.square(candidates - start).sum(axis=1)
    while len(chosen) < count and nearest.max() > 0:
        chosen.append(candidates[int(np.argmax(nearest))])
        nearest = np.minimum(nearest, np.square(candidates - chosen[-1]).sum(axis=1))
    return np.array(chosen, np.float32)
