"""What the review panel does: a decision is written, and the next picture opened."""

from __future__ import annotations

import time

import fiftyone.operators as foo
import fiftyone.operators.types as types

from .chosen import DRAWN, LOOKED, NAME, PICKED, SESSION, Chosen, session_of
from .layout import draw

NAME_OF_PANEL = "review_panel"
URI, OPEN_BESIDE = f"@promptlab/sam2-prompting/{NAME_OF_PANEL}", "@promptlab/sam2-prompting/review_labels"

REGISTER, OPEN = "register", "open"
PICTURE_SECONDS = 0.7
"""After which the App has made the place of a picture that it was told to open; it takes a fifth of a second for it."""

TOLD = ("on_change_current_sample", "on_change_selected_labels")
"""Events of the App's own; it tells of them after every drawing too."""


class ReviewPanel(foo.Panel):
    """Finished labels reviewed picture by picture, in the grid's panel and beside the picture that is open."""

    @property
    def config(self) -> foo.PanelConfig:
        return foo.PanelConfig(
            name=NAME_OF_PANEL,
            label="SAM 2 review",
            icon="rate_review",
            surfaces="grid",
            help_markdown="Accepts finished labels picture by picture, the worst expected first, replaces them by"
            " another strategy's masks, drops instances, and takes every decision back.",
        )

    def execute(self, ctx):
        """The event, and the drawing where it may show something else."""
        if ctx.params.get("__method__") in TOLD and ctx.panel.get_state(DRAWN) == Chosen.of(ctx).drawn:
            return None
        return super().execute(ctx)

    def render(self, ctx) -> types.Property:
        return draw(self, ctx)

    def on_load(self, ctx) -> None:
        """Nothing to prepare: drawing reads what there is."""

    def on_change_current_sample(self, ctx) -> None:
        """Another picture was opened."""

    def on_change_selected_labels(self, ctx) -> None:
        """What would be dropped is told."""

    def redraw(self, ctx) -> None:
        """Drawing reads everything again."""

    def choose(self, ctx) -> None:
        """Other labels are to be reviewed."""
        ctx.panel.set_state(NAME, ctx.params.get("labels"))

    def start(self, ctx) -> None:
        """Open the picture that is expected to be worst, and this panel beside it."""
        chosen = Chosen.of(ctx)
        first = chosen.review(ctx).after(None)
        if first is None:
            ctx.ops.notify("Every picture is decided.", variant="success")
            return
        open_beside(ctx, first, chosen.name, session_of(ctx))

    def accept(self, ctx) -> None:
        self._decide(ctx, lambda review, sample: review.accept(sample))

    def annotate(self, ctx) -> None:
        self._decide(ctx, lambda review, sample: review.annotate(sample))

    def skip(self, ctx) -> None:
        self._decide(ctx, lambda review, sample: None)

    def take(self, ctx) -> None:
        self._decide(
            ctx, lambda review, sample: review.take(sample, ctx.params["strategy"], ctx.params["prefix"]), stay=True
        )

    def drop(self, ctx) -> None:
        self._decide(ctx, lambda review, sample: review.drop(sample, *ctx.params["instances"]), stay=True)

    def look(self, ctx) -> None:
        """Show another strategy's masks in the panel, or the label again."""
        if not _is_shown(ctx):
            return
        looked = {name: ctx.params.get(name) for name in ("sample", "prefix", "strategy")}
        ctx.panel.set_state(LOOKED, looked if looked["strategy"] else None)

    def select(self, ctx) -> None:
        """Select the instance of a row, or unselect it.

        The panel remembers it, and doesn't have the App select it: ``set_selected_labels`` leaves out the ``type`` that
        the session of ``fiftyone app launch`` asks for, which then reconnects and sets all pages back (FiftyOne 1.22).
        """
        chosen, row = Chosen.of(ctx), ctx.params.get("row")
        instances = chosen.review(ctx).look(chosen.sample_id).instances
        if not isinstance(row, int) or not 0 <= row < len(instances):
            return
        one = instances[row].id
        selected = [other for other in chosen.selected if other != one] + [one] * (one not in chosen.selected)
        ctx.panel.set_state(PICKED, {"sample": chosen.sample_id, "instances": selected})
        if one in chosen.picked:
            ctx.ops.clear_selected_labels()

    def undo(self, ctx) -> None:
        """Take the last decision back, and open its picture."""
        from ...prompting.errors import PromptingError

        chosen = Chosen.of(ctx)
        try:
            decision = chosen.review(ctx).undo()
        except PromptingError as error:
            ctx.ops.notify(str(error), variant="error")
            return
        if decision is None:
            ctx.ops.notify("There is nothing to take back.", variant="info")
            return
        _forget(ctx)
        ctx.ops.notify(f"Taken back: {decision.what}.", variant="info")
        ctx.ops.reload_samples()
        if chosen.sample_id:
            ctx.ops.open_sample(id=decision.sample_id)

    def _decide(self, ctx, decision, stay: bool = False) -> None:
        """Write a decision on the picture that the panel showed, and go on to the next.

        Args:
            ctx: of the panel
            decision: takes the review and the sample's id
            stay: the same picture is looked at again
        """
        from ...prompting.errors import PromptingError

        if not _is_shown(ctx):
            return
        chosen, sample = Chosen.of(ctx), ctx.params["sample"]
        if chosen.looked != _masks(ctx):
            told = "The panel shows other masks meanwhile: nothing was decided. Press again."
            ctx.ops.notify(told, variant="info")
            return
        review = chosen.review(ctx)
        if ctx.params.get("seen"):
            review.saw(sample, ctx.params["seen"])
        try:
            decision(review, sample)
        except PromptingError as error:
            ctx.ops.notify(str(error), variant="error")
            return
        _forget(ctx)
        if stay:
            ctx.ops.reload_samples()
            return
        following = review.after(sample)
        if following is None:
            ctx.ops.notify(str(review), variant="success")
            ctx.ops.reload_samples()
            ctx.ops.close_sample()
        else:
            ctx.ops.open_sample(id=following)


def _is_shown(ctx) -> bool:
    """Whether the picture whose button was pressed is still the one that is open; else that is told."""
    shown = ctx.params.get("sample") is not None and ctx.params["sample"] == ctx.current_sample
    if not shown:
        ctx.ops.notify("Another picture was opened meanwhile: nothing was decided. Press again.", variant="info")
    return shown


def _masks(ctx) -> tuple[str, str] | None:
    """Whose masks a decision is on: the prefix and name of a strategy; None for the label."""
    return (ctx.params["prefix"], ctx.params["strategy"]) if ctx.params.get("strategy") else None


def _forget(ctx) -> None:
    """What was looked at and selected before a decision is the next picture's, or the changed label's, no more."""
    ctx.panel.set_state(LOOKED, None)
    ctx.panel.set_state(PICKED, None)
    ctx.ops.clear_selected_labels()


def open_beside(ctx, sample_id: str, name: str, session: str | None = None) -> None:
    """Open a picture, and the panel beside it.

    Args:
        ctx: of an operator or panel
        sample_id: of the picture
        name: of the labels
        session: of the panel that it was begun in
    """
    ctx.ops.open_sample(id=sample_id)
    ctx.trigger(OPEN_BESIDE, {"name": name, "beside": REGISTER, "session": session})


def go_on(ctx, name: str, step: str) -> None:
    """The panel beside the picture that the App was told to open, a step at a time: the App comes back for the next.

    A panel that is registered for pictures from the beginning is a tab in front of each of them. So it is registered
    for them when the picture is there, and opened in a place of its own, which the browser then remembers.
    """
    if step == REGISTER:
        time.sleep(PICTURE_SECONDS)
        registered = foo.get_operator(URI).resolve_panel_config()
        ctx.ops.register_panel(**{**registered, "surfaces": "grid modal"})
        ctx.trigger(OPEN_BESIDE, {"name": name, "beside": OPEN, "session": ctx.params.get("session")})
    else:
        state = {NAME: name, SESSION: ctx.params.get("session")}
        ctx.ops.open_panel(NAME_OF_PANEL, layout="horizontal", state={k: v for k, v in state.items() if v})
