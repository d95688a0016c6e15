"""Where in a picture a number is read as a mask's own, though masks lie on each other."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np


def places(masks: Sequence[np.ndarray], room: int) -> list[tuple[int, int] | None]:
    """The pixel of each mask that is deepest in what no other covers, away from the places before it.

    A mask that others cover wholly has a place in itself; one without room beside the others' places, the deepest all
    the same.

    Args:
        masks: (H, W) bool, of one size
        room: pixels about a place, in each direction, in which no other lies

    Returns:
        (x, y) in pixels; None for an empty mask
    """
    covered, taken, found = sum(mask.astype(int) for mask in masks), None, []
    for mask in masks:
        taken = np.zeros(mask.shape, bool) if taken is None else taken
        alone = mask & (covered == 1)
        free = [part for part in (alone & ~taken, mask & ~taken, mask) if part.any()]
        place = _deepest(free[0]) if free else None
        found.append(place)
        if place:
            x, y = place
            taken[max(0, y - room) : y + room + 1, max(0, x - room) : x + room + 1] = True
    return found


def _deepest(mask: np.ndarray) -> tuple[int, int]:
    """The pixel that is farthest from what is outside; the picture's edge is outside too."""
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    y, x = np.unravel_index(depth.argmax(), depth.shape)
    return int(x) - 1, int(y) - 1
