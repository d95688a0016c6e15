"""``explain_strategies``: whose fault a loss is, and how much error in a prompt SAM 2 bears."""

from __future__ import annotations

from collections.abc import Sequence

import fiftyone.operators.types as types

from . import engine_choice, forms
from .base import RunOperator
from .following import follow, tell_steps
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
        told = "Asks SAM 2 once more, with prompts from the truth, and splits what each picture lacks to an IoU of 1:"
        parts = (
            "instances without a prompt, stray prompts, prompts that don't fit, the wrong mask of three, SAM 2's own"
        )
        inputs.md(f"{told} {parts}.", name="told")
        there = {row.strategy: f"mean IoU {row.mean_iou:.3f}" for row in comparison}
        forms.choose_several(inputs, "strategies", there, there, LABELS["strategies"])
        inputs.bool(
            "robustness",
            default=False,
            label=LABELS["robustness"],
            description="How the IoU falls as boxes and clicks move; takes several times as long",
        )
        forms.suggest(inputs, "device", ("auto", "cuda", "mps", "cpu"), "auto", LABELS["device"])
        inputs.bool("advanced", default=False, label="More options", view=types.SwitchView())
        if ctx.params.get("advanced"):
            engine_choice.ask(inputs, ctx.params)
        if ctx.params.get("strategies") is not None:  # else the form isn't filled yet
            _check(ctx, inputs)
        return form

    def _steps(self, ctx):
        from ..prompting.runs.explanation import explain

        given, ended = engine_choice.others(forms.chosen(ctx.params, self.parameters, lists=("strategies",))), []
        engine = engine_choice.engine_of_request(ctx.params)
        yield forms.tell(ctx, 0.0, "loading the model")
        yield from tell_steps(ctx, explain(ctx.target_view(require_flat=True), **given, engine=engine), ended)
        if not ctx.delegated:
            yield ctx.trigger("reload_dataset")
            yield forms.show_tables(ctx, ended[-1].tables())

    def __call__(
        self,
        sample_collection,
        strategies: Sequence[str] | None = None,
        prefix: str = "sam2",
        device: str = "auto",
        robustness: bool = False,
        seed: int = 0,
        engine: str = engine_choice.HERE,
        workers: int | None = None,
        ray_address: str | None = None,
        cpus_per_worker: int = 1,
        gpus_per_worker: float | None = None,
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
            engine: ``here`` or ``ray``, workers by Ray: this and the next four as in ``apply_strategies``
            workers: how many
            ray_address: of a cluster, or ``auto``
            cpus_per_worker: processors of each, and threads
            gpus_per_worker: GPUs of each
            progress: show a progress bar

        Returns:
            the explanation: ``print`` it, or take ``parts`` (strategy -> part -> mean over images) and ``curves``

        Raises:
            ValueError: what was wrong with the request, in one sentence
        """
        from ..prompting.runs.explanation import explain

        crew = engine_choice.engine_of(locals())
        steps = explain(sample_collection, forms.names(strategies), prefix, device, robustness, seed, crew)
        return follow(steps, progress)


def _check(ctx, inputs: types.Object) -> None:
    """What would stop the run, as far as the database alone tells."""
    from ..prompting.errors import PromptingError, concerning
    from ..prompting.runs.explanation import check_explanation

    given = forms.chosen(ctx.params, ("strategies", "prefix"), lists=("strategies",))
    try:
        with concerning("strategies"):
            engine_choice.engine_of_request(ctx.params)
            if not given.get("strategies"):
                raise PromptingError("Choose at least one strategy.")
            check_explanation(ctx.target_view(require_flat=True), **given)
    except PromptingError as error:
        forms.show_error(inputs, error)
