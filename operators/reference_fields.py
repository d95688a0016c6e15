"""The reference pictures and the field with their masks, asked where a strategy learns from them."""

from __future__ import annotations

import fiftyone.operators.types as types

from . import forms
from .words import LABELS


def ask(ctx, inputs: types.Object, begins: dict) -> None:
    """Which pictures, by their tag, and where their masks are.

    Args:
        ctx: of the operator
        inputs: the form
        begins: its defaults, with ``references`` and ``reference_field``
    """
    from ..prompting.dataset.references import TAG, label_fields_for

    tags = sorted(ctx.dataset.distinct("tags"))
    given = begins["references"]
    given = given if isinstance(given, str) or given is None else ", ".join(given)
    default = given or (TAG if TAG in tags else None)
    description = "Their tag, or ids of samples with commas between them"
    forms.suggest(inputs, "references", tags, default, LABELS["references"], description)
    fields = {name: kind.__name__ for name, kind in label_fields_for(ctx.dataset).items()}
    field = begins["reference_field"] if begins["reference_field"] in fields else next(iter(fields), None)
    forms.choose_one(inputs, "reference_field", fields, field, LABELS["reference_field"])
