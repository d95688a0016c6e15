"""Where in a picture a number is read as a mask's own, though masks lie on each other."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from .masks import Window


def places(masks: Sequence[Window], room: int) -> list[tuple[int, int] | None]:
    """The pixel of each mask that is deepest in what no other covers, away from the places before it.

    A mask that others cover wholly has a place in itself; one without room beside the others' places, the deepest all
    the same.

    Args:
        masks: of one picture
        room: pixels about a place, in each direction, in which no other lies

    Returns:
        (x, y) in pixels; None for an empty mask
    """
    if not masks:
        return []
    covered, free, found = np.zeros(masks[0].shape, int), np.ones(masks[0].shape, bool), []
    for mask in masks:
        covered[mask.place] += mask.crop
    for mask in masks:
        unnumbered = mask.crop & free[mask.place]
        parts = (unnumbered & (covered[mask.place] == 1), unnumbered, mask.crop)
        part = next((part for part in parts if part.any()), None)
        found.append(None if part is None else _deepest(part, mask.left, mask.top))
        if found[-1]:
            x, y = found[-1]
            free[max(0, y - room) : y + room + 1, max(0, x - room) : x + room + 1] = False
    return found


def _deepest(mask: np.ndarray, left: int, top: int) -> tuple[int, int]:
    """The pixel that is farthest from what is outside, of a mask that begins there; a picture's edge is outside too."""
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    y, x = np.unravel_index(depth.argmax(), depth.shape)
    return left + int(x) - 1, top + int(y) - 1
