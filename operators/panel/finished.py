"""Finished labels in the panel: what is promised of them, how the rules did, and what to label next."""

from __future__ import annotations

from .canvas import Canvas
from .choices import Choices
from .pictures import DARK

WHEN = "So it was when they were finished; what was edited or deleted since isn't in it."


def is_finished(ctx, chosen: Choices) -> bool:
    """Whether labels were finished in this dataset."""
    from ...prompting.dataset.finals import final_names

    return bool(final_names(ctx.dataset))


def draw_finished(ctx, canvas: Canvas) -> None:
    """Of each name, the last finishing: what is promised, and how the rules did."""
    from ...prompting.analysis.expected_figure import expected_figure
    from ...prompting.dataset.finals import final_names, load_findings

    for name in final_names(ctx.dataset):
        found = load_findings(ctx.dataset, name)
        if found is None:
            continue
        promised = [*map(str, found.promises), WHEN] if found.promises else []
        canvas.text(f"finished_{name}", f"Finished labels: {name}", " ".join(promised))
        canvas.table(f"rules_{name}", found.trial.table())
        canvas.plot(f"expected_{name}", expected_figure(found.expected, found.true, DARK))


def draw_settled(ctx, canvas: Canvas, chosen: Choices) -> None:
    """Whether it is settled who is best, where a truth says something of it."""
    from ...prompting.dataset.next_labels import settled

    enough = settled(ctx.dataset, chosen.prefix)
    if enough is None:
        return
    state = "every picture is labelled" if enough.complete else "settled" if enough.settled else "not settled"
    state = "they are equal" if enough.equal else state
    canvas.text("settled", f"Who is best: {state}", str(enough))


def draw_labelling(panel, canvas: Canvas, row) -> None:
    """What is done with labels: buttons in a row that is there already."""
    canvas.button(row, "finish", "Finish labels", panel.prompt_finish, "label")
    canvas.button(row, "next_labels", "Tag what to label next", panel.prompt_next, "playlist_add")
