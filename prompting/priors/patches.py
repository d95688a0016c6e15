"""Which patches of a labelled picture are examples of what: masks in, arrays of a model's grid out."""

from __future__ import annotations

import cv2
import numpy as np

from ..pixels.masks import IGNORED

COVERED, BARE = 0.7, 0.1
"""A mask covers more of a patch of its class, and less of one of the background."""
ACROSS = 21
"""Patches of CLIP's along a picture's shorter side, as its windows are laid for references."""


def shares(labels: np.ndarray, count: int, grid: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """How much of each patch is each class's.

    Args:
        labels: (H, W) uint8, 0 background, i + 1 class i, 255 what counts for nothing
        count: classes
        grid: (h, w), how many patches there are

    Returns:
        (count, h, w) float32 and, of what counts for nothing, (h, w) float32, all in [0, 1]
    """
    found = np.zeros((count, *grid), np.float32)
    for value in set(np.unique(labels).tolist()) - {0, IGNORED}:
        found[value - 1] = _share(labels == value, grid)
    return found, _share(labels == IGNORED, grid)


def _share(mask: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    full = mask.astype(np.uint8) * np.uint8(255)
    return cv2.resize(full, grid[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def kinds_of(covered: np.ndarray, ignored: np.ndarray) -> np.ndarray:
    """What each patch is an example of: (h, w) int, 0 the background, i + 1 class i, -1 nothing.

    Of a class that covers no patch whole, for its objects are small, the patches with most of it are.

    Args:
        covered: (C, h, w), the share of each class, and
        ignored: (h, w), of what counts for nothing, see :func:`shares`
    """
    kinds = np.where(covered.sum(axis=0) < BARE, 0, -1)
    enough = COVERED * np.minimum(1, covered.max(axis=(1, 2), keepdims=True))
    of_class = (covered > 0) & (covered >= enough)
    for i in np.argsort(-covered.sum(axis=(1, 2)), kind="stable"):  # what is small lies on what is large
        kinds[of_class[i]] = i + 1
    kinds[ignored >= BARE] = -1
    return kinds


def examples_in(labels: np.ndarray, count: int) -> np.ndarray:
    """About how many patches a picture has of each class, (count,) int, whatever its size.

    Args:
        labels: (H, W) uint8, see :func:`shares`
        count: classes
    """
    height, width = labels.shape
    grid = (round(ACROSS * max(1, height / width)), round(ACROSS * max(1, width / height)))
    return np.bincount(kinds_of(*shares(labels, count, grid)).ravel() + 1, minlength=count + 2)[2:]
