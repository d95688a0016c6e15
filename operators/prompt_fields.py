"""The fields of the dataset that give prompts, asked where a strategy takes them from there."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.operators.types as types

from . import forms
from .words import LABELS


def ask(ctx, inputs: types.Object, begins: dict) -> None:
    """The field of the labels, and where they are boxes that of their keypoints.

    Args:
        ctx: of the operator
        inputs: the form
        begins: its defaults, with ``prompt_field`` and ``points_field``
    """
    there = forms.label_fields(ctx.dataset, fo.Detections, fo.Keypoints, fo.Segmentation)
    default = begins["prompt_field"] if begins["prompt_field"] in there else next(iter(there), None)
    forms.choose_one(inputs, "prompt_field", there, default, LABELS["prompt_field"])
    chosen = ctx.params.get("prompt_field") or default
    points = forms.label_fields(ctx.dataset, fo.Keypoints)
    if points and there.get(chosen) == "Detections":
        default = begins["points_field"] if begins["points_field"] in points else None
        forms.choose_one(inputs, "points_field", points, default, LABELS["points_field"], required=False)
