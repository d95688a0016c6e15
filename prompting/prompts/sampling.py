"""Points and boxes from a mask. Pure functions on (H, W) bool arrays; points are xy in pixels."""

from __future__ import annotations

import cv2
import numpy as np

from ..pixels.regions import box_of
from ..segmentation.prompt import no_points

MAX_CANDIDATES = 4096
"""Farthest-point sampling looks at no more pixels than these, drawn at random from a larger region."""


def centroid(mask: np.ndarray) -> np.ndarray:
    """The mean position of the mask's pixels, (1, 2), or (0, 2) where it has none.

    It may lie off a bent shape: that is the baseline's weakness.
    """
    ys, xs = np.nonzero(mask)
    if not len(xs):
        return no_points()
    return np.array([[xs.mean(), ys.mean()]], np.float32)


def tight_box(mask: np.ndarray, margin: float = 0.05) -> np.ndarray:
    """The mask's box grown by ``margin`` of its sides and cut at the picture's edge, (4,) xyxy."""
    return grow_box(box_of(mask), margin, *mask.shape)


def grow_box(box: np.ndarray, margin: float, height: int, width: int) -> np.ndarray:
    """A box (4,) xyxy grown by ``margin`` of its sides on each side, within the picture."""
    x1, y1, x2, y2 = box
    dx, dy = margin * (x2 - x1), margin * (y2 - y1)
    grown = np.array([x1 - dx, y1 - dy, x2 + dx, y2 + dy], np.float32)
    return np.clip(grown, 0, (width, height, width, height)).astype(np.float32)


def spread_points(mask: np.ndarray, count: int, rng: np.random.Generator, erosion: float = 0.06) -> np.ndarray:
    """Exactly ``count`` points well inside the mask and far from each other (fewer where it has fewer pixels).

    Farthest-point sampling (Gonzalez, 1985), started at the maximum of the
    distance transform, over the pixels that lie at least ``erosion`` times the
    square root of the area from the border, or over all where none does.

    Args:
        mask: (H, W) bool
        count: points wanted
        rng: draws the candidates of a large mask
        erosion: radius as a share of the square root of the mask's area

    Returns:
        (P, 2) float xy, P <= count
    """
    if count <= 0 or not mask.any():
        return no_points()
    distance, (left, top) = _depth(mask)
    deep = distance >= min(erosion * np.sqrt(mask.sum()), distance.max())
    ys, xs = np.nonzero(deep if np.count_nonzero(deep) >= count else distance > 0)
    start = np.argmax(distance[ys, xs])
    return _farthest(np.stack([xs + left, ys + top], axis=1), int(start), count, rng)


def ring_points(
    mask: np.ndarray,
    avoid: np.ndarray,
    count: int,
    rng: np.random.Generator,
    inner: float = 0.08,
    outer: float = 0.35,
) -> np.ndarray:
    """At most ``count`` points in the ring around the mask, off everything in ``avoid``.

    Args:
        mask, avoid: (H, W) bool; ``avoid`` marks all regions of the class, for a
            negative click on another person's body (or another part of this one) misleads
        inner, outer: the ring's radii as shares of the square root of the mask's area

    Returns:
        (P, 2) float xy
    """
    if count <= 0 or not mask.any():
        return no_points()
    size = np.sqrt(mask.sum())
    near, far = max(2, round(inner * size)), max(4, round(outer * size))
    x1, y1, x2, y2 = box_of(mask).astype(int)
    x1, y1, x2, y2 = max(0, x1 - far - 1), max(0, y1 - far - 1), x2 + far + 1, y2 + far + 1
    cut = slice(y1, y2), slice(x1, x2)
    away = cv2.distanceTransform((~mask[cut]).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    ring = (away >= near) & (away <= far) & ~avoid[cut]
    ys, xs = np.nonzero(ring)
    if not len(xs):
        return no_points()
    start = int(rng.integers(len(xs)))
    return _farthest(np.stack([xs + x1, ys + y1], axis=1), start, count, rng)


def deepest_point(mask: np.ndarray) -> tuple[tuple[float, float], float]:
    """The pixel farthest from the mask's border, as ((x, y), distance); distance 0 for an empty mask."""
    if not mask.any():
        return (0.0, 0.0), 0.0
    distance, (left, top) = _depth(mask)
    y, x = np.unravel_index(np.argmax(distance), distance.shape)
    return (float(x + left), float(y + top)), float(distance[y, x])


def _depth(mask: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """Distance to the nearest pixel outside (the picture's edge counts), in the mask's box, and the box's corner."""
    x1, y1, x2, y2 = box_of(mask).astype(int)
    padded = np.pad(mask[y1:y2, x1:x2], 1).astype(np.uint8)
    return cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1], (x1, y1)


def _farthest(candidates: np.ndarray, start: int, count: int, rng: np.random.Generator) -> np.ndarray:
    first = candidates[start]
    if len(candidates) > MAX_CANDIDATES:
        candidates = candidates[rng.choice(len(candidates), MAX_CANDIDATES, replace=False)]
    chosen = [first]
    nearest = np.square(candidates - first).sum(axis=1)
    while len(chosen) < count and nearest.max() > 0:
        chosen.append(candidates[int(np.argmax(nearest))])
        nearest = np.minimum(nearest, np.square(candidates - chosen[-1]).sum(axis=1))
    return np.array(chosen, np.float32)
