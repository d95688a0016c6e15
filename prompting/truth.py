"""The ground truth in the strategies' own values, whatever the dataset has it in."""

from __future__ import annotations

import os
from collections.abc import Sequence

import fiftyone as fo
import numpy as np

from . import checks
from .errors import PromptingError
from .lock import editing
from .masks import resize_mask
from .metrics import IGNORED
from .priors.fields import FieldPrior, instance_mask, read_mask
from .regions import Region
from .storage import StrategyFields


def truth_field(prefix: str) -> str:
    """The field into which the truth is rendered."""
    return f"{prefix}_truth"


def count_field(prefix: str) -> str:
    """How many instances the truth has (of a Segmentation: connected parts)."""
    return f"{prefix}_truth_instances"


def size_field(prefix: str) -> str:
    """The share of the picture that the largest of them covers."""
    return f"{prefix}_truth_size"


class Truth:
    """A field's labels of some classes, as a label map and as instances.

    Args:
        view: the samples
        field: a Segmentation, or Detections with instance masks
        classes: class i has the value i + 1

    Raises:
        PromptingError: a truth without masks, with masks in files that are gone, or of another type
    """

    def __init__(self, view, field: str, classes: Sequence[str]):
        label_type = checks.label_type_of(view, field)
        self.field, self.classes = field, tuple(classes)
        self.has_instances = label_type is fo.Detections
        self._value_of = {label: i + 1 for i, label in enumerate(classes)}
        self._given: dict[str, int] = {}
        if label_type is fo.Segmentation:
            without = len(view) - sum(view.count(f"{field}.{where}") for where in ("mask", "mask_path"))
            if without:
                raise PromptingError(f"{without} of {len(view)} labels in {field!r} have no mask.")
            _check_files(view.values(f"{field}.mask_path"), field)
            self._given = checks.segmentation_values(view, field, classes)
        elif label_type is fo.Detections:
            _check_instances(view, field, classes)
        else:
            raise PromptingError(f"The truth {field!r} must be a Segmentation or Detections with instance masks.")
        self._prior = FieldPrior(classes, self._given)

    def label_map(self, label: fo.Label, height: int, width: int) -> np.ndarray:
        """(H, W) uint8: 0 background, i + 1 class i, 255 crowds."""
        if self.has_instances:
            return paint_instances(label, height, width, self._value_of)
        mask = resize_mask(read_mask(label), height, width)
        truth = np.zeros((height, width), np.uint8)
        if not self._given:  # a single class: all that isn't background
            truth[mask > 0] = 1
        for name, value in self._given.items():
            truth[mask == value] = self._value_of[name]
        return truth

    def regions(self, label: fo.Label, height: int, width: int) -> list[Region]:
        """The instances, each with its box and its mask; of a Segmentation its connected parts. No crowds."""
        return [region for region in self._prior.regions(label, height, width) if region.mask is not None]


def _check_instances(view, gt_field: str, classes: Sequence[str]) -> None:
    """Refuse Detections that would be scored as if nothing were there.

    Raises:
        PromptingError: none has one of the classes, in the whole dataset, or some have no mask
    """
    labels = view._dataset.distinct(f"{gt_field}.detections.label")
    if labels and not set(labels) & set(classes):
        raise PromptingError(
            f"The truth {gt_field!r} has no {' or '.join(map(repr, classes))}; it has: {', '.join(labels[:10])}."
        )
    wanted = view.filter_labels(gt_field, fo.ViewField("label").is_in(classes), only_matches=False)
    boxes = wanted.count(f"{gt_field}.detections")
    masks = sum(wanted.count(f"{gt_field}.detections.{where}") for where in ("mask", "mask_path"))
    if masks < boxes:
        raise PromptingError(
            f"{boxes - masks} of {boxes} detections in {gt_field!r} have no instance mask, so masks can't be scored."
        )
    _check_files(wanted.values(f"{gt_field}.detections.mask_path", unwind=True), gt_field)


def _check_files(paths: Sequence[str | None], gt_field: str) -> None:
    """Refuse masks on disk that are gone.

    Raises:
        PromptingError: how many, and the first of them
    """
    gone = [path for path in paths if path and not os.path.isfile(path)]
    if gone:
        raise PromptingError(
            f"{len(gone)} masks of {gt_field!r} are not on disk, the first of them {gone[0]}; put them back, or leave"
            " their samples out."
        )


def paint_instances(label: fo.Detections, height: int, width: int, value_of) -> np.ndarray:
    """Instance masks painted over ignored crowds."""
    truth = np.zeros((height, width), np.uint8)
    wanted = [detection for detection in label.detections if detection.label in value_of]
    for crowd in (True, False):
        for detection in wanted:
            if bool(detection.get_attribute_value("iscrowd", False)) == crowd:
                mask = instance_mask(detection, height, width)
                if mask is not None:
                    truth[mask] = IGNORED if crowd else value_of[detection.label]
    return truth


def render_truth(view, truth: Truth, strategy: str, prefix: str) -> None:
    """Write the truth's fields at the size of the strategies' masks, which is the picture's own."""
    dataset, field, predicted = view._dataset, truth_field(prefix), StrategyFields.of(prefix, strategy).mask
    with editing(dataset):
        dataset.add_sample_field(field, fo.EmbeddedDocumentField, embedded_doc_type=fo.Segmentation)
        dataset.add_sample_field(count_field(prefix), fo.IntField)
        dataset.add_sample_field(size_field(prefix), fo.FloatField)
        dataset.mask_targets[field] = {**{i + 1: name for i, name in enumerate(truth.classes)}, IGNORED: "ignored"}
        dataset.save()
    written = [field, count_field(prefix), size_field(prefix)]
    for sample in view.select_fields([truth.field, predicted, *written]).iter_samples(autosave=True):
        height, width = sample[predicted].get_mask().shape
        areas = [int(region.mask.sum()) for region in truth.regions(sample[truth.field], height, width)]
        sample[field] = fo.Segmentation(mask=truth.label_map(sample[truth.field], height, width))
        sample[count_field(prefix)] = len(areas)
        sample[size_field(prefix)] = max(areas, default=0) / (height * width)
