"""Labels that are finished, and how far their review is: a button opens the picture that is expected to be worst."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .canvas import Canvas

if TYPE_CHECKING:
    from ...prompting.runs.looks import Standing


def draw_review(panel, ctx, canvas: Canvas) -> None:
    """A line for each name of labels; nothing where there are none."""
    for name, standing in standings(ctx.dataset).items():
        left = standing.left
        canvas.text(f"review_{name}", "Review", str(standing))
        if not left and not standing.sent:
            continue
        row = canvas.row(f"reviewing_{name}")
        if left:
            label = f"Review the other {left}, the worst first" if standing.decided else f"Review {left} labels"
            canvas.button(row, "review", label, panel.review, "rate_review", main=True, labels=name)
        if standing.sent:
            label = f"Annotate the {standing.sent} sent"
            canvas.button(row, "annotate", label, panel.prompt_annotate, "edit_note", labels=name)


def standings(dataset) -> dict[str, Standing]:
    """How far the review of each name of labels is."""
    from ...prompting.dataset.owned import labels_there
    from ...prompting.runs.review import Review

    there = filter(dataset.has_sample_field, labels_there(dataset))
    return {name: Review(dataset, name).standing() for name in there}


def begin(ctx) -> bool:
    """Open the picture of the whole dataset that is expected to be worst, and its review; whether there is one."""
    from ...prompting.runs.review import Review
    from ..reviewing.panel import open_beside

    name = ctx.params.get("labels")
    first = Review(ctx.dataset, name).after(None)
    if first:
        ctx.ops.clear_view()
        open_beside(ctx, first, name)
    else:
        ctx.ops.notify("Every picture is decided.", variant="success")
    return bool(first)
