"""The verdict, and what a person does next: each step a button that opens a form with everything filled in."""

from __future__ import annotations

from ..recorded_answers import answers_of
from .canvas import Canvas
from .choices import Choices
from .finished import draw_labelling, draw_settled


def draw_verdict(panel, ctx, canvas: Canvas, chosen: Choices) -> None:
    """Who wins, and whether that is more than chance; then the steps from there, for the winner."""
    from ...prompting.report.verdict import verdict

    first, *others = verdict(chosen.findings)
    canvas.text("verdict", first, " ".join(others))
    draw_settled(ctx, canvas, chosen)
    row = canvas.row("next_steps")
    best, applied, rest = winner(ctx, chosen), best_strategy(chosen), left(ctx, chosen)
    if rest:
        canvas.button(
            row, "apply_rest", f"Apply {applied} to the other {rest}", panel.prompt_rest, "done_all", main=True
        )
    canvas.button(row, "labels", f"Use {best}'s masks as labels", panel.prompt_labels, "label", main=not rest)
    draw_labelling(panel, canvas, row)
    canvas.button(row, "tag", f"Tag {best}'s worst", panel.prompt_tag, "sell")
    canvas.button(row, "overlay", f"Show {best}'s errors", panel.prompt_overlay, "layers")
    canvas.button(row, "export", "Export", panel.prompt_export, "summarize")


def winner(ctx, chosen: Choices) -> str:
    """The best row of the table that can win."""
    from ...prompting.dataset.finals import contenders

    table = chosen.findings.comparison
    return next(iter(contenders(ctx.dataset, table)), table.rows[0]).strategy


def best_strategy(chosen: Choices) -> str | None:
    """The best row that can be applied: not masks that were there already."""
    from ...prompting.prompts.strategies import find

    return next((row.strategy for row in chosen.findings.comparison.rows if find(row.strategy)), None)


def left(ctx, chosen: Choices) -> int:
    """How many of the dataset's pictures the best strategy wasn't applied to."""
    best = best_strategy(chosen)
    done = sum(status is not None for status in chosen.whole.status[best]) if best else ctx.dataset.count()
    return ctx.dataset.count() - done


def params_for_rest(ctx, chosen: Choices) -> dict:
    """The best strategy on the whole dataset, with the parameters that its record has; what is done is kept."""
    from ...prompting.dataset.records import recorded

    best = best_strategy(chosen)
    record = recorded(ctx.dataset, chosen.prefix, best) or {}
    return {**answers_of(record), "strategies": [best], "existing": "skip", "view_target": "DATASET"}
