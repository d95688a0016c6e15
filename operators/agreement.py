"""``measure_agreement``: a score for difficulty that needs no truth."""

from __future__ import annotations

import fiftyone.operators.types as types

from . import forms
from .base import RunOperator
from .following import follow, tell_steps


class MeasureAgreement(RunOperator):
    """Store how far the strategies agree on each picture."""

    about = dict(
        name="measure_agreement",
        label="SAM 2: measure agreement between strategies",
        description="Measure how far the strategies' masks agree on each picture; needs no ground truth",
        icon="join_inner",
    )

    def resolve_input(self, ctx) -> types.Property:
        from ..prompting.dataset.checks import check_collection
        from ..prompting.errors import PromptingError, concerning
        from ..prompting.runs.agreement import comparable

        inputs = types.Object()
        inputs.view_target(ctx, action_description="Measure")
        prefix = forms.ask_prefix(ctx, inputs)
        there = comparable(ctx.dataset, prefix)
        if there:
            told = "How alike the strategies' masks are, as a mean IoU: where it is low, a picture is hard."
            inputs.md(f"{told} It takes no ground truth. Compares {', '.join(there)}.", name="compared")
        else:
            forms.show_problem(
                inputs, f"The prefix {prefix!r} has fewer than two strategies that find prompts; apply another one."
            )
        try:
            with concerning("view_target"):
                check_collection(ctx.target_view(require_flat=True))
        except PromptingError as error:
            forms.show_error(inputs, error)
        return types.Property(inputs, view=types.View(label="Measure agreement between strategies"))

    def _steps(self, ctx):
        from ..prompting.runs.agreement import measure_steps, measured_agreement

        params, view = forms.chosen(ctx.params, self.parameters), ctx.target_view(require_flat=True)
        yield from tell_steps(ctx, measure_steps(view, **params), [])
        if not ctx.delegated:
            yield ctx.trigger("reload_dataset")
            yield forms.show_tables(ctx, [measured_agreement(view, **params).table()])

    def __call__(self, sample_collection, prefix: str = "sam2", progress: bool = True):
        """Measure from Python; each picture's agreement goes to ``<prefix>_agreement``.

        Args:
            sample_collection: a dataset or view
            prefix: of the strategies' fields
            progress: show a progress bar

        Returns:
            the agreement: ``print`` it, or take ``field``, ``strategies``, ``images``, ``mean`` and ``least``

        Raises:
            ValueError: what was wrong with the request, in one sentence
        """
        from ..prompting.runs.agreement import measure_steps, measured_agreement

        follow(measure_steps(sample_collection, prefix), progress)
        return measured_agreement(sample_collection, prefix)
