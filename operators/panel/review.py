"""Labels that are finished, and how far their review is: a button opens the picture that is expected to be worst."""

from __future__ import annotations

from .canvas import Canvas


def draw_review(panel, ctx, canvas: Canvas) -> None:
    """A line for each name of labels; nothing where there are none."""
    from ...prompting.dataset.owned import labels_there
    from ...prompting.runs.review import Review

    for name in labels_there(ctx.dataset):
        if not ctx.dataset.has_sample_field(name):
            continue
        standing = Review(ctx.dataset, name).standing()
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


def standings(dataset) -> list[str]:
    """How far each review is, in words: what :func:`draw_review` says."""
    from ...prompting.dataset.owned import labels_there
    from ...prompting.runs.review import Review

    there = filter(dataset.has_sample_field, labels_there(dataset))
    return [str(Review(dataset, name).standing()) for name in there]


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
