"""What a run was recorded with, or is asked for from Python, as answers to ``apply_strategies``' form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..prompting.spelling import names_text
from .model_choice import EACH

RECORDED = (
    "classes", "sam2_model", "clip_model", "yolo_model", "device", "prefix", "seed", "prompt_field", "points_field",
    "field_rounds", "references", "reference_field", "phrases", "background", "yolo_confidence", "yolo_imgsz",
    "encoder_precision", "compile",
)  # fmt: skip
"""The parameters of :class:`prompting.plan.Plan` that decide what a mask looks like."""
TEXTS = ("classes", "background", "references")
"""Lists that the form asks for as text with commas."""


def answers_of(record: Mapping, names: Iterable[str] = RECORDED) -> dict:
    """The form's answers that ask for what a record says.

    Args:
        record: parameters by their names
        names: those to answer with
    """
    params = {name: record[name] for name in names if record.get(name) not in (None, [], (), {})}
    for name, value in params.items():
        if isinstance(value, (list, tuple)):
            params[name] = names_text(value) if name in TEXTS else list(value)
    return {**params, "models": EACH, "advanced": True}
