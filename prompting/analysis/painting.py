"""A label map of many instances that is scored again and again, while one of them after the other is exchanged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..pixels.masks import IGNORED, Window, paint


@dataclass(frozen=True, eq=False)
class Layer:
    """An instance in a label map.

    Attributes:
        mask: of the picture's size
        predicted_iou: the higher, the further on top
        value: its class's
    """

    mask: Window
    predicted_iou: float
    value: int


class Painting:
    """Layers painted into one label map, as :func:`prompting.pixels.masks.paint` does, and their IoU with the truth.

    What changes with one layer lies where it is and where it was: nothing else is painted or counted again, so that a
    hundred people with three masks each are not three hundred pictures.

    Args:
        layers: one an instance
        truth: (H, W) uint8, 255 where pixels count for nothing
        values: the classes' values
    """

    def __init__(self, layers: Sequence[Layer], truth: np.ndarray, values: Sequence[int]):
        self._layers, self._truth, self._values = list(layers), truth, tuple(values)
        self._boxes = np.array([layer.mask.box for layer in layers]).reshape(-1, 4).astype(int)
        self.label_map = self._painted(range(len(layers)), (0, 0, *truth.shape[::-1]))
        self._areas = {value: np.count_nonzero(truth == value) for value in self._values}
        self._found, self._right = dict.fromkeys(self._values, 0), dict.fromkeys(self._values, 0)
        self._count({layer.value for layer in layers}, (slice(None), slice(None)), +1)

    def iou(self) -> float:
        """What :func:`prompting.analysis.metrics.image_iou` says of the label map."""
        scores = []
        for value in self._values:
            union = self._found[value] + self._areas[value] - self._right[value]
            if union:
                scores.append(self._right[value] / union)
        return float(np.mean(scores)) if scores else 1.0

    def exchange(self, i: int, layer: Layer) -> float:
        """Put another layer in the place of the ``i``-th; the IoU then."""
        earlier, before, after = self._layers[i], self._boxes[i].copy(), layer.mask.box.astype(int)
        boxes = [box for box in (before, after) if box[2] > box[0]]
        self._layers[i], self._boxes[i] = layer, after
        if boxes:
            x1, y1 = np.min(boxes, axis=0)[:2].tolist()
            x2, y2 = np.max(boxes, axis=0)[2:].tolist()
            place = slice(y1, y2), slice(x1, x2)
            inside = (np.maximum(self._boxes[:, :2], (x1, y1)) < np.minimum(self._boxes[:, 2:], (x2, y2))).all(axis=1)
            which = np.flatnonzero(inside)
            shown = {earlier.value, *(self._layers[j].value for j in which)}
            self._count(shown, place, -1)
            self.label_map[place] = self._painted(which, (x1, y1, x2, y2))
            self._count(shown, place, +1)
        return self.iou()

    def _painted(self, which: Sequence[int], box: tuple[int, int, int, int]) -> np.ndarray:
        """A part of the label map, of these layers."""
        x1, y1, x2, y2 = box
        chosen = [self._layers[i] for i in which]
        parts = [Window.of(layer.mask.part(y1, x1, y2, x2)) for layer in chosen]
        values = [layer.value for layer in chosen]
        return paint(parts, [layer.predicted_iou for layer in chosen], values, (y2 - y1, x2 - x1))

    def _count(self, values: set[int], place: tuple[slice, slice], sign: int) -> None:
        """Add what a part of the label map shows of some values, or take it away."""
        part, truth = self.label_map[place], self._truth[place]
        for value in values & set(self._values):
            shown = part == value
            self._found[value] += sign * np.count_nonzero(shown & (truth != IGNORED))
            self._right[value] += sign * np.count_nonzero(shown & (truth == value))
