"""Prompts that the dataset already has: detections, keypoints, or a segmentation's components.

Knows FiftyOne's labels by their attributes, and needs nothing of FiftyOne.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..errors import PromptError
from ..masks import nearest, pick, resize_mask
from ..prompts import NEGATIVE, POSITIVE
from ..regions import Region, box_of, components
from .base import Picture

INSANE = 1e6
"""A box or a point so many pictures away means nothing."""


class FieldPrior:
    """Regions of a label field.

    Args:
        classes: labels to use
        mask_values: for a Segmentation field, the pixel value of each class; empty for a single class
            that is every value but 0
        smallest: components of a Segmentation below this share of the picture are dropped
    """

    def __init__(self, classes: Sequence[str], mask_values: Mapping[str, int] | None = None, smallest: float = 0.0):
        self.classes, self.mask_values, self.smallest = tuple(classes), dict(mask_values or {}), smallest

    def find(self, pictures: Sequence[Picture]) -> list[list[Region]]:
        """The regions of each picture, in the field's order."""
        return [self.regions(picture.label, *picture.image.shape[:2]) for picture in pictures]

    def regions(self, label, height: int, width: int) -> list[Region]:
        """The regions of one picture's label (None: none); crowds and boxes without area are none."""
        if label is None:
            return []
        if hasattr(label, "detections"):
            found = (self._detection(d, height, width) for d in label.detections if d.label in self.classes)
            return [region for region in found if region is not None]
        if hasattr(label, "keypoints"):
            found = (self._keypoint(k, height, width) for k in label.keypoints if k.label in self.classes)
            return [region for region in found if region is not None]
        return self._segmentation(label, height, width)

    def _detection(self, detection, height: int, width: int) -> Region | None:
        """A box, with its instance mask if it has one; crowds and boxes without area give no prompt."""
        box = _pixel_box(detection, height, width)
        if box is None or detection.get_attribute_value("iscrowd", False):
            return None
        box = np.clip(box, 0, (width, height, width, height)).astype(np.float32)
        if box[2] - box[0] < 1 or box[3] - box[1] < 1:
            return None
        mask = instance_mask(detection, height, width)
        if mask is not None and not mask.any():
            mask = None
        return Region(detection.label, box=box, mask=mask, confidence=_confidence(detection))

    def _keypoint(self, keypoint, height: int, width: int) -> Region | None:
        """Points with ``sam_labels`` (1 positive, 0 negative), all positive where it has none."""
        coords = np.asarray(keypoint.points, float).reshape(-1, 2)
        given = keypoint.get_attribute_value("sam_labels", None)
        labels = np.full(len(coords), POSITIVE) if given is None else np.asarray(given, np.int64)
        if labels.shape != (len(coords),):
            raise PromptError(f"sam_labels has {labels.size} entries for {len(coords)} points.")
        usable = (np.abs(coords) < INSANE).all(axis=1) & np.isin(labels, (POSITIVE, NEGATIVE))
        coords = (coords[usable] * (width, height)).astype(np.float32)
        labels = labels[usable].astype(np.int64)
        if POSITIVE not in labels:
            return None
        return Region(keypoint.label, point_coords=coords, point_labels=labels, confidence=_confidence(keypoint))

    def _segmentation(self, segmentation, height: int, width: int) -> list[Region]:
        mask = read_mask(segmentation)
        if mask is None:
            return []
        mask = resize_mask(mask, height, width)
        return [
            Region(label, box=box_of(part), mask=part)
            for label in self.classes
            for part in components(self._pixels(mask, label), self.smallest)
        ]

    def _pixels(self, mask: np.ndarray, label: str) -> np.ndarray:
        """Where a Segmentation shows a class; without values, the only class is all that isn't background."""
        return mask == self.mask_values[label] if self.mask_values else mask > 0


def read_mask(label) -> np.ndarray | None:
    """The mask of a Detection or a Segmentation, from the database or from disk, or None where it has none.

    Raises:
        PromptError: its file is missing or can't be read
    """
    try:
        return label.get_mask()
    except Exception as error:
        raise PromptError(f"A mask can't be read ({type(error).__name__}); check the file {label.mask_path}") from error


def instance_mask(detection, height: int, width: int) -> np.ndarray | None:
    """A Detection's mask laid into a (H, W) bool picture, or None where it has none or its box has no area.

    FiftyOne crops instance masks to the box; they are stretched to the box's
    pixels, as the App draws them. What lies outside the picture is never made:
    a box may be far larger than the picture.
    """
    mask, box = read_mask(detection), _pixel_box(detection, height, width)
    if mask is None or not mask.size or box is None:
        return None
    x1, y1, x2, y2 = (round(value) for value in box.tolist())
    x2, y2 = max(x1 + 1, x2), max(y1 + 1, y2)
    ys, xs = np.arange(max(0, y1), min(height, y2)), np.arange(max(0, x1), min(width, x2))
    full = np.zeros((height, width), bool)
    if len(ys) and len(xs):
        rows, columns = nearest(ys - y1, mask.shape[0], y2 - y1), nearest(xs - x1, mask.shape[1], x2 - x1)
        full[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1] = pick(mask, rows, columns).astype(bool)
    return full


def _pixel_box(detection, height: int, width: int) -> np.ndarray | None:
    """A Detection's box (4,) xyxy in pixels, or None where it isn't four numbers of a sane size or has no area."""
    given = np.array(detection.bounding_box, float).ravel()
    if given.shape != (4,) or not (np.abs(given) < INSANE).all() or (given[2:] <= 0).any():  # NaN is not below either
        return None
    return np.concatenate([given[:2], given[:2] + given[2:]]) * (width, height, width, height)


def _confidence(label) -> float:
    """A label's confidence, the mean of a keypoint's, 1 where it has none."""
    values = np.atleast_1d(np.array(label.confidence, float))
    values = values[np.isfinite(values)]
    return float(np.clip(values.mean(), 0, 1)) if len(values) else 1.0
