"""What the panel shows, from top to bottom: for results with a truth, for results alone, and for nothing yet."""

from __future__ import annotations

from ..sidebar import SHOW, groups
from .canvas import Canvas
from .choices import BASELINE, Choices
from .drawn import has_groups, mark, tell
from .finished import draw_finished, draw_labelling, draw_settled
from .next_steps import draw_verdict
from .pictures import DARK, draw_unscored
from .references import draw_references
from .review import draw_review
from .running import draw_running
from .sections import SECTION, draw_sections, section_of
from .study import draw_study


def draw(panel, ctx, chosen: Choices) -> None:
    """The whole panel, and the groups that other pages made in the sidebar."""
    canvas = composed(panel, ctx, chosen)
    marked = mark(ctx, chosen, canvas.content)
    if not has_groups(ctx, marked):
        ctx.trigger(SHOW, {"groups": groups(ctx.dataset)})
    canvas.show(ctx, {**chosen.remembered(ctx), SECTION: section_of(ctx), **tell(ctx, marked)}, marked)


def composed(panel, ctx, chosen: Choices) -> Canvas:
    """The whole panel, before it is shown."""
    canvas = Canvas(panel.redraw)
    draw_running(panel, ctx, canvas)
    if chosen.findings is None:
        _nothing_yet(panel, ctx, canvas, chosen)
    else:
        _prefix(canvas, chosen)
        _scope(ctx, canvas, chosen)
        draw_references(panel, ctx, canvas, chosen)
        if not chosen.findings.sample_ids:
            _nothing_in_view(panel, ctx, canvas, chosen)
        elif chosen.findings.comparison is None:
            _not_evaluated(panel, ctx, canvas, chosen)
        else:
            _evaluated(panel, ctx, canvas, chosen)
    return canvas


def _nothing_yet(panel, ctx, canvas: Canvas, chosen: Choices) -> None:
    canvas.text(
        "empty",
        "No strategies yet",
        "No prompting strategy was applied to this dataset. Select samples or filter to a view, then apply one or"
        " more: masks, prompts and scores are stored as fields, and this panel compares them.",
    )
    row = canvas.row("next")
    canvas.button(row, "apply", "Apply strategies", panel.prompt_apply, "content_cut", main=True)
    canvas.button(row, "refresh", "Refresh", panel.refresh, "refresh")
    draw_review(panel, ctx, canvas)
    draw_study(panel, ctx, canvas, chosen)


def _scope(ctx, canvas: Canvas, chosen: Choices) -> None:
    """What the numbers below are about."""
    from ...prompting.analysis.part import UNKNOWN

    whole, there = len(chosen.whole.sample_ids), len(chosen.findings.sample_ids)
    scored = sum(1 for iou in zip(*chosen.findings.iou.values()) if any(one == one for one in iou))
    some = f", {scored} of them evaluated" if chosen.whole.comparison and scored < there else ""
    if chosen.scope.ids is None:
        canvas.text("scope", f"Compared: the whole dataset, {whole} pictures with results{some}")
        return
    said = f"Computed from the stored scores, nothing was evaluated again. {UNKNOWN}" if chosen.whole.comparison else ""
    canvas.text("scope", f"Compared: the current view, {there} of {whole} pictures with results{some}", said)


def _nothing_in_view(panel, ctx, canvas: Canvas, chosen: Choices) -> None:
    canvas.text("empty_view", "No results in this view", "None of its pictures has a strategy's result.")
    row = canvas.row("next")
    canvas.button(row, "apply", "Apply strategies", panel.prompt_apply, "content_cut", main=True)
    canvas.button(row, "whole", "Compare the whole dataset", panel.show_whole, "apps")
    draw_labelling(panel, canvas, row)
    canvas.button(row, "refresh", "Refresh", panel.refresh, "refresh")
    _outcomes(panel, ctx, canvas, chosen)


def _outcomes(panel, ctx, canvas: Canvas, chosen: Choices) -> None:
    """What came of what was done with the strategies: labels that were finished, and the last sweep."""
    draw_finished(ctx, canvas)
    draw_study(panel, ctx, canvas, chosen)


def _not_evaluated(panel, ctx, canvas: Canvas, chosen: Choices) -> None:
    from ...prompting.analysis import figures
    from ...prompting.report.content import status_table

    findings = chosen.findings
    canvas.text(
        "unevaluated",
        "Not evaluated yet",
        "Which strategy is better only a ground truth can tell. If the dataset has one (a Segmentation, or Detections"
        " with masks), evaluate against it. Without one, look where the strategies disagree: those pictures are hard.",
    )
    row = canvas.row("next")
    canvas.button(row, "evaluate", "Evaluate", panel.prompt_evaluate, "leaderboard", main=True)
    canvas.button(row, "agreement", "Measure agreement", panel.prompt_agreement, "join_inner")
    draw_labelling(panel, canvas, row)
    canvas.button(row, "apply", "Apply strategies", panel.prompt_apply, "content_cut")
    canvas.button(row, "remove", "Remove results", panel.prompt_remove, "delete_sweep")
    canvas.button(row, "refresh", "Refresh", panel.refresh, "refresh")
    draw_review(panel, ctx, canvas)
    draw_settled(ctx, canvas, chosen)
    canvas.table("statuses", status_table(findings), panel.show_strategy)
    draw_unscored(panel, canvas, chosen)
    canvas.plot("agreement", figures.agreement(findings, DARK))
    _outcomes(panel, ctx, canvas, chosen)


def _evaluated(panel, ctx, canvas: Canvas, chosen: Choices) -> None:
    findings, comparison = chosen.findings, chosen.findings.comparison
    if chosen.baseline != comparison.baseline:
        comparison = comparison.with_baseline(findings.iou, chosen.baseline)
    draw_verdict(panel, ctx, canvas, chosen)
    draw_review(panel, ctx, canvas)
    if findings.outdated:
        said = f"{', '.join(findings.outdated)}: applied again since. Evaluate again: what is new has no scores."
        canvas.text("outdated", "These scores are old", said)
    row = canvas.row("top")
    canvas.choice(row, chosen.drop_down(BASELINE), "Baseline", chosen.baseline, chosen.names)
    canvas.button(row, "evaluate", "Evaluate again", panel.prompt_evaluate, "leaderboard", main=bool(findings.outdated))
    canvas.button(row, "apply", "Apply strategies", panel.prompt_apply, "content_cut")
    canvas.button(row, "remove", "Remove results", panel.prompt_remove, "delete_sweep")
    canvas.button(row, "refresh", "Refresh", panel.refresh, "refresh")
    draw_sections(panel, ctx, canvas, chosen, comparison)


def _prefix(canvas: Canvas, chosen: Choices) -> None:
    if len(chosen.prefixes) > 1:
        canvas.choice(canvas.row("prefixes"), "prefix", "Field prefix", chosen.prefix, chosen.prefixes)
