"""What the panel does: every event changes the state or the App's view, and then everything is drawn anew."""

from __future__ import annotations

import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..best_of_sweep import params_for_best
from . import next_steps, review, running, study
from .choices import Choices
from .drawn import is_drawn, is_told, misses_decisions, shows
from .fields import compared_fields
from .layout import composed, draw
from .references import references

PLUGIN = "@promptlab/sam2-prompting"

UNDRAWN = ("select_lassoed", "select_clicked", "show_strategy", "save_view", "review")
"""Events that change nothing in the panel itself. What changes the App's view has the panel drawn when it did."""


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

    def execute(self, ctx):
        """The event, and the drawing unless it is spared: the App draws all plots again, seconds of waiting."""
        name = ctx.params.get("__method__") or ""
        if self._is_spared(ctx, name) or (name == "move" and running.move(ctx)):
            return None
        if name in ("", "on_startup"):
            return super().execute(ctx)
        result = getattr(self, name)(ctx) if hasattr(self, name) else None
        if not (name in UNDRAWN or name.startswith(("show_", "prompt_"))):
            draw(self, ctx, Choices.of(ctx))
        return result

    def _is_spared(self, ctx, name: str) -> bool:
        """Whether an event of the App's own, and not a person's, asks for what its page shows already."""
        if name == "on_change_current_sample":
            return bool(ctx.current_sample) or not misses_decisions(ctx)
        path = ctx.params.get("path") if name == "redraw" else None
        if is_told(path):
            return shows(ctx, composed(self, ctx, Choices.of(ctx)).content)
        return (name == "on_change_view" or path is not None) and is_drawn(ctx)

    def render(self, ctx) -> types.Property:
        """Nothing: an event's drawing is sent in an order of its own, see :meth:`~.canvas.Canvas.show`."""
        return types.Property(types.Object())

    def on_load(self, ctx) -> None:
        """Nothing to prepare: drawing reads what there is."""

    def on_change_view(self, ctx) -> None:
        """The panel speaks of the pictures in the view."""

    def on_change_current_sample(self, ctx) -> None:
        """A picture was closed, in whose review labels were decided on."""

    def redraw(self, ctx) -> None:
        """A choice was changed, or a run ended: drawing reads everything again."""

    def turn(self, ctx) -> None:
        """To another section of the comparison, which the event names."""

    def refresh(self, ctx) -> None:
        """Somebody wants to see what is new, whatever was drawn."""

    # what the grid shows

    def show_a_beats_b(self, ctx) -> None:
        chosen = Choices.of(ctx)
        self._show_winners(ctx, chosen, chosen.a, chosen.b)

    def show_b_beats_a(self, ctx) -> None:
        chosen = Choices.of(ctx)
        self._show_winners(ctx, chosen, chosen.b, chosen.a)

    def show_worst(self, ctx) -> None:
        from ...prompting.analysis import selections

        chosen = Choices.of(ctx)
        self._show(ctx, chosen, selections.worst(chosen.findings, chosen.a), chosen.a)

    def show_no_prompt(self, ctx) -> None:
        from ...prompting.analysis import selections

        chosen = Choices.of(ctx)
        self._show(ctx, chosen, selections.no_prompt(chosen.findings, chosen.a), chosen.a)

    def show_unmade(self, ctx) -> None:
        from ...prompting.analysis import selections

        chosen = Choices.of(ctx)
        self._show(ctx, chosen, selections.unmade(chosen.findings, chosen.a), chosen.a)

    def show_all_fail(self, ctx) -> None:
        from ...prompting.analysis import selections

        chosen = Choices.of(ctx)
        self._show(ctx, chosen, selections.all_fail(chosen.findings), *chosen.names[:1])

    def show_disagreement(self, ctx) -> None:
        from ...prompting.analysis import selections

        chosen = Choices.of(ctx)
        self._show(ctx, chosen, selections.disagree(chosen.findings), *filter(None, (chosen.a, chosen.b)))

    def show_references(self, ctx) -> None:
        """The pictures that strategies learned from, and their tags beside what is shown."""
        from ...prompting.dataset.everywhere import these_samples

        chosen = Choices.of(ctx)
        ids = tuple(dict.fromkeys(one for of in references(ctx, chosen).values() for one in of or ()))
        there = these_samples(ctx.dataset, ids).values("id") if ids else []
        if not there:
            ctx.ops.notify("The reference pictures are no longer in the dataset.", variant="info")
            return
        chosen.scope.narrow(ctx, f"reference pictures ({len(there)})", there)
        if these_samples(ctx.dataset, there).count_sample_tags():
            ctx.ops.set_active_fields(list(dict.fromkeys([*(ctx.active_fields or ()), "tags"])))

    def show_selected(self, ctx) -> None:
        """The selected pictures alone, as the lasso or the grid's boxes selected them."""
        selected = set(ctx.selected or ())
        if not selected:
            ctx.ops.notify("Nothing is selected: lasso points first, or tick pictures in the grid.", variant="info")
            return
        chosen = Choices.of(ctx)
        ids = [sample_id for sample_id in chosen.findings.sample_ids if sample_id in selected]
        ctx.ops.clear_selected_samples()
        chosen.scope.narrow(ctx, f"{len(ids)} selected pictures", ids)

    def show_everything(self, ctx) -> None:
        """The person's own view again, nothing selected."""
        Choices.of(ctx).scope.widen(ctx)

    def show_whole(self, ctx) -> None:
        """The whole dataset."""
        ctx.ops.clear_all_stages()

    def compare_only_shown(self, ctx) -> None:
        """What a button showed becomes the view that the panel speaks of."""
        Choices.of(ctx).scope.adopt(ctx)
        ctx.__dict__.pop("_strategies_chosen", None)

    def save_view(self, ctx) -> None:
        """Keep what the grid shows as one of the dataset's saved views, under a name that is free."""
        from ...prompting.dataset import saved_views

        chosen = Choices.of(ctx)
        if not chosen.scope.title:
            ctx.ops.notify("Press one of the buttons above first: it is their view that is saved.", variant="info")
            return
        name = saved_views.keep(ctx.dataset, chosen.prefix, chosen.scope.title, ctx.view)
        ctx.ops.reload_dataset()
        ctx.ops.notify(f"Saved as the view {name!r}.", variant="success")

    def show_strategy(self, ctx) -> None:
        """One strategy's mask, its prompts and the truth, and nothing else, on the pictures."""
        from ...prompting.dataset import appearance

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

    # other operators: each has the open panels drawn anew when it ends

    def prompt_apply(self, ctx) -> None:
        ctx.prompt(f"{PLUGIN}/apply_strategies")

    def prompt_best(self, ctx) -> None:
        prefix = study.prefix_of(Choices.of(ctx))
        ctx.prompt(f"{PLUGIN}/apply_strategies", params=params_for_best(ctx.dataset, prefix))

    def prompt_sweep(self, ctx) -> None:
        ctx.prompt(f"{PLUGIN}/sweep_strategies", params={"prefix": study.prefix_of(Choices.of(ctx))})

    def prompt_rest(self, ctx) -> None:
        ctx.prompt(f"{PLUGIN}/apply_strategies", params=next_steps.params_for_rest(ctx, Choices.of(ctx)))

    def prompt_evaluate(self, ctx) -> None:
        self._prompt(ctx, "evaluate_strategies")

    def prompt_explain(self, ctx) -> None:
        self._prompt(ctx, "explain_strategies")

    def prompt_agreement(self, ctx) -> None:
        self._prompt(ctx, "measure_agreement")

    def prompt_export(self, ctx) -> None:
        self._prompt(ctx, "export_comparison")

    def prompt_labels(self, ctx) -> None:
        self._prompt(ctx, "use_as_labels", strategy=next_steps.winner(ctx, Choices.of(ctx)))

    def prompt_finish(self, ctx) -> None:
        self._prompt(ctx, "finish_labels")

    def prompt_next(self, ctx) -> None:
        self._prompt(ctx, "label_next")

    def prompt_tag(self, ctx) -> None:
        self._prompt(ctx, "tag_worst", strategy=next_steps.winner(ctx, Choices.of(ctx)))

    def prompt_overlay(self, ctx) -> None:
        self._prompt(ctx, "show_errors", strategy=next_steps.winner(ctx, Choices.of(ctx)))

    def prompt_remove(self, ctx) -> None:
        self._prompt(ctx, "remove_results")

    def review(self, ctx) -> None:
        """The labels' review, in the picture's own window; drawn anew where somebody ended it elsewhere."""
        if not review.begin(ctx):
            draw(self, ctx, Choices.of(ctx))

    def prompt_annotate(self, ctx) -> None:
        self._prompt(ctx, "annotate_labels", name=ctx.params.get("labels"))

    def move(self, ctx) -> None:
        """A run that was shown ended, or another one began."""
        ctx.dataset.reload()  # another process may have written what is drawn next

    def stop(self, ctx) -> None:
        ctx.ops.notify(running.stop(ctx), variant="info")
        ctx.dataset.reload()  # another process may have written what is drawn next

    def _prompt(self, ctx, operator: str, /, **params) -> None:
        """An operator's form, for the prefix that the panel shows."""
        ctx.prompt(f"{PLUGIN}/{operator}", params={"prefix": Choices.of(ctx).prefix, **params})

    def _show_winners(self, ctx, chosen: Choices, better: str, worse: str) -> None:
        from ...prompting.analysis import selections

        self._show(ctx, chosen, selections.a_beats_b(chosen.findings, better, worse), better, worse)

    def _show(self, ctx, chosen: Choices, selection, *strategies: str) -> None:
        """A selection in the grid, with the masks and scores of the strategies that it is about."""
        count = len(selection.sample_ids)
        if not count:
            ctx.ops.notify(f"No picture: {selection.title}.", variant="info")
            return
        chosen.scope.narrow(ctx, f"{selection.title} ({count})", selection.sample_ids)
        ctx.ops.set_active_fields(compared_fields(ctx.dataset, chosen.prefix, *strategies))

    def _strategy_of_row(self, ctx, chosen: Choices) -> str | None:
        row = ctx.params.get("row")
        return chosen.names[row] if isinstance(row, int) and 0 <= row < len(chosen.names) else None
