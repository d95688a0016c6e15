"""``remove_results``: everything of a prefix, or of one strategy, goes; nothing else does."""

from __future__ import annotations

import fiftyone.operators.types as types

from . import forms
from .base import RunOperator
from .following import follow, tell_steps

ALL = "all of them"


class RemoveResults(RunOperator):
    """Remove the strategies' fields, evaluations, records and saved views from a dataset."""

    about = dict(
        name="remove_results",
        label="SAM 2: remove results",
        description="Remove everything that the strategies wrote, and nothing else",
        icon="delete_sweep",
    )

    def resolve_input(self, ctx) -> types.Property:
        from ..prompting.dataset.present import in_words, strategies_in
        from ..prompting.errors import PromptingError
        from ..prompting.runs.removal import find_results

        inputs = types.Object()
        form = types.Property(inputs, view=types.View(label="Remove results"))
        prefix = forms.ask_prefix(ctx, inputs)
        there = {name: in_words(name) for name in strategies_in(ctx.dataset, prefix)}
        every = {ALL: "and what they have in common: truth, agreement, tables"}
        forms.choose_one(inputs, "strategy", every | there, ALL, "Strategies")
        try:
            found = find_results(ctx.dataset, prefix, _strategy(ctx.params.get("strategy")))
        except PromptingError as error:
            forms.show_error(inputs, error)
            return form
        inputs.bool("confirm", default=False, label="Remove all that is listed below, for good")
        inputs.md(str(found), name="what")
        if not ctx.params.get("confirm"):
            forms.show_problem(inputs, "Read what goes, and tick that it may: it can't be brought back.")
        return form

    def _steps(self, ctx):
        from ..prompting.errors import PromptingError
        from ..prompting.runs.removal import remove_results

        given, ended = forms.chosen(ctx.params, self.parameters), []
        if not given.pop("confirm", False):
            raise PromptingError("Nothing was removed: tick that it may be.")
        given["strategy"] = _strategy(given.get("strategy"))
        yield from tell_steps(ctx, remove_results(ctx.dataset, **given), ended, "steps")
        if not ctx.delegated:
            yield ctx.trigger("reload_dataset")
            yield ctx.ops.notify(f"Removed: {ended[-1].what()}.", variant="success")

    def __call__(
        self,
        dataset,
        prefix: str = "sam2",
        strategy: str | None = None,
        confirm: bool = False,
        progress: bool = True,
    ):
        """Remove results, from Python; without ``confirm`` nothing is removed, and what would be is returned.

        What goes has the names that the plugin itself gives, and the types: fields, evaluations, registered runs, saved
        views of the panel, and what the App was told of them. Labels that were taken over from a strategy stay, and so
        do tags and fields that merely begin with the prefix. A removal that was interrupted can be run again.

        Args:
            dataset: the dataset
            prefix: of the results
            strategy: only this one's
            confirm: do it
            progress: show a progress bar

        Returns:
            what goes or went: ``print`` it

        Raises:
            ValueError: nothing is there, or a run that is alive is writing it
        """
        from ..prompting.runs.removal import find_results, remove_results

        if not confirm:
            return find_results(dataset, prefix, strategy)
        return follow(remove_results(dataset, prefix, strategy), progress, "step")


def _strategy(given: str | None) -> str | None:
    return None if given in (None, "", ALL) else given
