"""What parameters and their values are called in the forms, and errors said in those words."""

from __future__ import annotations

import re
from collections.abc import Mapping

import fiftyone.operators.types as types

LABELS = {
    "strategies": "Strategies",
    "classes": "Classes",
    "prompt_field": "Field that gives the prompts",
    "points_field": "Keypoints of its boxes",
    "references": "Reference pictures",
    "reference_field": "Field with their masks",
    "models": "Models",
    "sam2_model": "SAM 2 model",
    "clip_model": "CLIP model",
    "yolo_model": "Detector",
    "device": "Device",
    "existing": "Samples that have results",
    "prefix": "Field prefix",
    "seed": "Seed",
    "heatmap": "Store CLIP's map",
    "keep_rounds": "Store every round's masks",
    "background": "Background phrases",
    "phrases": "Phrases",
    "yolo_confidence": "Detector's confidence",
    "yolo_imgsz": "Detector's picture size",
    "field_rounds": "Corrective clicks",
    "batch_size": "Batch size",
    "encoder_precision": "Precision of SAM 2's encoder",
    "compile": "Compile the encoder",
    "mask_dir": "Folder for masks",
    "rel_dir": "Folder of the pictures",
    "gt_field": "Ground truth",
    "patches": "Patches of hits, strays and misses",
    "fields": "Masks that are there already",
    "include_references": "Also score the reference pictures",
    "baseline": "Baseline",
    "ignore_values": "Mask values that count for nothing",
    "overwrite": "Replace a larger evaluation",
    "priors": "Who finds the instances",
    "prompts": "How each is said",
    "positives": "Clicks inside",
    "negatives": "Clicks outside",
    "negatives_on": "Where those go",
    "margins": "Margins",
    "rounds": "Corrective clicks",
    "confidences": "Least confidences",
    "racing": "Stop strategies that have nothing to win",
    "robustness": "Also disturb the truth's prompts",
    "folder": "Folder",
    "strategy": "Strategy",
    "name": "Name of the labels",
    "rule": "Rule",
    "accept_from": "Least expected IoU to accept",
    "goal": "What for",
    "reviewed": "Also replace labels that a person accepted or edited",
    "count": "How many, at most",
    "below": "Only below",
    "tag": "Tag",
    "way": "What to do",
    "engine": "Where it runs",
    "workers": "Workers",
    "ray_address": "Ray cluster",
    "cpus_per_worker": "Processors of a worker",
    "gpus_per_worker": "GPUs of a worker",
    "only": "Only these: take the tag from the others",
}

TITLES = {
    "existing": {"skip": "Keep them, do the others", "overwrite": "Do them again"},
    "rule": {
        "one": "One strategy",
        "cascade": "A cascade",
        "union": "All instances, nobody twice",
        "learned": "What labelled pictures taught",
    },
    "goal": {"teach": "To learn most", "settle": "To settle which of two is better"},
}
"""What the values of a choice are called."""

_PYTHON = re.compile(r"(?<!['\w])([a-z][a-z0-9_]*)=('[^']*'|True|False|\d[\d.]*)")
_NAMES = re.compile(r"(?<!['\w])([a-z][a-z0-9]*_[a-z0-9_]*)(?!['\w=*])")


def in_form_words(message: str, properties: Mapping[str, types.Property], own: str | None = None) -> str:
    """An error's sentence without Python: ``existing='skip'`` becomes the choice of that name.

    Args:
        message: as :class:`~prompting.errors.PromptingError` says it
        properties: the form's fields
        own: the field at which it is shown, whose label need not be repeated
    """
    begins = re.match(r"([a-z][a-z0-9_]*)(?= )", message)
    if begins and begins[1] in LABELS:  # "classes must be …": the parameter is the subject
        message = LABELS[begins[1]] + message[begins.end() :]
    message = _PYTHON.sub(lambda found: _said(found[1], found[2], properties, own) or found[0], message)
    return _NAMES.sub(lambda found: f"“{LABELS[found[1]]}”" if found[1] in LABELS else found[0], message)


def _said(name: str, value: str, properties: Mapping[str, types.Property], own: str | None) -> str | None:
    label = _label(name, properties)
    if label is None:
        return None
    if value in ("True", "False"):
        return f"“{label}”"
    value = value.strip("'")
    view = getattr(properties.get(name), "view", None)
    shown = {choice.value: choice.label or choice.value for choice in getattr(view, "choices", ())}
    titles = {**TITLES.get(name, {}), **shown}
    return f"“{titles.get(value, value)}”" if name == own else f"“{label}: {titles.get(value, value)}”"


def _label(name: str, properties: Mapping[str, types.Property]) -> str | None:
    view = getattr(properties.get(name), "view", None)
    return getattr(view, "label", None) or LABELS.get(name)
