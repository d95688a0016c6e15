"""``measure_agreement``: a score for difficulty that needs no truth."""

from __future__ import annotations

import fiftyone.operators.types as types
from tqdm.auto import tqdm

from . import forms
from .base import RunOperator

PARAMETERS = ("prefix",)


class MeasureAgreement(RunOperator):
    """Store how far the strategies agree on each picture."""

    about = dict(
        name="measure_agreement",
        label="SAM 2: measure agreement between strategies",
        description="Mean IoU between the strategies' masks of each picture; needs no ground truth",
        icon="join_inner",
    )

    def resolve_input(self, ctx) -> types.Property:
        from ..prompting.agreement import comparable

        inputs = types.Object()
        inputs.view_target(ctx, action_description="Measure")
        inputs.str("prefix", default="sam2", label="Field prefix", description="Of the strategies' fields")
        prefix = ctx.params.get("prefix") or "sam2"
        if not comparable(ctx.dataset, prefix):
            forms.show_problem(
                inputs, f"The prefix {prefix!r} has fewer than two strategies that find prompts; apply another one."
            )
        return types.Property(inputs, view=types.View(label="Measure agreement between strategies"))

    def _steps(self, ctx):
        from ..prompting.agreement import agreement_field, measure_steps

        params = forms.chosen(ctx.params, PARAMETERS)
        for progress in measure_steps(ctx.target_view(require_flat=True), **params):
            yield forms.tell(ctx, forms.share(progress), forms.sentence(progress))
        if not ctx.delegated:
            yield ctx.trigger("reload_dataset")
            yield ctx.ops.notify(f"Stored in {agreement_field(params.get('prefix', 'sam2'))}.", variant="success")

    def __call__(self, sample_collection, progress: bool = True, **params):
        """Measure from Python; each picture's agreement goes to ``<prefix>_agreement``.

        Args:
            sample_collection: a dataset or view
            progress: show a progress bar
            **params: ``prefix``

        Raises:
            PromptingError: what was wrong with the request
        """
        from ..prompting.agreement import measure_steps

        forms.check_names(params, PARAMETERS)
        with tqdm(unit="image", disable=not progress) as bar:
            for step in measure_steps(sample_collection, **forms.chosen(params, PARAMETERS)):
                bar.total = step.total
                bar.update(step.done - bar.n)
