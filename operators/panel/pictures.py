"""Picture by picture: A against B, the pictures that tell most, and what the grid shows of them."""

from __future__ import annotations

from .canvas import Canvas
from .choices import A, B, Choices

DARK = True


def draw_pair(panel, canvas: Canvas, chosen: Choices) -> None:
    """With scores: the scatter plot of two strategies, and buttons for both."""
    from ...prompting.analysis import figures
    from ...prompting.analysis.comparison import reference_pictures
    from ...prompting.analysis.selections import FAILED, WORST

    alone = chosen.b is None
    canvas.text(
        "pair_title",
        "Picture by picture",
        "There is one strategy alone: apply another one to compare it with."
        if alone
        else f"A fails where its IoU is below {FAILED}, the threshold at which detections are usually matched;"
        f" the worst and the most disputed are {WORST} at most.",
    )
    row = canvas.row("pair")
    canvas.choice(row, chosen.drop_down(A), "A", chosen.a, chosen.names)
    if not alone:
        canvas.choice(row, chosen.drop_down(B), "B", chosen.b, (name for name in chosen.names if name != chosen.a))
    canvas.button(row, "show_a", "Show A on the pictures", panel.show_strategy, "visibility")
    row = canvas.row("views")
    if not alone:
        canvas.button(row, "a_beats_b", "A beats B", panel.show_a_beats_b, main=True)
        canvas.button(row, "b_beats_a", "B beats A", panel.show_b_beats_a, main=True)
    canvas.button(row, "worst", f"Worst {WORST} of A", panel.show_worst, main=True)
    canvas.button(row, "no_prompt", "A found no prompt", panel.show_no_prompt, main=True)
    _draw_unmade(panel, canvas, row, chosen)
    canvas.button(row, "all_fail", "All strategies fail", panel.show_all_fail, main=True)
    if not alone:
        canvas.button(row, "disagree", "Strategies disagree", panel.show_disagreement, main=True)
    draw_shown(panel, canvas, chosen)
    if not alone:
        figure = figures.scatter(chosen.findings, chosen.a, chosen.b, DARK)
        canvas.plot("scatter", figure, on_selected=panel.select_lassoed, on_click=panel.select_clicked)
        said = "Click or lasso points to select their pictures; a double click takes the lasso away."
        if count := int(chosen.findings.left_out.sum()):
            said += f" {reference_pictures(count)} {'has' if count == 1 else 'have'} no point: left out of the scores."
        canvas.text("lasso", "", said)
        canvas.button(canvas.row("lassoed"), "show_selected", "Show the selected", panel.show_selected, "filter_alt")


def draw_unscored(panel, canvas: Canvas, chosen: Choices) -> None:
    """Without scores: what can be told of one strategy."""
    from ...prompting.analysis.selections import WORST

    row = canvas.row("pair")
    canvas.choice(row, chosen.drop_down(A), "Strategy", chosen.a, chosen.names)
    canvas.button(row, "show_a", "Show on the pictures", panel.show_strategy, "visibility")
    row = canvas.row("views")
    canvas.button(row, "worst", f"Lowest {WORST} scores", panel.show_worst, main=True)
    canvas.button(row, "no_prompt", "No prompt found", panel.show_no_prompt, main=True)
    _draw_unmade(panel, canvas, row, chosen)
    canvas.button(row, "disagree", "Strategies disagree", panel.show_disagreement, main=True)
    draw_shown(panel, canvas, chosen)


def _draw_unmade(panel, canvas: Canvas, row, chosen: Choices) -> None:
    """Only where there are such pictures: most datasets have none."""
    from ...prompting.analysis import selections

    if selections.unmade(chosen.findings, chosen.a).sample_ids:
        canvas.button(row, "unmade", "Could not be processed", panel.show_unmade, main=True)


def draw_shown(panel, canvas: Canvas, chosen: Choices) -> None:
    """What a button showed, and the way back."""
    scope = chosen.scope
    if scope.title:
        canvas.text("shown", f"In the grid: {scope.title}", "The App's grid shows these pictures of yours alone.")
    row = canvas.row("view_tools")
    back = "Show everything" if scope.ids is None else f"Back to your view ({len(scope.ids)})"
    canvas.button(row, "everything", back, panel.show_everything, "apps")
    if scope.title:
        canvas.button(row, "only_these", "Compare only these", panel.compare_only_shown, "filter_center_focus")
    canvas.button(row, "save_view", "Save this view", panel.save_view, "bookmark")
