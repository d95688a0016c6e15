"""How far several label maps of one picture agree: where they don't, the picture is difficult. Needs no truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .tables import Table


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
    masks = _shown_part(masks)
    total, classes = np.zeros((len(masks), len(masks))), np.zeros((len(masks), len(masks)), int)
    for value in values:
        shared = _intersections([mask == value for mask in masks])
        areas = np.diag(shared)
        union = areas[:, None] + areas - shared
        total += shared / np.maximum(union, 1)
        classes += union > 0
    ious = np.where(classes > 0, total / np.maximum(classes, 1), 1)
    return float(ious[np.triu_indices(len(masks), k=1)].mean())


def _shown_part(masks: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The smallest part of the picture outside of which all label maps are background."""
    boxes = [cv2.boundingRect(mask) for mask in masks]
    corners = [(x, y, x + w, y + h) for x, y, w, h in boxes if w]
    if not corners:
        return [mask[:0] for mask in masks]
    left, top = np.min(corners, axis=0)[:2]
    right, bottom = np.max(corners, axis=0)[2:]
    return [mask[top:bottom, left:right] for mask in masks]


def _intersections(shown: Sequence[np.ndarray]) -> np.ndarray:
    """(K, K) int, the pixels that each two of K (H, W) bool masks share; eight pixels at once."""
    bits = np.stack([np.packbits(mask) for mask in shown])
    return np.stack([np.bitwise_count(bits & row).sum(axis=1, dtype=int) for row in bits])


@dataclass(frozen=True)
class Agreement:
    """What was measured.

    Attributes:
        field: where each picture's agreement is
        strategies: that were compared
        images: that have masks of at least two of them
        mean: over those, 0 to 1; None where there are none
        least: the pictures on which they agree least, as (file name, agreement), the worst first
    """

    field: str
    strategies: tuple[str, ...]
    images: int
    mean: float | None
    least: tuple[tuple[str, float], ...]

    def table(self) -> Table:
        """The pictures on which they agree least: look at those first."""
        mean = "unknown" if self.mean is None else f"{self.mean:.3f} in the mean"
        return Table(
            f"Agreement of {len(self.strategies)} strategies over {self.images} images: {mean}",
            f"Mean IoU between the masks of {', '.join(self.strategies)}; each picture's is in the field {self.field}."
            " Those on which they agree least are the hardest, or the most ambiguous:",
            ("picture", "agreement"),
            tuple((name, f"{value:.3f}") for name, value in self.least),
        )

    def __str__(self) -> str:
        """Markdown."""
        return f"{self.table().title}\n\n{self.table().note}\n\n{self.table().markdown()}"

    def _repr_html_(self) -> str:
        return self.table().html()
