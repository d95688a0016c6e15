"""The comparison in sections, of which a page shows one: with every event the App draws all plots again that it shows.

Which one is a choice like the others: pages that share the panel turn together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .canvas import Canvas
from .choices import COUNT, SIZE, Choices
from .fields import plain_fields, values_of
from .finished import draw_finished, is_finished
from .pictures import DARK, draw_pair, draw_shown
from .recent import Recent
from .study import draw_study, is_swept

SECTION = "section"
"""Under which name the panel's state remembers it, and an event asks for another."""

SHOWS_THE_GRID = "Pictures"

_turned: Recent[tuple[str, str], str] = Recent()
"""The sections to which panels turned lately, by dataset and panel: the App's own events, which it sends before it has
the answer, still bring the old state, and would turn back."""


@dataclass(frozen=True)
class _Drawing:
    """What sections are drawn from: the panel, its request, its choices, and the scores beside the chosen baseline."""

    panel: object
    ctx: object
    canvas: Canvas
    chosen: Choices
    comparison: object


def section_of(ctx) -> str | None:
    """The section that the event asks for, or else is shown already; None where nobody chose one."""
    panel, wanted = (ctx.dataset.name, ctx.panel_id), ctx.params.get(SECTION)
    if wanted:
        _turned[panel] = wanted
    return _turned.get(panel) or ctx.panel.get_state(SECTION)


def draw_sections(panel, ctx, canvas: Canvas, chosen: Choices, comparison) -> None:
    """A button for each section that has something to show, and below them the chosen one; the scores at first."""
    drawing = _Drawing(panel, ctx, canvas, chosen, comparison)
    there = [name for name, section in SECTIONS.items() if section.has_something(ctx, chosen)]
    wanted = section_of(ctx)
    shown = wanted if wanted in there else there[0]
    if shown != SHOWS_THE_GRID and chosen.scope.title:
        draw_shown(panel, canvas, chosen)
    row = canvas.row("sections")
    for name in there:
        canvas.button(row, f"section_{name.lower()}", name, panel.turn, tab=name == shown, **{SECTION: name})
    SECTIONS[shown].draw(drawing)


def _scores(of: _Drawing) -> None:
    from ...prompting.analysis import figures

    first, *others = of.comparison.tables()
    of.canvas.table("scores", first, of.panel.show_strategy)
    of.canvas.plot("bars", figures.mean_iou_bars(of.comparison, DARK, of.chosen.findings.colours))
    for i, table in enumerate(others):
        of.canvas.table(f"table{i}", table)


def _pictures(of: _Drawing) -> None:
    draw_pair(of.panel, of.canvas, of.chosen)


def _errors(of: _Drawing) -> None:
    from ...prompting.analysis import figures

    canvas, findings = of.canvas, of.chosen.findings
    if findings.errors:
        canvas.plot("errors", figures.error_bars(findings, DARK))
    else:
        said = "Not known yet: it takes SAM 2 a pass over the pictures."
        canvas.text("unexplained", "Where the loss comes from", said)
        row = canvas.row("explaining")
        canvas.button(row, "explain", "Explain errors", of.panel.prompt_explain, "troubleshoot", main=True)
    if findings.curves:
        canvas.plot("robustness", figures.robustness(findings.curves, DARK))


def _groups(of: _Drawing) -> None:
    from ...prompting.analysis import figures
    from ...prompting.analysis.slices import slices_of

    ctx, canvas, chosen = of.ctx, of.canvas, of.chosen
    fields = [SIZE, COUNT, "tags", *plain_fields(ctx.dataset, chosen.prefix)]
    by = chosen.slice_by if chosen.slice_by in fields else SIZE
    canvas.text("slices_title", "Where each strategy is good", "Whiskers are 95 % intervals, n counts pictures.")
    canvas.choice(canvas.row("slicing"), "slice_by", "Slice by", by, fields)
    slices = slices_of(values_of(ctx.dataset, chosen.findings, by))
    canvas.plot("slices", figures.slices(chosen.findings, slices, chosen.names, DARK, intervals=True))


def _confidence(of: _Drawing) -> None:
    from ...prompting.analysis import figures

    findings = of.chosen.findings
    of.canvas.plot("reliability", figures.reliability(of.comparison, of.chosen.names, DARK, findings.colours))
    of.canvas.plot("agreement", figures.agreement(findings, DARK))


def _labels(of: _Drawing) -> None:
    draw_finished(of.ctx, of.canvas)


def _sweep(of: _Drawing) -> None:
    draw_study(of.panel, of.ctx, of.canvas, of.chosen)


def _always(ctx, chosen: Choices) -> bool:
    return True


@dataclass(frozen=True)
class Section:
    """One part of the comparison.

    Attributes:
        draw: draws it
        has_something: whether there is anything to draw, of the request and the choices
    """

    draw: Callable[[_Drawing], None]
    has_something: Callable[[object, Choices], bool] = _always


SECTIONS = {
    "Scores": Section(_scores),
    SHOWS_THE_GRID: Section(_pictures),
    "Errors": Section(_errors),
    "Groups": Section(_groups),
    "Confidence": Section(_confidence),
    "Labels": Section(_labels, is_finished),
    "Sweep": Section(_sweep, is_swept),
}
