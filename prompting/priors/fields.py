"""Prompts that the dataset already has: detections, keypoints, or a segmentation's components.

Knows FiftyOne's labels by their attributes, and needs nothing of FiftyOne.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from ..errors import PromptError
from ..prompts import NEGATIVE, POSITIVE
from ..regions import Region, box_of, components
from .base import Picture


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
        if detection.get_attribute_value("iscrowd", False) or not detection.bounding_box:
            return None
        x, y, w, h = detection.bounding_box
        box = np.array([x * width, y * height, (x + w) * width, (y + h) * height], np.float64)
        if not np.isfinite(box).all():
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
        coords = np.asarray(keypoint.points, np.float32).reshape(-1, 2) * (width, height)
        given = keypoint.get_attribute_value("sam_labels", None)
        labels = np.full(len(coords), POSITIVE) if given is None else np.asarray(given, np.int64)
        if labels.shape != (len(coords),):
            raise PromptError(f"sam_labels has {labels.size} entries for {len(coords)} points.")
        usable = np.isfinite(coords).all(axis=1) & np.isin(labels, (POSITIVE, NEGATIVE))
        coords, labels = coords[usable].astype(np.float32), labels[usable].astype(np.int64)
        if POSITIVE not in labels:
            return None
        return Region(keypoint.label, point_coords=coords, point_labels=labels, confidence=_confidence(keypoint))

    def _segmentation(self, segmentation, height: int, width: int) -> list[Region]:
        mask = segmentation.get_mask()
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


def instance_mask(detection, height: int, width: int) -> np.ndarray | None:
    """A Detection's mask laid into a (H, W) bool picture, or None where it has none.

    FiftyOne crops instance masks to the box; they are resized to the box's
    pixels, as the App draws them.
    """
    mask = detection.get_mask()
    if mask is None:
        return None
    x, y, w, h = detection.bounding_box
    x1, y1 = int(round(x * width)), int(round(y * height))
    x2, y2 = max(x1 + 1, int(round((x + w) * width))), max(y1 + 1, int(round((y + h) * height)))
    small = resize_mask(np.asarray(mask).astype(bool).astype(np.uint8), y2 - y1, x2 - x1).astype(bool)
    full = np.zeros((height, width), bool)
    top, left = max(0, y1), max(0, x1)
    bottom, right = min(height, y2), min(width, x2)
    if bottom > top and right > left:
        full[top:bottom, left:right] = small[top - y1 : bottom - y1, left - x1 : right - x1]
    return full


def resize_mask(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """A label map at another size, nearest neighbour."""
    mask = np.asarray(mask)
    if mask.ndim == 3:
        mask = mask[..., 0]
    if mask.shape == (height, width):
        return mask
    return cv2.resize(mask.astype(np.int32), (width, height), interpolation=cv2.INTER_NEAREST_EXACT)


def _confidence(label) -> float:
    """A label's confidence, the mean of a keypoint's, 1 where it has none."""
    values = np.atleast_1d(np.array(label.confidence, float))
    values = values[np.isfinite(values)]
    return float(np.clip(values.mean(), 0, 1)) if len(values) else 1.0
