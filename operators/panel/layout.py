"""What the panel shows, from top to bottom: for results with a truth, for results alone, and for nothing yet."""

from __future__ import annotations

import fiftyone.operators.types as types

from .canvas import Canvas
from .choices import COUNT, SIZE, Choices
from .fields import plain_fields, values_of

DARK = True


def draw(panel, ctx, chosen: Choices) -> types.Property:
    """The whole panel."""
    canvas = Canvas(panel.redraw)
    if chosen.findings is None:
        _nothing_yet(panel, canvas)
    elif chosen.findings.comparison is None:
        _not_evaluated(panel, canvas, chosen)
    else:
        _evaluated(panel, ctx, canvas, chosen)
    return canvas.show(ctx)


def _nothing_yet(panel, canvas: Canvas) -> None:
    canvas.text(
        "empty",
        "No strategies yet",
        "No prompting strategy was applied to this dataset. Select samples or filter to a view, then apply one or"
        " more: masks, prompts and scores are stored as fields, and this panel compares them.",
    )
    row = canvas.row("next")
    row.btn("apply", label="Apply strategies", icon="content_cut", variant="contained", on_click=panel.prompt_apply)
    row.btn("refresh", label="Refresh", icon="refresh", on_click=panel.redraw)


def _not_evaluated(panel, canvas: Canvas, chosen: Choices) -> None:
    from ...prompting.analysis import figures
    from ...prompting.report.content import status_table

    findings = chosen.findings
    _prefix(canvas, chosen)
    canvas.text(
        "unevaluated",
        "Not evaluated yet",
        "Which strategy is better only a ground truth can tell. If the dataset has one (a Segmentation, or Detections"
        " with masks), evaluate against it. Without one, look where the strategies disagree: those pictures are hard.",
    )
    row = canvas.row("next")
    row.btn("evaluate", label="Evaluate", icon="leaderboard", variant="contained", on_click=panel.prompt_evaluate)
    row.btn("agreement", label="Measure agreement", icon="join_inner", on_click=panel.prompt_agreement)
    row.btn("refresh", label="Refresh", icon="refresh", on_click=panel.redraw)
    canvas.table("statuses", status_table(findings), panel.show_strategy)
    row = canvas.row("pair")
    canvas.choice(row, "a", "Strategy", chosen.a, chosen.names)
    row.btn("show_a", label="Show on the pictures", icon="visibility", on_click=panel.show_strategy)
    row = canvas.row("views")
    row.btn("worst", label="Lowest 25 scores", variant="contained", on_click=panel.show_worst)
    row.btn("no_prompt", label="No prompt found", variant="contained", on_click=panel.show_no_prompt)
    row.btn("disagree", label="Strategies disagree", variant="contained", on_click=panel.show_disagreement)
    _view_tools(panel, canvas)
    canvas.plot("agreement", figures.agreement(findings, DARK))


def _evaluated(panel, ctx, canvas: Canvas, chosen: Choices) -> None:
    from ...prompting.analysis import figures

    findings, comparison = chosen.findings, chosen.findings.comparison
    if chosen.baseline != comparison.baseline:
        comparison = comparison.with_baseline(findings.iou, chosen.baseline)
    _prefix(canvas, chosen)
    if findings.outdated:
        said = f"{', '.join(findings.outdated)}: applied again since. Evaluate again, or the scores are of other masks."
        canvas.text("outdated", "These scores are old", said)
    row = canvas.row("top")
    canvas.choice(row, "baseline", "Baseline", chosen.baseline, chosen.names)
    row.btn("export", label="Export", icon="summarize", on_click=panel.prompt_export)
    row.btn("refresh", label="Refresh", icon="refresh", on_click=panel.redraw)
    first, *others = comparison.tables()
    canvas.table("scores", first, panel.show_strategy)
    canvas.plot("bars", figures.mean_iou_bars(comparison, DARK))
    _picture_by_picture(panel, canvas, chosen)
    _errors(panel, canvas, chosen)
    _slices(ctx, canvas, chosen)
    for i, table in enumerate(others):
        canvas.table(f"table{i}", table)
    canvas.plot("reliability", figures.reliability(comparison, chosen.names, DARK))
    canvas.plot("agreement", figures.agreement(findings, DARK))
    if findings.curves:
        canvas.plot("robustness", figures.robustness(findings.curves, DARK))


def _picture_by_picture(panel, canvas: Canvas, chosen: Choices) -> None:
    """A against B, a point an image; and the pictures that tell most."""
    from ...prompting.analysis import figures

    alone = chosen.b is None
    note = "There is one strategy alone: apply another one to compare it with." if alone else ""
    canvas.text("pair_title", "Picture by picture", note or "Click or lasso points to select their samples.")
    row = canvas.row("pair")
    canvas.choice(row, "a", "A", chosen.a, chosen.names)
    if not alone:
        canvas.choice(row, "b", "B", chosen.b, (name for name in chosen.names if name != chosen.a))
    row.btn("show_a", label="Show A on the pictures", icon="visibility", on_click=panel.show_strategy)
    row = canvas.row("views")
    if not alone:
        row.btn("a_beats_b", label="A beats B", variant="contained", on_click=panel.show_a_beats_b)
        row.btn("b_beats_a", label="B beats A", variant="contained", on_click=panel.show_b_beats_a)
    row.btn("worst", label="Worst 25 of A", variant="contained", on_click=panel.show_worst)
    row.btn("no_prompt", label="A found no prompt", variant="contained", on_click=panel.show_no_prompt)
    row.btn("all_fail", label="All strategies fail", variant="contained", on_click=panel.show_all_fail)
    if not alone:
        row.btn("disagree", label="Strategies disagree", variant="contained", on_click=panel.show_disagreement)
    _view_tools(panel, canvas)
    if not alone:
        figure = figures.scatter(chosen.findings, chosen.a, chosen.b, DARK)
        canvas.plot("scatter", figure, on_selected=panel.select_lassoed, on_click=panel.select_clicked)


def _errors(panel, canvas: Canvas, chosen: Choices) -> None:
    from ...prompting.analysis import figures

    if chosen.findings.errors:
        canvas.plot("errors", figures.error_bars(chosen.findings, DARK))
        return
    canvas.text("unexplained", "Where the loss comes from", "Not known yet: it takes SAM 2 a pass over the pictures.")
    row = canvas.row("explaining")
    row.btn("explain", label="Explain errors", icon="troubleshoot", variant="contained", on_click=panel.prompt_explain)


def _slices(ctx, canvas: Canvas, chosen: Choices) -> None:
    from ...prompting.analysis import figures
    from ...prompting.analysis.slices import slices_of

    fields = [SIZE, COUNT, "tags", *plain_fields(ctx.dataset, chosen.prefix)]
    by = chosen.slice_by if chosen.slice_by in fields else SIZE
    canvas.text("slices_title", "Where each strategy is good")
    canvas.choice(canvas.row("slicing"), "slice_by", "Slice by", by, fields)
    slices = slices_of(values_of(ctx.dataset, chosen.findings, by))
    canvas.plot("slices", figures.slices(chosen.findings, slices, chosen.names, DARK))


def _prefix(canvas: Canvas, chosen: Choices) -> None:
    if len(chosen.prefixes) > 1:
        canvas.choice(canvas.row("prefixes"), "prefix", "Field prefix", chosen.prefix, chosen.prefixes)


def _view_tools(panel, canvas: Canvas) -> None:
    row = canvas.row("view_tools")
    row.btn("everything", label="Show everything", icon="apps", on_click=panel.show_everything)
    row.btn("save_view", label="Save this view", icon="bookmark", on_click=panel.save_view)
