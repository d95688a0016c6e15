"""The reference pictures in the panel: who learned from which, and a button that shows them."""

from __future__ import annotations

from .canvas import Canvas
from .choices import Choices


def references(ctx, chosen: Choices) -> dict[str, tuple[str, ...] | None]:
    """Strategy -> the ids of the pictures that it learned from, of those that have results; None: nobody knows."""
    from ...prompting.dataset.learned_from import learned_from

    return learned_from(ctx.dataset, chosen.prefix, chosen.whole.strategies)


def draw_references(panel, ctx, canvas: Canvas, chosen: Choices) -> None:
    """Nothing where no strategy learned from pictures."""
    of = references(ctx, chosen)
    if unknown := [name for name, ids in of.items() if ids is None]:
        said = "No record of it is there, as in a copied view. Apply again, or an evaluation would score it on them."
        canvas.text("unknown_references", f"Nobody knows which pictures {', '.join(unknown)} learned from", said)
    of = {name: ids for name, ids in of.items() if ids}
    if not of:
        return
    count = len({one for ids in of.values() for one in ids})
    title = f"{count} reference picture{'s' if count > 1 else ''}"
    who = f"{', '.join(of)} {'have' if len(of) > 1 else 'has'} learned from {'them' if count > 1 else 'it'}"
    canvas.text("references", title, f"{who}. An evaluation leaves out such pictures, unless it is asked for them.")
    label = "Show the references" if count > 1 else "Show the reference"
    canvas.button(canvas.row("referring"), "references", label, panel.show_references, "center_focus_strong")
