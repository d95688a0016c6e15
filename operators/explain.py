"""``explain_strategies``: whose fault a loss is, and how much error in a prompt SAM 2 bears."""

from __future__ import annotations

from collections.abc import Sequence

import fiftyone.operators.types as types
from tqdm.auto import tqdm

from . import forms
from .base import RunOperator
from .words import LABELS


class ExplainStrategies(RunOperator):
    """Split each evaluated picture's loss into parts."""

    about = dict(
        name="explain_strategies",
        label="SAM 2: explain errors",
        description="Explain whose fault a loss is: nobody looked, a wrong prompt, the wrong mask of three, or SAM 2",
        icon="troubleshoot",
    )

    def resolve_input(self, ctx) -> types.Property:
        from ..prompting.dataset.judgements import load_comparison

        inputs = types.Object()
        form = types.Property(inputs, view=types.View(label="Explain the errors of SAM 2 prompting strategies"))
        inputs.view_target(ctx, action_description="Explain")
        prefix = forms.ask_prefix(ctx, inputs)
        comparison = load_comparison(ctx.dataset, prefix)
        if comparison is None:
            forms.show_problem(inputs, f"Nothing was evaluated with the prefix {prefix!r}; evaluate strategies first.")
            return form
        there = {row.strategy: f"mean IoU {row.mean_iou:.3f}" for row in comparison}
        forms.choose_several(inputs, "strategies", there, there, LABELS["strategies"])
        inputs.bool(
            "robustness",
            default=False,
            label=LABELS["robustness"],
            description="How the IoU falls as boxes and clicks move; takes several times as long",
        )
        forms.suggest(inputs, "device", ("auto", "cuda", "mps", "cpu"), "auto", LABELS["device"])
        if ctx.params.get("strategies") is not None:  # else the form isn't filled yet
            _check(ctx, inputs)
        return form

    def _steps(self, ctx):
        from ..prompting.analysis.explanation import Explanation
        from ..prompting.runs.explanation import explain

        given = forms.chosen(ctx.params, self.parameters, lists=("strategies",))
        yield forms.tell(ctx, 0.0, "loading the model")
        for step in explain(ctx.target_view(require_flat=True), **given):
            if isinstance(step, Explanation):
                explanation = step
            else:
                yield forms.tell(ctx, forms.share(step), forms.sentence(step))
        if not ctx.delegated:
            yield ctx.trigger("reload_dataset")
            yield forms.show_tables(ctx, explanation.tables())

    def __call__(
        self,
        sample_collection,
        strategies: Sequence[str] | None = None,
        prefix: str = "sam2",
        device: str = "auto",
        robustness: bool = False,
        seed: int = 0,
        progress: bool = True,
    ):
        """Explain from Python, after an evaluation.

        Args:
            sample_collection: a dataset or view
            strategies: which, by default all that were evaluated
            prefix: of the strategies' fields
            device: ``auto``, ``cuda``, ``mps`` or ``cpu``
            robustness: also disturb the truth's prompts, and measure how the IoU falls
            seed: of the disturbances
            progress: show a progress bar

        Returns:
            the explanation: ``print`` it, or take ``parts`` (strategy -> part -> mean over images) and ``curves``

        Raises:
            ValueError: what was wrong with the request, in one sentence
        """
        from ..prompting.analysis.explanation import Explanation
        from ..prompting.runs.explanation import explain

        with tqdm(unit="image", disable=not progress) as bar:
            for step in explain(sample_collection, forms.names(strategies), prefix, device, robustness, seed):
                if isinstance(step, Explanation):
                    return step
                bar.total = step.total
                bar.update(step.done - bar.n)


def _check(ctx, inputs: types.Object) -> None:
    """What would stop the run, as far as the database alone tells."""
    from ..prompting.errors import PromptingError, concerning
    from ..prompting.runs.explanation import check_explanation

    given = forms.chosen(ctx.params, ("strategies", "prefix"), lists=("strategies",))
    try:
        with concerning("strategies"):
            if not given.get("strategies"):
                raise PromptingError("Choose at least one strategy.")
            check_explanation(ctx.target_view(require_flat=True), **given)
    except PromptingError as error:
        forms.show_error(inputs, error)
