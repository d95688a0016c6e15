"""Scores of label maps against a picture's truth. Pure functions on arrays.

On a large photograph most pixels are nobody's. Each class is therefore looked at within the window that holds it
(:class:`prompting.pixels.masks.Window`), and the truth is taken apart once for all label maps that are scored
against it; the numbers are those of the whole picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..pixels.masks import IGNORED, Window, intersection

EXACT = 2**24
"""OpenCV counts in float32, which is exact up to here."""


@dataclass(frozen=True)
class Scores:
    """What one label map scores.

    Attributes:
        iou: see :func:`image_iou`
        boundary_iou: see :func:`boundary_iou`
        confusion: (1 + C, 1 + C) int pixel counts, rows truth, columns prediction, the background first; pixels where
            either has another value are in none of them, as in FiftyOne and scikit-learn
    """

    iou: float
    boundary_iou: float
    confusion: np.ndarray


class Target:
    """A picture's truth, taken apart once for all label maps that are scored against it.

    Args:
        truth: (H, W) label map; :data:`IGNORED` where pixels count for nothing
        values: the classes' values
        ratio: how far a boundary reaches, as a share of the picture's diagonal
    """

    def __init__(self, truth: np.ndarray, values: Sequence[int], ratio: float = 0.02):
        truth, self.values = _as_bytes(truth, values), tuple(values)
        self._distance = max(1, round(ratio * float(np.hypot(*truth.shape))))
        shown = np.flatnonzero(_histogram(truth))
        self._classes = {value: _window(truth, value) for value in self.values if value in shown}
        self.ignored = _window(truth, IGNORED) if IGNORED in shown else Window.empty(truth.shape)
        unnamed = [value for value in shown if value not in (0, IGNORED, *self.values)]
        self._unnamed = [self.ignored, *(_window(truth, value) for value in unnamed)]
        self._nothing = Window.empty(truth.shape)
        self._shells: dict[int, Window] = {}

    def score(self, predicted: np.ndarray) -> Scores:
        """All scores of a (H, W) label map."""
        predicted = _as_bytes(predicted, self.values)
        found = self._found(predicted)
        return Scores(self._mean(found, self._iou), self._mean(found, self._boundary_iou), self.confusion(predicted))

    def iou(self, predicted: np.ndarray) -> float:
        """:func:`image_iou` of a (H, W) label map."""
        return self._mean(self._found(_as_bytes(predicted, self.values)), self._iou)

    def boundary_iou(self, predicted: np.ndarray) -> float:
        """:func:`boundary_iou` of a (H, W) label map."""
        return self._mean(self._found(_as_bytes(predicted, self.values)), self._boundary_iou)

    def confusion(self, predicted: np.ndarray) -> np.ndarray:
        """The pixel counts of a (H, W) label map; see :class:`Scores`."""
        predicted, named = _as_bytes(predicted, self.values), [0, *self.values]
        of_class = [_histogram_in(predicted, self._classes.get(value, self._nothing)) for value in self.values]
        elsewhere = sum(_histogram_in(predicted, window) for window in self._unnamed)
        background = _histogram(predicted) - sum(of_class) - elsewhere
        return np.stack([background, *of_class])[:, named]

    def _found(self, predicted: np.ndarray) -> dict[int, Window]:
        """Where a label map shows each class, without pixels that count for nothing."""
        found, ignored = {}, self.ignored
        for value in self.values:
            shown = predicted == value
            if ignored.any():
                shown[ignored.place] &= ~ignored.crop
            found[value] = Window.of(shown)
        return found

    def _mean(self, found: dict[int, Window], score) -> float:
        """A score's mean over the classes that the truth or the prediction shows; 1 where there is none."""
        shown = [value for value in self.values if found[value].any() or value in self._classes]
        return float(np.mean([score(value, found[value]) for value in shown])) if shown else 1.0

    def _iou(self, value: int, found: Window) -> float:
        return _iou(found, self._classes.get(value, self._nothing))

    def _boundary_iou(self, value: int, found: Window) -> float:
        if value not in self._shells:
            self._shells[value] = _shell(self._classes.get(value, self._nothing), self._distance)
        return _iou(_shell(found, self._distance), self._shells[value])


def image_iou(predicted: np.ndarray, truth: np.ndarray, values: Sequence[int]) -> float:
    """Mean IoU over the classes that the truth or the prediction shows.

    An image that shows none of them, neither in truth nor in prediction, scores
    1; one where something was found and nothing is scores 0. (FiftyOne gives
    None to every image with an empty truth, false positives or not.)

    Args:
        predicted, truth: (H, W) label maps
        values: the classes' values

    Returns:
        a float in [0, 1]
    """
    return Target(truth, values).iou(predicted)


def boundary_iou(predicted: np.ndarray, truth: np.ndarray, values: Sequence[int], ratio: float = 0.02) -> float:
    """Mean boundary IoU (Cheng et al., 2021) over the classes that the truth or the prediction shows.

    The IoU of just those pixels of both masks that are no further than a
    distance from the mask's outline; the picture's edge is an outline too. Pixels
    that don't count are background, so that it doesn't matter what was found
    there. Empty masks score as in :func:`image_iou`.

    Args:
        predicted, truth: (H, W) label maps
        values: the classes' values
        ratio: the distance as a share of the picture's diagonal

    Returns:
        a float in [0, 1]
    """
    return Target(truth, values, ratio).boundary_iou(predicted)


def _iou(a: Window, b: Window) -> float:
    """IoU of two windows of one picture, of which one shows something."""
    common = intersection(a, b)
    return common / (a.area + b.area - common)


def _shell(window: Window, distance: int) -> Window:
    """The pixels that erosion by a 3 x 3 square, ``distance`` times, takes away; outside of the picture is nothing."""
    if not window.any():
        return window
    crop = window.crop
    return Window(crop & ~_eroded(crop, distance), window.top, window.left, window.shape)


def _eroded(mask: np.ndarray, distance: int) -> np.ndarray:
    """A (H, W) bool mask eroded by a 3 x 3 square, ``distance`` times: by one column that is as high, then one row."""
    eroded = _eroded_by_column(mask.view(np.uint8), distance)
    return cv2.transpose(_eroded_by_column(cv2.transpose(eroded), distance)).view(bool)


def _eroded_by_column(mask: np.ndarray, distance: int) -> np.ndarray:
    """Pixels of a (H, W) mask of 0 and 1 that have ``distance`` set ones above and below.

    Which pixels begin a column of 2, 4, 8 … set ones is known from those of half the length: the logarithm of the
    distance counts, and eight pixels are one byte.
    """
    eroded = np.zeros_like(mask)
    if mask.shape[0] > 2 * distance:
        bits, length, wanted = np.packbits(mask, axis=1), 1, 2 * distance + 1
        while length < wanted:
            step = min(length, wanted - length)
            bits = bits[:-step] & bits[step:]
            length += step
        eroded[distance:-distance] = np.unpackbits(bits, axis=1, count=mask.shape[1])
    return eroded


def _window(label_map: np.ndarray, value: int) -> Window:
    return Window.of(label_map == value)


def _histogram_in(label_map: np.ndarray, window: Window) -> np.ndarray:
    """(256,) int, how often a label map has each value where a window is True."""
    return _histogram(label_map[window.place], window.crop) if window.any() else np.zeros(256, int)


def _histogram(label_map: np.ndarray, where: np.ndarray | None = None) -> np.ndarray:
    """(256,) int, how often a (h, w) uint8 label map has each value, everywhere or where a bool mask is True."""
    counts = np.zeros(256, int)
    if where is None:  # most is background
        x, y, w, h = cv2.boundingRect(label_map)
        counts[0] = label_map.size - w * h
        label_map = label_map[y : y + h, x : x + w]
    rows = max(1, EXACT // max(1, label_map.shape[1]))
    for top in range(0, label_map.shape[0], rows):
        part = slice(top, top + rows)
        mask = None if where is None else where[part].view(np.uint8)
        counts += cv2.calcHist([label_map[part]], [0], mask, [256], [0, 256]).ravel().astype(int)
    return counts


def _as_bytes(label_map: np.ndarray, values: Sequence[int]) -> np.ndarray:
    """A label map as uint8, without a copy where it is that; values that no byte holds become one that nobody named."""
    if label_map.dtype == np.uint8:
        return label_map
    unnamed = next(value for value in range(1, IGNORED) if value not in values)
    return np.where((label_map >= 0) & (label_map <= IGNORED), label_map, unnamed).astype(np.uint8)


def pooled_scores(confusion: np.ndarray) -> dict[str, float]:
    """IoU, Dice, precision and recall of all pixels of all images together, averaged over classes.

    Args:
        confusion: (1 + C, 1 + C) pixel counts, rows truth, columns prediction, the background first

    Returns:
        ``iou``, ``dice``, ``precision``, ``recall``; NaN where nothing was there to score
    """
    hit = np.diag(confusion)[1:].astype(float)
    truth, predicted = confusion.sum(axis=1)[1:], confusion.sum(axis=0)[1:]
    return {
        "iou": _mean(hit, truth + predicted - hit),
        "dice": _mean(2 * hit, truth + predicted),
        "precision": _mean(hit, predicted),
        "recall": _mean(hit, truth),
    }


def _mean(numerator: np.ndarray, denominator: np.ndarray) -> float:
    shown = denominator > 0
    return float(np.mean(numerator[shown] / denominator[shown])) if shown.any() else float("nan")
