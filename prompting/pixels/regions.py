"""Where something is: what every prior finds and every prompter starts from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Region:
    """One instance of a class in a picture, as far as a prior knows it.

    Attributes:
        label: the class's name
        box: (4,) float xyxy in pixels, the right and lower edge exclusive; None where just points are known
        mask: (H, W) bool, None where just a box or points are known
        point_coords: (P, 2) float xy in pixels, points that a person or another model gave; may be empty
        point_labels: (P,) int, 1 positive and 0 negative
        confidence: the prior's own, in [0, 1]
    """

    label: str
    box: np.ndarray | None = None
    mask: np.ndarray | None = None
    point_coords: np.ndarray | None = None
    point_labels: np.ndarray | None = None
    confidence: float = 1.0


def box_of(mask: np.ndarray) -> np.ndarray:
    """The tightest box (4,) float xyxy around a bool (H, W) mask that isn't empty; x2 and y2 are exclusive."""
    x, y, w, h = cv2.boundingRect(mask.view(np.uint8))
    return np.array([x, y, x + w, y + h], np.float32)


def components(mask: np.ndarray, smallest: float) -> list[np.ndarray]:
    """8-connected components of a bool (H, W) mask, the largest first.

    Args:
        mask: (H, W) bool
        smallest: components below this share of the picture's area are dropped

    Returns:
        bool (H, W) masks
    """
    count, ids, stats, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(mask).view(np.uint8), connectivity=8)
    areas = stats[1:count, cv2.CC_STAT_AREA]
    keep = np.flatnonzero(areas >= max(1.0, smallest * mask.size))
    return [ids == i + 1 for i in keep[np.argsort(-areas[keep], kind="stable")]]


def count_parts(label_map: np.ndarray, values: Iterable[int]) -> int:
    """How many connected parts a (H, W) uint8 label map has of these values."""
    return sum(
        cv2.connectedComponents((label_map == value).astype(np.uint8), connectivity=8)[0] - 1 for value in values
    )
