"""What the review panel shows: how far the review is, the picture's label, and a button for each decision."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import fiftyone.operators.types as types

from ..panel.canvas import Canvas
from .chosen import DRAWN, Chosen
from .preview import preview

if TYPE_CHECKING:
    from ...prompting.runs.looks import Look
    from ...prompting.runs.review import Review


def draw(panel, ctx) -> types.Property:
    """The whole panel."""
    from ...prompting.errors import PromptingError

    canvas, chosen = Canvas(panel.redraw), Chosen.of(ctx)
    if chosen.name is None:
        canvas.text("nothing", "Nothing to review yet", "Finish labels first: they are what is reviewed.")
        canvas.button(canvas.row("tools"), "refresh", "Refresh", panel.redraw, "refresh")
    else:
        try:
            _progress(panel, ctx, canvas, chosen)
        except PromptingError as error:
            canvas.text("problem", "This can't be reviewed", str(error))
            canvas.button(canvas.row("tools"), "refresh", "Refresh", panel.redraw, "refresh")
    return canvas.send(ctx, {DRAWN: chosen.drawn})


def _progress(panel, ctx, canvas: Canvas, chosen: Chosen) -> None:
    from ...prompting.errors import PromptingError

    review = chosen.review(ctx)
    standing = review.standing()
    told = "; ".join(filter(None, (standing.kinds(), standing.besides())))
    canvas.text(
        "progress", f"{standing.decided} of {standing.total} pictures of “{chosen.name}” decided", told, divider=False
    )
    if chosen.sample_id is None:
        _begin(panel, canvas, chosen, review, standing.left)
        return
    try:
        _picture(panel, canvas, chosen, review)
    except PromptingError as error:  # it was deleted meanwhile, or its label was
        canvas.text("problem", "This picture can't be reviewed", str(error))
        row = canvas.row("on")
        if standing.left:
            canvas.button(row, "start", "Go on with the next", panel.start, "skip_next", main=True)
        _undo(panel, canvas, row, review)
        canvas.button(row, "refresh", "Refresh", panel.redraw, "refresh")


def _begin(panel, canvas: Canvas, chosen: Chosen, review: Review, left: int) -> None:
    row = canvas.row("begin")
    if left:
        canvas.button(row, "start", f"Review the other {left}, the worst first", panel.start, "rate_review", main=True)
    _undo(panel, canvas, row, review)
    for name in chosen.names:
        if name != chosen.name:
            canvas.button(row, f"name_{name}", f"Review “{name}”", panel.choose, "label", labels=name)
    canvas.button(row, "refresh", "Refresh", panel.redraw, "refresh")


def _picture(panel, canvas: Canvas, chosen: Chosen, review: Review) -> None:
    look = review.look(chosen.sample_id)
    shown = f"Below are {chosen.looked[1]}'s masks, not the label. " if chosen.looked else ""
    canvas.text("picture", os.path.basename(look.filepath), shown + _state(look), divider=False)
    row = canvas.row("decisions")
    if chosen.looked:
        _taking(panel, canvas, row, chosen, look)
    else:
        _deciding(panel, canvas, row, look)
    _undo(panel, canvas, row, review)
    if drawn := preview(review, chosen):
        canvas.picture("preview", *drawn)
    _instead(panel, canvas, chosen, look)
    _instances(panel, canvas, chosen, look)


def _deciding(panel, canvas: Canvas, row: types.Object, look: Look) -> None:
    of = {"sample": look.sample_id, "seen": look.seen}
    judged = look.status != "to review" and not look.unseen
    canvas.button(row, "accept", "Next" if judged else "Accept", panel.accept, "done", main=True, **of)
    if not judged:
        canvas.button(row, "skip", "Skip", panel.skip, "skip_next", **of)
    if not look.sent:
        canvas.button(row, "annotate", "Send to annotation", panel.annotate, "sell", **of)


def _taking(panel, canvas: Canvas, row: types.Object, chosen: Chosen, look: Look) -> None:
    """Nothing is decided on the label while other masks are shown: nobody accepts what isn't seen."""
    prefix, strategy = chosen.looked
    of = {"sample": look.sample_id, "seen": look.seen, "prefix": prefix, "strategy": strategy}
    canvas.button(row, "take", f"Take {strategy}'s masks", panel.take, "swap_horiz", main=True, **of)
    canvas.button(row, "label", "Show the label again", panel.look, "label", sample=look.sample_id)


def _state(look: Look) -> str:
    nothing = "no expected IoU" if look.instances else "nobody was found, and no expected IoU"
    expected = nothing if look.expected_iou is None else f"expected IoU {look.expected_iou:.2f}"
    measured = "" if look.measured is None else f", measured {look.measured:.3f} against the truth"
    source = f", from {look.source}" if look.source else ""
    status = f"{look.status} for what is expected of it" if look.unseen else look.status
    return f"{status.capitalize()}{', waits for annotation' if look.sent else ''}; {expected}{measured}{source}."


def _undo(panel, canvas: Canvas, row: types.Object, review: Review) -> None:
    if last := review.last():
        canvas.button(row, "undo", f"Undo: {last.what}", panel.undo, "undo")


def _instead(panel, canvas: Canvas, chosen: Chosen, look: Look) -> None:
    """The other strategies' masks: looked at in the picture first, taken then."""
    if not look.others:
        return
    several = len({other.prefix for other in look.others}) > 1
    canvas.text(
        "instead",
        "Take another strategy's masks",
        "A press shows them above; the number is their IoU with the label.",
        divider=False,
    )
    row = canvas.row("others")
    for other in look.others:
        named = f"{other.prefix} {other.strategy}" if several else other.strategy
        of = {"sample": look.sample_id, "prefix": other.prefix, "strategy": other.strategy}
        shown = chosen.looked == (other.prefix, other.strategy)
        name = f"look_{other.prefix}_{other.strategy}"
        canvas.button(row, name, f"{named} {other.overlap:.2f}", panel.look, "visibility", tab=shown, **of)


def _instances(panel, canvas: Canvas, chosen: Chosen, look: Look) -> None:
    from ...prompting.analysis.tables import Table

    if chosen.looked:  # their numbers are in the picture, and what a row drops is the label's
        told = f"The picture shows {chosen.looked[1]}'s masks: take them, or show the label again, to drop some."
        canvas.text("instances", "Instances", told)
        return
    if not look.instances:
        canvas.text("instances", "No instances", "The label says that nobody is there.")
        return
    known = {one.id for one in look.instances}
    dropped = [one for one in chosen.selected if one in known]
    rows = tuple(
        (
            f"{'▸ ' if one.id in dropped else ''}{i}",
            one.label or "",
            one.source or "",
            "" if one.predicted_iou is None else f"{one.predicted_iou:.2f}",
            f"{100 * one.share:.1f} %",
        )
        for i, one in enumerate(look.instances, start=1)
    )
    hint = "Click a row, or the instance in the picture, to select it."
    columns = ("instance", "class", "from", "predicted IoU", "box, of the picture")
    canvas.table("instances", Table("Instances", "", columns, rows), panel.select, hint)
    if dropped:
        label = "Drop the selected instance" if len(dropped) == 1 else f"Drop the {len(dropped)} selected instances"
        row = canvas.row("dropping")
        of = {"sample": look.sample_id, "seen": look.seen, "instances": list(dropped)}
        canvas.button(row, "drop", label, panel.drop, "delete", main=True, **of)
