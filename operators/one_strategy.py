"""What the operators have in common that work on one strategy's results."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import fiftyone.operators.types as types

from . import forms
from .base import RunOperator
from .following import tell_steps


class OneStrategyOperator(RunOperator):
    """An operator whose form asks for samples, a prefix and one of its strategies, and tells what would be done.

    Attributes:
        title: of the form
        action: what the button does with the samples, such as ``Tag``
        scored: whether the strategy must have been evaluated
        defaults: of parameters, for a form that leaves them out
    """

    title: str
    action: str
    scored = False
    defaults: dict = {}

    def resolve_input(self, ctx) -> types.Property:
        from ..prompting.errors import PromptingError

        inputs = types.Object()
        form = types.Property(inputs, view=types.View(label=self.title))
        inputs.view_target(ctx, action_description=self.action)
        prefix = forms.ask_prefix(ctx, inputs)
        strategy = ask_strategy(ctx, inputs, prefix, self.scored)
        if strategy is not None:
            try:
                self._ask(ctx, inputs, strategy, prefix)
            except PromptingError as error:
                forms.show_error(inputs, error)
        return form

    def _steps(self, ctx) -> Iterator:
        given, ended = {**self.defaults, **forms.chosen(ctx.params, self.parameters)}, []
        yield from tell_steps(ctx, self._work(ctx.target_view(require_flat=True), **given), ended)
        if not ctx.delegated:
            yield ctx.trigger("reload_dataset")
            yield from self._show(ctx, given, ended)

    @abstractmethod
    def _ask(self, ctx, inputs: types.Object, strategy: str, prefix: str) -> None:
        """The rest of the form; it may raise a PromptingError, which is shown."""

    @abstractmethod
    def _work(self, samples, strategy: str, **given) -> Iterator:
        """The run: progress, and at the end what came of it."""

    @abstractmethod
    def _show(self, ctx, given: dict, ended: list) -> Iterator:
        """What the App is told at the end; ``ended`` holds what :meth:`_work` yielded that isn't progress."""


def ask_strategy(ctx, inputs: types.Object, prefix: str, scored: bool = False) -> str | None:
    """One of the strategies that have results, the best first; None where there is none, which the form then says.

    Args:
        ctx: of the operator
        inputs: the form
        prefix: of the strategies' fields
        scored: those that were evaluated alone
    """
    from ..prompting.dataset.judgements import load_comparison
    from ..prompting.dataset.present import in_words, strategies_in

    there = strategies_in(ctx.dataset, prefix)
    comparison = load_comparison(ctx.dataset, prefix)
    rows = [row for row in comparison.rows if row.strategy in there] if comparison else []
    choices = {row.strategy: f"mean IoU {row.mean_iou:.3f}" for row in rows}
    if not scored:
        choices |= {name: in_words(name) for name in there if name not in choices}
    if not choices:
        what = "evaluated" if scored and there else "applied to this dataset"
        forms.show_problem(inputs, f"No strategy with the prefix {prefix!r} was {what} yet.")
        return None
    best = next(iter(choices))
    forms.choose_one(inputs, "strategy", choices, best, "Strategy")
    given = ctx.params.get("strategy")
    return given if given in choices else best
