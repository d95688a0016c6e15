"""How far several label maps of one picture agree: where they don't, the picture is difficult. Needs no truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def mean_pairwise_iou(masks: Sequence[np.ndarray], values: Sequence[int]) -> float | None:
    """The IoU of each pair of label maps, averaged over the classes that either shows, and then over the pairs.

    Two maps that show nothing agree: 1.

    Args:
        masks: K (H, W) uint8 label maps
        values: the classes' values

    Returns:
        a float in [0, 1], or None for fewer than two masks
    """
    if len(masks) < 2:
        return None
    total, classes = np.zeros((len(masks), len(masks))), np.zeros((len(masks), len(masks)), int)
    for value in values:
        shared = _intersections([mask == value for mask in masks])
        areas = np.diag(shared)
        union = areas[:, None] + areas - shared
        total += shared / np.maximum(union, 1)
        classes += union > 0
    ious = np.where(classes > 0, total / np.maximum(classes, 1), 1)
    return float(ious[np.triu_indices(len(masks), k=1)].mean())


def _intersections(shown: Sequence[np.ndarray]) -> np.ndarray:
    """(K, K) int, the pixels that each two of K (H, W) bool masks share; eight pixels at once."""
    bits = np.stack([np.packbits(mask) for mask in shown])
    return np.stack([np.bitwise_count(bits & row).sum(axis=1, dtype=int) for row in bits])
