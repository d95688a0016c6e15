"""Two operations on masks that several modules need."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def intersection_over_union(a: np.ndarray, b: np.ndarray) -> float:
    """IoU of two bool maps; 1 where both are empty."""
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 1.0


def paint(
    masks: Sequence[np.ndarray], predicted_iou: Sequence[float], values: Sequence[int], shape: tuple[int, int]
) -> np.ndarray:
    """Instances painted into one label map, the one with the highest predicted IoU on top.

    Args:
        masks: N (H, W) bool
        predicted_iou: N
        values: N label values, 1 to 255
        shape: (H, W)

    Returns:
        (H, W) uint8
    """
    label_map = np.zeros(shape, np.uint8)
    for i in np.argsort(predicted_iou, kind="stable"):
        label_map[masks[i]] = values[i]
    return label_map
