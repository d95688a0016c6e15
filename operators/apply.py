"""``apply_strategies``: SAM 2 masks of several prompting strategies in one pass."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types
from tqdm.auto import tqdm

from . import forms
from .base import RunOperator

PARAMETERS = (
    "strategies", "classes", "sam2_model", "clip_model", "yolo_model", "device", "prefix", "seed", "existing",
    "prompt_field", "field_rounds", "phrases", "background", "yolo_confidence", "batch_size", "heatmap",
    "encoder_precision", "compile",
)  # fmt: skip


class ApplyStrategies(RunOperator):
    """Find prompts, run SAM 2 on them, store the masks, for several strategies at once."""

    about = dict(
        name="apply_strategies",
        label="SAM 2: apply prompting strategies",
        description="Segment images with several ways of prompting SAM 2, in one pass",
        icon="content_cut",
    )

    def resolve_input(self, ctx) -> types.Property:
        inputs = types.Object()
        inputs.view_target(ctx, action_description="Segment")
        _strategy_inputs(inputs)
        _field_inputs(ctx, inputs)
        _model_inputs(inputs)
        _storage_inputs(inputs)
        _advanced_inputs(ctx, inputs)
        problem = _problem(ctx)
        if problem:
            forms.show_problem(inputs, problem)
        return types.Property(inputs, view=types.View(label="Apply SAM 2 prompting strategies"))

    def _steps(self, ctx):
        from ..prompting import appearance
        from ..prompting.application import apply

        plan, progress = make_plan(ctx.params), None
        yield forms.tell(ctx, 0.0, "loading the models")
        for progress in apply(ctx.target_view(require_flat=True), plan):
            yield forms.tell(ctx, forms.share(progress), forms.sentence(progress))
        if not ctx.delegated:
            if progress and not progress.total:
                yield ctx.ops.notify("All of these samples are done already; nothing to do.", variant="info")
            if progress and progress.failed:
                told = f"{progress.failed} of {progress.total} samples failed; their status fields say why."
                yield ctx.ops.notify(told, variant="warning")
            yield ctx.trigger("reload_dataset")
            yield ctx.ops.set_active_fields(appearance.shown_fields(ctx.dataset, plan.prefix, plan.strategies[0]))

    def __call__(self, sample_collection, delegate: bool = False, progress: bool = True, **params):
        """Apply strategies from Python.

        Args:
            sample_collection: a dataset or view of images
            delegate: queue the run for ``fiftyone delegated launch`` instead of running it now
            progress: show a progress bar
            **params: what :class:`prompting.plan.Plan` takes: ``strategies``, ``classes``, ``sam2_model``,
                ``clip_model``, ``yolo_model``, ``device``, ``prefix``, ``seed``, ``existing``, ``prompt_field``,
                ``field_rounds``, ``phrases``, ``background``, ``yolo_confidence``, ``batch_size``, ``heatmap``,
                ``encoder_precision``, ``compile``

        Returns:
            the last :class:`prompting.progress.Progress` (an operation's handle if delegated)

        Raises:
            PromptingError: what was wrong with the request, before any work is done
        """
        from ..prompting.application import apply

        forms.check_names(params, PARAMETERS)
        if delegate:
            plan = make_plan(params)  # a request that can't succeed isn't queued
            # as the form would have it: FiftyOne checks a request against the form, and fills in no defaults
            form = {"strategies": list(plan.strategies), "classes": ", ".join(plan.classes), "existing": plan.existing}
            return foo.execute_operator(
                self.uri, {"view": sample_collection.view()}, params={**params, **form}, request_delegation=True
            )
        last = None
        with tqdm(unit="image", disable=not progress) as bar:
            for last in apply(sample_collection, make_plan(params)):
                bar.total = last.total
                bar.update(last.done - bar.n)
        if last.failed:
            print(f"{last.failed} of {last.total} samples failed; their status fields say why.")
        return last


def make_plan(params: dict):
    """A plan from an operator's parameters; what is absent or empty takes the plan's default.

    Raises:
        PromptingError: a wrong value
    """
    from ..prompting.plan import Plan

    lists = ("strategies", "classes", "background")
    return Plan(**forms.chosen(params, PARAMETERS, lists=lists))


def _strategy_inputs(inputs: types.Object) -> None:
    from ..prompting.strategies import AUTOMATIC, STRATEGIES

    choices = {name: strategy.description for name, strategy in STRATEGIES.items()}
    forms.choose_several(inputs, "strategies", choices, AUTOMATIC, "Strategies")
    inputs.str("classes", default="person", label="Classes", description="Names, separated by commas")


def _field_inputs(ctx, inputs: types.Object) -> None:
    if not any(name.startswith("field_") for name in ctx.params.get("strategies") or ()):
        return
    fields = forms.label_fields(ctx.dataset, fo.Detections, fo.Keypoints, fo.Segmentation)
    forms.choose_one(inputs, "prompt_field", fields, next(iter(fields), None), "Field that gives the prompts")


def _model_inputs(inputs: types.Object) -> None:
    from ..prompting import models

    forms.suggest(
        inputs,
        "sam2_model",
        (models.AUTO, *models.SAM2_MODELS),
        models.AUTO,
        "SAM 2 model",
        "auto: large on CUDA, tiny elsewhere; nano: the bundled one, offline; or a checkpoint's path",
    )
    forms.suggest(
        inputs,
        "clip_model",
        (models.AUTO, *models.CLIP_MODELS),
        models.AUTO,
        "CLIP model",
        "auto: ViT-B-16-quickgelu/openai; nano: the bundled one; or any open_clip model/tag",
    )
    forms.suggest(
        inputs,
        "yolo_model",
        (models.AUTO, *models.YOLO_MODELS),
        models.AUTO,
        "Detector",
        "auto: yolo26x.pt; yolo26n.pt comes with the set-up; or any Ultralytics name or path",
    )


def _storage_inputs(inputs: types.Object) -> None:
    forms.choose_one(
        inputs,
        "existing",
        {
            "error": "stop, and change nothing",
            "skip": "keep them and do the others",
            "overwrite": "do them again",
        },
        "error",
        "Samples that have results",
    )


def _advanced_inputs(ctx, inputs: types.Object) -> None:
    inputs.bool("advanced", default=False, label="More options", view=types.SwitchView())
    if not ctx.params.get("advanced"):
        return
    inputs.str("prefix", default="sam2", label="Field prefix", description="Of all fields that are written")
    inputs.int("seed", default=0, label="Seed", description="Of the sampled points")
    inputs.bool("heatmap", default=False, label="Store CLIP's map", description="As a heatmap, to look at")
    inputs.str("background", label="Background phrases", description="For CLIP, separated by commas; empty: a list")
    inputs.float("yolo_confidence", default=0.25, label="Detector's confidence", description="Drop detections below")
    inputs.int("field_rounds", default=0, label="Corrective clicks", description="For field_* with masks")
    inputs.int("batch_size", label="Batch size", description="Pictures encoded at once; empty: what the device holds")
    precisions = {
        "auto": "bfloat16 where the device has instructions for it",
        "float32": "exact",
        "bfloat16": "faster, by no more than a thousandth of IoU worse",
    }
    forms.choose_one(inputs, "encoder_precision", precisions, "auto", "Precision of SAM 2's encoder")
    inputs.bool("compile", default=False, label="Compile the encoder", description="Minutes first, then faster")
    forms.suggest(inputs, "device", ("auto", "cuda", "mps", "cpu"), "auto", "Device")


def _problem(ctx) -> str | None:
    """What would stop the run, as far as it can be known without loading a model."""
    from ..prompting.errors import PromptingError

    if ctx.params.get("strategies") is None:
        return None  # the form isn't filled yet
    try:
        plan = make_plan(ctx.params)
        from ..prompting import checks

        view = ctx.target_view(require_flat=True)
        checks.check_collection(view)
        checks.check_fields(view, plan)
        checks.check_prompt_field(view, plan)
    except PromptingError as error:
        return str(error)
    return None
