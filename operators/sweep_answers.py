"""What the answers to ``sweep_strategies``' form, and its parameters in Python, mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields

from ..prompting.errors import PromptingError
from ..prompting.plan import Plan
from ..prompting.prompts.grid import Grid
from ..prompting.prompts.strategies import strategies_named
from ..prompting.prompts.strategy import Strategy
from . import forms, model_choice

NUMBERS = {"positives": int, "negatives": int, "margins": int, "rounds": int, "confidences": float}
"""Parts of the grid that are lists of numbers, and of which kind."""
GIVEN = "given"
"""In such a list: the margin that the prior gives a box, the confidence that the run says."""
PARTS = tuple(field.name for field in fields(Grid))
OF_THE_PLAN = (
    "classes", "sam2_model", "clip_model", "yolo_model", "device", "prefix", "seed", "prompt_field", "points_field",
    "references", "reference_field", "phrases", "background", "yolo_confidence", "yolo_imgsz", "batch_size",
    "encoder_precision",
)  # fmt: skip
OF_THE_SWEEP = ("racing", "error_rate", "worth", "ignore_values")
LISTS = ("strategies", "classes", "priors", "prompts", "negatives_on", "background")


def asked(params: dict) -> tuple[list[Strategy], dict]:
    """The strategies that are asked for, and what else is.

    Raises:
        PromptingError: a part that can't be, or none or too many strategies
    """
    given = {name: value for name, value in params.items() if not _empty(value)}
    for name in LISTS:
        if name in given:
            given[name] = forms.names(given[name]) if isinstance(given[name], str) else given[name]
    if "strategies" in given:
        return strategies_named(given["strategies"]), given
    parts = {name: given[name] for name in PARTS if name in given}
    parts |= {name: numbers(name, parts[name]) for name in NUMBERS if name in parts}
    return Grid(**parts).strategies(), given


def plan_of(params: dict):
    """What is to be swept.

    Raises:
        PromptingError: a wrong value
    """
    from ..prompting.runs.sweep import SweepPlan

    strategies, given = asked(params)
    told = {name: given[name] for name in OF_THE_SWEEP if name in given}
    of_plan = {name: given[name] for name in OF_THE_PLAN if name in given} | model_choice.chosen(params)
    if params.get("classes") in ("", [], ()):  # emptied, and not left as it was
        of_plan["classes"] = ()
    return SweepPlan(Plan(strategies=tuple(s.name for s in strategies), **of_plan), given.get("gt_field"), **told)


def numbers(name: str, values) -> tuple:
    """A list of numbers, one alone, or text with commas, in which None is called :data:`GIVEN`.

    Raises:
        PromptingError: something that is no number of its kind
    """
    kind = NUMBERS[name]
    parts = values.split(",") if isinstance(values, str) else values if isinstance(values, Iterable) else (values,)
    try:
        return tuple(_number(part, kind) for part in parts)
    except ValueError:
        whole = "whole numbers" if kind is int else "numbers"
        raise PromptingError(f"{name} are {whole} with commas between them, not {values!r}.", name) from None


def as_text(values: Sequence) -> str:
    """Undo :func:`numbers`."""
    return ", ".join(GIVEN if value is None else f"{value:g}" for value in values)


def _number(part, kind: type):
    if not isinstance(part, str):
        return part.item() if hasattr(part, "item") else part  # of an array
    return None if part.strip().lower() == GIVEN else kind(part)


def _empty(value) -> bool:
    return value is None or (isinstance(value, (str, list, tuple, dict)) and not value)
