"""The ground truth in the strategies' own values, whatever the dataset has it in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import fiftyone as fo
import numpy as np

from . import checks
from .errors import PromptingError
from .metrics import IGNORED
from .priors.fields import instance_mask, resize_mask
from .storage import StrategyFields


def truth_field(prefix: str) -> str:
    """The field into which the truth is rendered."""
    return f"{prefix}_truth"


def truth_renderer(view, gt_field: str, classes: Sequence[str]) -> Callable[[fo.Label, int, int], np.ndarray]:
    """A function (label, height, width) -> (H, W) uint8 truth.

    Raises:
        PromptingError: a truth without masks, or of another type
    """
    label_type = checks.label_type_of(view, gt_field)
    value_of = {label: i + 1 for i, label in enumerate(classes)}
    if label_type is fo.Segmentation:
        without = len(view) - sum(view.count(f"{gt_field}.{where}") for where in ("mask", "mask_path"))
        if without:
            raise PromptingError(f"{without} of {len(view)} labels in {gt_field!r} have no mask.")
        given = checks.segmentation_values(view, gt_field, classes)
        return lambda label, height, width: _recode(label, height, width, given, value_of, gt_field)
    if label_type is not fo.Detections:
        raise PromptingError(f"The truth {gt_field!r} must be a Segmentation or Detections with instance masks.")
    _check_instances(view, gt_field, classes)
    return lambda label, height, width: paint_instances(label, height, width, value_of)


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


def _recode(label: fo.Segmentation, height: int, width: int, given, value_of, gt_field: str) -> np.ndarray:
    mask = resize_mask(label.get_mask(), height, width)
    truth = np.zeros((height, width), np.uint8)
    if not given:  # a single class: all that isn't background
        truth[mask > 0] = 1
        return truth
    for name, value in given.items():
        truth[mask == value] = value_of[name]
    return truth


def paint_instances(label: fo.Detections, height: int, width: int, value_of) -> np.ndarray:
    """Instance masks painted over ignored crowds."""
    truth = np.zeros((height, width), np.uint8)
    wanted = [detection for detection in label.detections if detection.label in value_of]
    for crowd in (True, False):
        for detection in wanted:
            if bool(detection.get_attribute_value("iscrowd", False)) == crowd:
                mask = instance_mask(detection, height, width)
                truth[mask] = IGNORED if crowd else value_of[detection.label]
    return truth


def render_truth(view, gt_field: str, strategy: str, prefix: str, classes: Sequence[str], render) -> None:
    """Write the truth field at the size of the strategies' masks, which is the picture's own."""
    dataset, field, predicted = view._dataset, truth_field(prefix), StrategyFields.of(prefix, strategy).mask
    dataset.add_sample_field(field, fo.EmbeddedDocumentField, embedded_doc_type=fo.Segmentation)
    dataset.mask_targets[field] = {**{i + 1: name for i, name in enumerate(classes)}, IGNORED: "ignored"}
    dataset.save()
    for sample in view.select_fields([gt_field, predicted, field]).iter_samples(autosave=True):
        height, width = sample[predicted].get_mask().shape
        sample[field] = fo.Segmentation(mask=render(sample[gt_field], height, width))
