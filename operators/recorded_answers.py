"""What a run was recorded with, as answers to ``apply_strategies``' form: the same again."""

from __future__ import annotations

from collections.abc import Mapping

from .model_choice import EACH

RECORDED = (
    "classes", "sam2_model", "clip_model", "yolo_model", "device", "prefix", "seed", "prompt_field", "points_field",
    "field_rounds", "references", "reference_field", "phrases", "background", "yolo_confidence", "yolo_imgsz",
    "encoder_precision", "compile",
)  # fmt: skip
"""The parameters of :class:`prompting.plan.Plan` that decide what a mask looks like."""


def answers_of(record: Mapping) -> dict:
    """The form's answers that ask for what a record says."""
    params = {name: record[name] for name in RECORDED if record.get(name) not in (None, [], {})}
    for name in ("classes", "background", "references"):
        if isinstance(params.get(name), (list, tuple)):
            params[name] = ", ".join(params[name])
    return {**params, "models": EACH, "advanced": True}
