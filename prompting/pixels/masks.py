"""Operations on masks that several modules need."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import PromptError


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


def resize_mask(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """A label map at another size, nearest neighbour.

    Raises:
        PromptError: it has no pixels
    """
    mask = np.asarray(mask)
    if not mask.size:
        raise PromptError("A mask has no pixels.")
    if mask.shape == (height, width):
        return mask
    rows, columns = nearest(np.arange(height), mask.shape[0], height), nearest(np.arange(width), mask.shape[1], width)
    return pick(mask, rows, columns)


def nearest(places: np.ndarray, count: int, stretched: int) -> np.ndarray:
    """Which of ``count`` pixels, stretched over ``stretched``, lies under the middle of each place."""
    return np.clip((places + 0.5) * count / stretched, 0, count - 1).astype(int)


def pick(mask: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """These rows and columns of a label map, the first channel of one that was saved as a colour picture."""
    return (mask[..., 0] if mask.ndim == 3 else mask)[rows].take(columns, axis=1)
