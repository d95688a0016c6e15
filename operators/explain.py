"""``explain_strategies``: whose fault a loss is, and how much error in a prompt SAM 2 bears."""

from __future__ import annotations

import fiftyone.operators.types as types
from tqdm.auto import tqdm

from . import forms
from .base import RunOperator

PARAMETERS = ("strategies", "prefix", "device", "robustness", "seed")


class ExplainStrategies(RunOperator):
    """Split each evaluated picture's loss into parts."""

    about = dict(
        name="explain_strategies",
        label="SAM 2: explain errors",
        description="Whose fault each loss is: nobody looked, a wrong prompt, the wrong mask of three, or SAM 2",
        icon="troubleshoot",
    )

    def resolve_input(self, ctx) -> types.Property:
        from ..prompting.evaluation import load_comparison

        inputs = types.Object()
        inputs.view_target(ctx, action_description="Explain")
        inputs.str("prefix", default="sam2", label="Field prefix", description="Of the strategies' fields")
        prefix = ctx.params.get("prefix") or "sam2"
        comparison = load_comparison(ctx.dataset, prefix)
        if comparison is None:
            forms.show_problem(inputs, f"Nothing was evaluated with the prefix {prefix!r}; evaluate strategies first.")
            return types.Property(inputs)
        there = {row.strategy: f"mean IoU {row.mean_iou:.3f}" for row in comparison.rows}
        forms.choose_several(inputs, "strategies", there, there, "Strategies")
        inputs.bool(
            "robustness",
            default=False,
            label="Also disturb the truth's prompts",
            description="How the IoU falls as boxes and clicks move; takes several times as long",
        )
        forms.suggest(inputs, "device", ("auto", "cuda", "mps", "cpu"), "auto", "Device")
        return types.Property(inputs, view=types.View(label="Explain the errors of SAM 2 prompting strategies"))

    def _steps(self, ctx):
        from ..prompting.explanation import Explanation, explain

        given = forms.chosen(ctx.params, PARAMETERS, lists=("strategies",))
        yield forms.tell(ctx, 0.0, "loading the model")
        for step in explain(ctx.target_view(require_flat=True), **given):
            if isinstance(step, Explanation):
                explanation = step
            else:
                yield forms.tell(ctx, forms.share(step), forms.sentence(step))
        if not ctx.delegated:
            yield ctx.trigger("reload_dataset")
            yield forms.show_tables(ctx, [explanation.table()])

    def __call__(self, sample_collection, progress: bool = True, **params):
        """Explain from Python, after an evaluation.

        Args:
            sample_collection: a dataset or view
            progress: show a progress bar
            **params: ``strategies`` (default: all that were evaluated), ``prefix``, ``device``, ``robustness``,
                ``seed``

        Returns:
            the :class:`prompting.explanation.Explanation`; ``print`` it

        Raises:
            PromptingError: what was wrong with the request
        """
        from ..prompting.explanation import Explanation, explain

        forms.check_names(params, PARAMETERS)
        given = forms.chosen(params, PARAMETERS, lists=("strategies",))
        with tqdm(unit="image", disable=not progress) as bar:
            for step in explain(sample_collection, **given):
                if isinstance(step, Explanation):
                    return step
                bar.total = step.total
                bar.update(step.done - bar.n)
