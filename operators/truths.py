"""Which fields of a dataset may be the truth: a person's own, and none that was made from strategies."""

from __future__ import annotations

import fiftyone as fo

from . import forms


def truths_of(ctx, prefix: str) -> tuple[dict[str, str], str | None]:
    """The fields, each with its type's name, and that of the last evaluation, where there was one.

    Args:
        ctx: of the form
        prefix: of the strategies' fields
    """
    from ..prompting.dataset.finals import final_names
    from ..prompting.dataset.judgements import truth_reading
    from ..prompting.dataset.names import FinalFields
    from ..prompting.dataset.owned import own_fields

    own = {*own_fields(ctx.dataset, prefix)}
    own |= {field for name in final_names(ctx.dataset) for field in FinalFields.of(name).everything}
    fields = forms.label_fields(ctx.dataset, fo.Detections, fo.Segmentation)
    truths = {name: kind for name, kind in fields.items() if name not in own}
    last = truth_reading(ctx.dataset, prefix)[0]
    return truths, last.field if last and last.field in truths else None
