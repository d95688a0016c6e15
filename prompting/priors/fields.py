"""Prompts that the dataset already has: detections, keypoints, or a segmentation's components.

Knows FiftyOne's labels by their attributes, and needs nothing of FiftyOne.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import PromptError
from ..labels.encoding import Encoding
from ..labels.instances import INSANE, instance_window, is_crowd, pixel_box
from ..pixels.regions import Region, components, working_shape
from ..plan import Plan
from ..segmentation.prompt import NEGATIVE, POSITIVE
from ..spelling import spelled
from .base import Given, Picture
from .bodies import with_points

NEAR = 1.5
"""A point so many pixels outside of the picture is meant to be on its edge: programs round."""


class FieldPrior:
    """Regions of a label field.

    Args:
        classes: labels to use, in any case
        encoding: of a Segmentation field's masks; by default all but 0 is the one class
        smallest: components of a Segmentation below this share of the picture are dropped
        two_fields: the points are another field's, see :func:`prompting.priors.bodies.with_points`
    """

    def __init__(
        self,
        classes: Sequence[str],
        encoding: Encoding | None = None,
        smallest: float = 0.0,
        two_fields: bool = False,
    ):
        self.classes, self.encoding, self.smallest = tuple(classes), encoding or Encoding(), smallest
        self.two_fields = two_fields

    def find(self, pictures: Sequence[Picture]) -> list[list[Region]]:
        """The regions of each picture, in the field's order."""
        return [self._found(picture) for picture in pictures]

    def _found(self, picture: Picture) -> list[Region]:
        regions = self.regions(picture.label, *picture.shape, working=working_shape(*picture.shape))
        return with_points(regions, self.regions(picture.points, *picture.shape)) if self.two_fields else regions

    def regions(self, label, height: int, width: int, working: tuple[int, int] | None = None) -> list[Region]:
        """The regions of one picture's label (None: none); crowds and boxes without area are none.

        Args:
            label: Detections, Keypoints or a Segmentation
            height, width: the picture's
            working: the (height, width) that masks are brought down to; by default the picture's
        """
        working = working or (height, width)
        if label is None:
            return []
        if hasattr(label, "detections"):
            found = (self._detection(d, height, width, working) for d in label.detections)
            return [region for region in found if region is not None]
        if hasattr(label, "keypoints"):
            found = (self._keypoint(k, height, width) for k in label.keypoints)
            return [region for region in found if region is not None]
        return self._segmentation(label, height, width, working)

    def _detection(self, detection, height: int, width: int, working: tuple[int, int]) -> Region | None:
        """A box, with its instance mask if it has one; crowds and boxes without area give no prompt."""
        name, box = spelled(detection.label, self.classes), pixel_box(detection, height, width)
        if name is None or box is None or is_crowd(detection):
            return None
        box = np.clip(box, 0, (width, height, width, height)).astype(np.float32)
        if box[2] - box[0] < 1 or box[3] - box[1] < 1:
            return None
        mask = instance_window(detection, height, width)
        if mask is not None and mask.any():
            box, mask = mask.box, mask.at(*working)
        else:
            mask = None
        return Region(name, box=box, mask=mask, confidence=_confidence(detection), shape=(height, width))

    def _keypoint(self, keypoint, height: int, width: int) -> Region | None:
        """Points with ``sam_labels`` (1 positive, 0 negative), all positive where it has none.

        Points just outside of the picture are moved to its edge, as boxes are cut there; those further out are dropped.
        """
        name = spelled(keypoint.label, self.classes)
        if name is None:
            return None
        coords = np.asarray(keypoint.points, float).reshape(-1, 2)
        given = keypoint.get_attribute_value("sam_labels", None)
        try:
            labels = np.full(len(coords), POSITIVE) if given is None else np.asarray(given, np.int64)
        except (TypeError, ValueError) as error:
            raise PromptError(f"sam_labels are 1 and 0, one for each point, not {given!r}.") from error
        if labels.shape != (len(coords),):
            raise PromptError(f"sam_labels has {labels.size} entries for {len(coords)} points.")
        usable = (np.abs(coords) < INSANE).all(axis=1) & np.isin(labels, (POSITIVE, NEGATIVE))
        coords, labels, edge = coords[usable] * (width, height), labels[usable].astype(np.int64), (width, height)
        inside = ((coords >= -NEAR) & (coords <= np.add(edge, NEAR))).all(axis=1)
        coords, labels = np.clip(coords[inside], 0, edge).astype(np.float32), labels[inside]
        if POSITIVE not in labels:
            return None
        shape = (height, width)
        return Region(name, None, None, coords, labels, confidence=_confidence(keypoint), shape=shape)

    def _segmentation(self, segmentation, height: int, width: int, working: tuple[int, int]) -> list[Region]:
        """Parts are told apart at the picture's size: a smaller one closes the gap between two people, and loses the
        smallest, whom the truth counts."""
        value_of = {name: i + 1 for i, name in enumerate(self.classes)}
        label_map = self.encoding.label_map(segmentation, height, width, value_of)
        if label_map is None:
            return []
        return [
            Region(name, box=part.box, mask=part.at(*working), shape=(height, width))
            for name, value in value_of.items()
            for part in components(label_map == value, self.smallest)
        ]


def _confidence(label) -> float:
    """A label's confidence, the mean of a keypoint's, 1 where it has none."""
    values = np.atleast_1d(np.array(label.confidence, float))
    values = values[np.isfinite(values)]
    return float(np.clip(values.mean(), 0, 1)) if len(values) else 1.0


def build(plan: Plan, models, given: Given) -> FieldPrior:
    """The prompt field of a plan; see :class:`prompting.priors.base.Build`."""
    return FieldPrior(plan.classes, given.encoding, two_fields=plan.points_field is not None)
