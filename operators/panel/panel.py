"""What the panel does: every event changes the state or the App's view, and then everything is drawn anew."""

from __future__ import annotations

import fiftyone.operators as foo
import fiftyone.operators.types as types

from .choices import Choices
from .layout import draw

PLUGIN = "@promptlab/sam2-prompting"


class StrategiesPanel(foo.Panel):
    """Strategies compared on the dataset's own pictures."""

    @property
    def config(self) -> foo.PanelConfig:
        return foo.PanelConfig(
            name="strategies_panel",
            label="SAM 2 strategies",
            icon="compare",
            surfaces="grid",
            help_markdown="Compares ways of prompting SAM 2 on this dataset. Lasso points of the scatter plot to"
            " select their samples; the buttons show the pictures that tell most.",
        )

    def render(self, ctx) -> types.Property:
        return draw(self, ctx, Choices.of(ctx))

    def on_load(self, ctx) -> None:
        """Nothing to prepare: drawing reads what there is."""

    def redraw(self, ctx) -> None:
        """A choice was changed, or somebody wants to see what is new: drawing reads everything again."""

    # what the grid shows

    def show_a_beats_b(self, ctx) -> None:
        from ...prompting import views

        chosen = Choices.of(ctx)
        self._show(ctx, views.a_beats_b(chosen.findings, chosen.a, chosen.b))

    def show_b_beats_a(self, ctx) -> None:
        from ...prompting import views

        chosen = Choices.of(ctx)
        self._show(ctx, views.a_beats_b(chosen.findings, chosen.b, chosen.a))

    def show_worst(self, ctx) -> None:
        from ...prompting import views

        chosen = Choices.of(ctx)
        self._show(ctx, views.worst(chosen.findings, chosen.a))

    def show_no_prompt(self, ctx) -> None:
        from ...prompting import views

        chosen = Choices.of(ctx)
        self._show(ctx, views.no_prompt(chosen.findings, chosen.a))

    def show_all_fail(self, ctx) -> None:
        from ...prompting import views

        self._show(ctx, views.all_fail(Choices.of(ctx).findings))

    def show_disagreement(self, ctx) -> None:
        from ...prompting import views

        self._show(ctx, views.disagree(Choices.of(ctx).findings))

    def show_everything(self, ctx) -> None:
        """The whole dataset, nothing selected."""
        ctx.panel.set_state("shown", None)
        ctx.ops.clear_selected_samples()
        ctx.ops.clear_view()

    def save_view(self, ctx) -> None:
        """Keep what the grid shows as one of the dataset's saved views, under a name that is free."""
        from ...prompting import saved_views

        shown = ctx.panel.get_state("shown")
        if not shown:
            ctx.ops.notify("Press one of the buttons above first: it is their view that is saved.", variant="info")
            return
        view = ctx.dataset.select(shown["ids"], ordered=True)
        name = saved_views.keep(ctx.dataset, Choices.of(ctx).prefix, shown["title"], view)
        ctx.ops.reload_dataset()
        ctx.ops.notify(f"Saved as the view {name!r}.", variant="success")

    def show_strategy(self, ctx) -> None:
        """One strategy's mask, its prompts and the truth, and nothing else, on the pictures."""
        from ...prompting import appearance

        chosen = Choices.of(ctx)
        strategy = self._strategy_of_row(ctx, chosen) or chosen.a
        ctx.ops.set_active_fields(appearance.shown_fields(ctx.dataset, chosen.prefix, strategy))
        ctx.ops.notify(f"The pictures show {strategy}: its masks and prompts, and the truth.", variant="info")

    def select_lassoed(self, ctx) -> None:
        """Plotly tells of an empty selection when it draws anew: that is nobody's wish, and changes nothing."""
        if ids := [point["id"] for point in ctx.params.get("data") or () if point.get("id")]:
            ctx.ops.set_selected_samples(ids)

    def select_clicked(self, ctx) -> None:
        if ctx.params.get("id"):
            ctx.ops.set_selected_samples([ctx.params["id"]])

    # other operators

    def prompt_apply(self, ctx) -> None:
        ctx.prompt(f"{PLUGIN}/apply_strategies", on_success=self.redraw)

    def prompt_evaluate(self, ctx) -> None:
        ctx.prompt(f"{PLUGIN}/evaluate_strategies", on_success=self.redraw)

    def prompt_explain(self, ctx) -> None:
        ctx.prompt(f"{PLUGIN}/explain_strategies", on_success=self.redraw)

    def prompt_agreement(self, ctx) -> None:
        ctx.prompt(f"{PLUGIN}/measure_agreement", on_success=self.redraw)

    def prompt_export(self, ctx) -> None:
        ctx.prompt(f"{PLUGIN}/export_comparison")

    def _show(self, ctx, selection) -> None:
        if not selection.sample_ids:
            ctx.ops.notify(f"No picture: {selection.title}.", variant="info")
            return
        ctx.panel.set_state("shown", {"title": selection.title, "ids": selection.sample_ids})
        ctx.ops.set_view(ctx.dataset.select(selection.sample_ids, ordered=True))

    def _strategy_of_row(self, ctx, chosen: Choices) -> str | None:
        row = ctx.params.get("row")
        return chosen.names[row] if isinstance(row, int) and 0 <= row < len(chosen.names) else None
