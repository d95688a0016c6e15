"""Instances as one label map, which is made when somebody looks at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .masks import Window, paint


@dataclass(frozen=True, eq=False)
class LabelMap:
    """What :func:`prompting.pixels.masks.paint` makes a label map of.

    The map of a large photograph takes a byte a pixel, and each strategy has one: none is held before it is stored.

    Attributes:
        masks, predicted_iou, values: N each
        shape: the picture's (H, W)
    """

    masks: Sequence[Window]
    predicted_iou: Sequence[float]
    values: Sequence[int]
    shape: tuple[int, int]

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> LabelMap:
        """Of a picture in which nothing was found."""
        return cls((), (), (), shape)

    def full(self) -> np.ndarray:
        """The (H, W) uint8 label map, a new one each time."""
        return paint(self.masks, self.predicted_iou, self.values, self.shape)
