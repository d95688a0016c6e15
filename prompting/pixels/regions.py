"""Where something is: what every prior finds and every prompter starts from."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from .masks import Window

WORKING_PIXELS = 1024 * 1024
"""Regions, clicks and their comparison with masks need no more: of a larger picture SAM 2 itself sees so many."""


@dataclass(frozen=True, eq=False)
class Region:
    """One instance of a class in a picture, as far as a prior knows it.

    A prompt is in the picture's pixels. A mask may be smaller than the picture, so that finding prompts on it takes as
    long on any picture.

    Attributes:
        label: the class's name
        box: (4,) float xyxy in the picture's pixels, the right and lower edge exclusive; None where just points are
            known. Where there is a mask, its tightest, which a mask that was made smaller no longer tells.
        mask: a window, or a (H, W) bool array that becomes one; None where just a box or points are known
        point_coords: (P, 2) float xy in pixels, points that a person or another model gave; may be empty
        point_labels: (P,) int, 1 positive and 0 negative
        confidence: the prior's own, in [0, 1]
        shape: the picture's (height, width), where the mask is smaller or there is none
        box_is_given: a detector or a person drew the box: it is no mask's, though there may be one too
    """

    label: str
    box: np.ndarray | None = None
    mask: Window | None = None
    point_coords: np.ndarray | None = None
    point_labels: np.ndarray | None = None
    confidence: float = 1.0
    shape: tuple[int, int] | None = None
    box_is_given: bool = False

    def __post_init__(self) -> None:
        if self.mask is not None:
            object.__setattr__(self, "mask", Window.of(self.mask))

    @property
    def picture(self) -> tuple[int, int]:
        """The picture's (height, width), of a region that has a mask or says it."""
        return self.shape or self.mask.shape


def working_shape(height: int, width: int, pixels: int = WORKING_PIXELS) -> tuple[int, int]:
    """The (height, width) that a picture is brought down to where no more is needed; its own where it is small."""
    scale = min(1.0, math.sqrt(pixels / (height * width)))
    return max(1, round(height * scale)), max(1, round(width * scale))


def stretched(coords: np.ndarray, given: tuple[int, int], wanted: tuple[int, int]) -> np.ndarray:
    """Pixels (P, 2) float xy of a picture at one (height, width), in that at another: middles stay middles.

    Those of the edge of a larger one would lie half a pixel outside of a smaller one: they stay on its edge.
    """
    (height, width), (to_height, to_width) = given, wanted
    there = (np.asarray(coords, float) + 0.5) * (to_width / width, to_height / height) - 0.5
    return np.clip(there, 0, (to_width, to_height)).astype(np.float32)


def stretched_box(box: np.ndarray, given: tuple[int, int], wanted: tuple[int, int]) -> np.ndarray:
    """A box (4,) xyxy of a picture at one (height, width), in that at another."""
    (height, width), (to_height, to_width) = given, wanted
    return (np.asarray(box, float) * ([to_width / width, to_height / height] * 2)).astype(np.float32)


def components(mask: np.ndarray, smallest: float) -> list[Window]:
    """8-connected components of a bool (H, W) mask, the largest first.

    Args:
        mask: (H, W) bool
        smallest: components below this share of the picture's area are dropped
    """
    window = Window.of(np.ascontiguousarray(mask))  # of a large photograph most is nobody's
    if not window.any():
        return []
    count, ids, stats, _ = cv2.connectedComponentsWithStats(window.crop.view(np.uint8), connectivity=8)
    areas = stats[1:count, cv2.CC_STAT_AREA]
    keep = np.flatnonzero(areas >= max(1.0, smallest * mask.size))
    found = []
    for i in keep[np.argsort(-areas[keep], kind="stable")] + 1:
        x, y, w, h = stats[i, [cv2.CC_STAT_LEFT, cv2.CC_STAT_TOP, cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].tolist()
        found.append(Window(ids[y : y + h, x : x + w] == i, window.top + y, window.left + x, mask.shape))
    return found


def count_parts(label_map: np.ndarray, values: Iterable[int]) -> int:
    """How many connected parts a (H, W) uint8 label map has of these values."""
    return sum(
        cv2.connectedComponents((label_map == value).astype(np.uint8), connectivity=8)[0] - 1 for value in values
    )
