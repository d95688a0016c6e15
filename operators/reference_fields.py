"""The reference pictures and the field with their masks, asked where a strategy learns from them."""

from __future__ import annotations

from collections.abc import Iterable

import fiftyone as fo
import fiftyone.operators.types as types

from ..prompting.spelling import names_text
from . import forms
from .words import LABELS


def ask(ctx, inputs: types.Object, begins: dict) -> None:
    """Which pictures, by their tag, and where their masks are.

    Args:
        ctx: of the operator
        inputs: the form
        begins: its defaults, with ``references`` and ``reference_field``
    """
    from ..prompting.dataset.everywhere import all_samples
    from ..prompting.dataset.references import TAG, label_fields_for

    tags = sorted(all_samples(ctx.dataset).distinct("tags"))
    given = begins["references"]
    given = given if isinstance(given, str) or given is None else names_text(given)
    default = given or (TAG if TAG in tags else None)
    description = "Their tag, or ids of samples with commas between them"
    forms.suggest(inputs, "references", tags, default, LABELS["references"], description)
    fields = {name: kind.__name__ for name, kind in label_fields_for(ctx.dataset).items()}
    field = begun_with(begins, fields)
    forms.choose_one(inputs, "reference_field", fields, field, LABELS["reference_field"])


def begun_with(begins: dict, fields: Iterable[str]) -> str | None:
    """The field that the form begins with: the last run's, else the first."""
    return begins["reference_field"] if begins["reference_field"] in fields else next(iter(fields), None)


def is_nameless(ctx, begins: dict, now: dict) -> bool:
    """Whether the chosen field's masks have values without names, and the last run didn't say what they are.

    Args:
        ctx: of the operator
        begins: the form's defaults
        now: the same with what is filled in
    """
    from ..prompting.dataset.label_fields import mask_targets
    from ..prompting.dataset.references import label_fields_for

    there = label_fields_for(ctx.dataset)
    field = now["reference_field"] if now["reference_field"] in there else begun_with(begins, there)
    nameless = there.get(field) is fo.Segmentation and not mask_targets(ctx.dataset, field)
    return nameless and field != begins["reference_field"]
