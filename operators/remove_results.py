"""``remove_results``: everything of a prefix, of one strategy or of a name of labels goes; nothing else does."""

from __future__ import annotations

import fiftyone.operators.types as types

from . import forms
from .base import RunOperator
from .following import follow, tell_steps

ALL, LABELS = "all of them", "labels: "
"""Of the form's choices: everything of a prefix, and how a name of labels begins."""


class RemoveResults(RunOperator):
    """Remove the strategies' fields, evaluations, records and saved views from a dataset."""

    about = dict(
        name="remove_results",
        label="SAM 2: remove results",
        description="Remove everything that the strategies wrote, and nothing else",
        icon="delete_sweep",
    )

    def resolve_input(self, ctx) -> types.Property:
        from ..prompting.errors import PromptingError
        from ..prompting.runs.removal import find_results

        inputs = types.Object()
        form = types.Property(inputs, view=types.View(label="Remove results"))
        prefix = forms.ask_prefix(ctx, inputs)
        choices = _choices(ctx.dataset, prefix)
        default = next(iter(choices))
        given = ctx.params.get("strategy")
        if ctx.params.get("labels") and given is None:
            default = LABELS + ctx.params["labels"]
        forms.choose_one(inputs, "strategy", choices, default, "What goes")
        try:
            found = find_results(ctx.dataset, prefix, **_whose(given or default))
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
        if given.get("strategy"):
            given = {
                **given,
                "strategy": None,
                "labels": None,
                **_whose(given["strategy"]),
            }  # the form's choice is both
        yield from tell_steps(ctx, remove_results(ctx.dataset, **given), ended, "steps")
        if not ctx.delegated:
            yield ctx.trigger("reload_dataset")
            yield ctx.ops.notify(f"Removed: {ended[-1].what()}.", variant="success")

    def __call__(
        self,
        dataset,
        prefix: str = "sam2",
        strategy: str | None = None,
        labels: str | None = None,
        confirm: bool = False,
        progress: bool = True,
    ):
        """Remove results, from Python; without ``confirm`` nothing is removed, and what would be is returned.

        What goes has the names that the plugin itself gives, and the types: fields, evaluations, registered runs, saved
        views of the panel, and what the App was told of them. Finished labels go where they are named, and not with
        the strategies that they came from; tags stay, and fields that merely begin with the prefix. A removal that was
        interrupted can be run again.

        Args:
            dataset: the dataset
            prefix: of the results
            strategy: only this one's
            labels: only the finished labels of this name, with what was scored of them and decided in their review
            confirm: do it
            progress: show a progress bar

        Returns:
            what goes or went: ``print`` it

        Raises:
            ValueError: nothing is there, or a run that is alive is writing it
        """
        from ..prompting.runs.removal import find_results, remove_results

        if not confirm:
            return find_results(dataset, prefix, strategy, labels)
        return follow(remove_results(dataset, prefix, strategy, labels), progress, "step")


def _choices(dataset, prefix: str) -> dict[str, str]:
    """What can go, each in a line: all of the prefix, one strategy, or labels."""
    from ..prompting.dataset.owned import labels_there, prefixes_left
    from ..prompting.dataset.present import in_words, strategies_in

    there = labels_there(dataset)
    strategies = {name: in_words(name) for name in strategies_in(dataset, prefix) if name not in there}
    every = {ALL: "and what they have in common: truth, agreement, tables"}
    of_labels = {LABELS + name: "finished labels, and what was decided on them" for name in there}
    return (every if prefix in prefixes_left(dataset) or not there else {}) | strategies | of_labels


def _whose(given: str | None) -> dict[str, str | None]:
    """The parameters that one of the form's choices stands for."""
    if given in (None, "", ALL):
        return {"strategy": None}
    return {"labels": given.removeprefix(LABELS)} if given.startswith(LABELS) else {"strategy": given}
