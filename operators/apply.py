"""``apply_strategies``: SAM 2 masks of several prompting strategies in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from os import PathLike

import fiftyone.operators as foo

from ..prompting.plan import Plan
from ..prompting.prompts.strategy import Strategy
from . import apply_form, engine_choice, forms, mask_folder
from .apply_answers import LISTS, PARAMETERS, plan_of
from .base import RunOperator
from .following import advance, progress_bar
from .recorded_answers import answers_of


class ApplyStrategies(RunOperator):
    """Find prompts, run SAM 2 on them, store the masks, for several strategies at once."""

    about = dict(
        name="apply_strategies",
        label="SAM 2: apply prompting strategies",
        description="Apply several ways of prompting SAM 2 to images, in one pass",
        icon="content_cut",
    )
    Strategy = Strategy

    def resolve_input(self, ctx):
        return apply_form.resolve(ctx)

    def _steps(self, ctx):
        from ..prompting.dataset import appearance
        from ..prompting.dataset.last_run import remember
        from ..prompting.dataset.outcome import outcomes
        from ..prompting.runs.application import apply

        mask_folder.check(ctx.params)
        plan, progress = plan_of(ctx.params), None
        engine = engine_choice.engine_of_request(ctx.params)
        first = "starting the workers" if ctx.params.get("engine") == engine_choice.RAY else "loading the models"
        yield forms.tell(ctx, 0.0, first)
        for step in apply(ctx.target_view(require_flat=True), plan, engine):
            if not step.doing:
                if progress is None:  # the request was accepted
                    remember(plan, ctx.user_id)
                progress = step
            yield forms.tell(ctx, forms.share(step), forms.sentence(step))
        if not ctx.delegated:
            if progress and not progress.total:
                yield ctx.ops.notify("All of these samples are done already; nothing to do.", variant="info")
            if progress and progress.failed:
                told = f"{progress.failed} of {progress.total} samples failed; their status fields say why."
                yield ctx.ops.notify(told, variant="warning")
            if progress and progress.total:
                lines = outcomes(ctx.target_view(require_flat=True), plan.prefix, plan.strategies)
                yield ctx.ops.notify("\n".join(f"- {line}" for line in lines), variant="success")
            yield ctx.trigger("reload_dataset")
            yield ctx.ops.set_active_fields(appearance.active_fields(ctx.dataset, plan.prefix, plan.strategies[0]))

    def __call__(
        self,
        sample_collection,
        strategies: Sequence[str | Strategy] = Plan.strategies,
        classes: Sequence[str] = Plan.classes,
        sam2_model: str = Plan.sam2_model,
        clip_model: str = Plan.clip_model,
        yolo_model: str = Plan.yolo_model,
        device: str = Plan.device,
        prefix: str = Plan.prefix,
        seed: int = Plan.seed,
        existing: str = Plan.existing,
        prompt_field: str | None = Plan.prompt_field,
        points_field: str | None = Plan.points_field,
        field_rounds: int = Plan.field_rounds,
        references=Plan.references,
        reference_field: str | None = Plan.reference_field,
        phrases: Mapping[str, Sequence[str]] | None = None,
        background: Sequence[str] | None = Plan.background,
        yolo_confidence: float = Plan.yolo_confidence,
        yolo_imgsz: int | None = Plan.yolo_imgsz,
        batch_size: int | None = Plan.batch_size,
        heatmap: bool = Plan.heatmap,
        keep_rounds: bool = Plan.keep_rounds,
        encoder_precision: str = Plan.encoder_precision,
        compile: bool = Plan.compile,
        mask_dir: str | PathLike | None = Plan.mask_dir,
        rel_dir: str | PathLike | None = Plan.rel_dir,
        engine: str = engine_choice.HERE,
        workers: int | None = None,
        ray_address: str | None = None,
        cpus_per_worker: int = 1,
        gpus_per_worker: float | None = None,
        delegate: bool = False,
        progress: bool = True,
    ):
        """Apply strategies from Python.

        Args:
            sample_collection: a dataset or view of images
            strategies: names, spellings (``yolo:box+5p3n@2``) or values, see the README; default: all that find their
                prompts by themselves and have names
            classes: what to segment; class i becomes mask value i + 1
            sam2_model: ``auto`` (large on CUDA, tiny elsewhere), ``sam2.1-hiera-tiny``, ``-small``, ``-base-plus`` or
                ``-large``, a checkpoint's path, or ``nano``, the bundled one
            clip_model: ``auto`` (``ViT-B-16-quickgelu/openai``), any open_clip ``model/tag``, or ``nano``
            yolo_model: ``auto`` (``yolo26x.pt``, or ``yolo26x-seg.pt`` where a strategy needs masks), any Ultralytics
                name, a path that the server allows, or ``nano``
            device: ``auto``, ``cuda``, ``mps`` or ``cpu``
            prefix: of all fields that are written
            seed: of the sampled points
            existing: what to do with samples that have results: ``error`` (stop, and change nothing), ``skip`` (keep
                them and do the others), or ``overwrite``
            prompt_field: the field that ``field_*`` strategies take their prompts from
            points_field: Keypoints that belong to the boxes of ``prompt_field``; its instances then have both
            field_rounds: corrective clicks for ``field_*`` strategies, where the field has masks
            references: labelled pictures that show ``reference_*`` strategies what to look for: a view, a tag, or ids
            reference_field: the field with their masks, a Segmentation or Detections
            phrases: class -> what CLIP looks for, instead of the built-in phrases
            background: what competes with the classes for CLIP, instead of the built-in phrases
            yolo_confidence: detections below it are dropped, 0 to 1
            yolo_imgsz: side in pixels to which the detector's pictures are brought; None: at which it was trained
            batch_size: pictures encoded at once; None: what the device holds
            heatmap: also store what CLIP sees, as a Heatmap
            keep_rounds: also store the mask that each instance had before and after each corrective click
            encoder_precision: ``auto``, ``float32`` or ``bfloat16``
            compile: let ``torch.compile`` make SAM 2's encoder faster, which takes minutes first
            mask_dir: a folder for the masks, as PNG files below a folder of the dataset's own; None: they go into the
                samples' documents, which MongoDB keeps to 16 MB each
            rel_dir: the folder below which the pictures lie: their own folders are made again in ``mask_dir``
            engine: ``here``, this process, or ``ray``, workers by Ray, on this machine or a cluster, see the README
            workers: how many; None: as many as there is room for that nobody uses
            ray_address: of a cluster, ``host:port``, or ``auto`` for the one that this machine belongs to; None:
                the one that this process is connected to (``ray.init``), else workers on this machine
            cpus_per_worker: processors that a worker keeps from others, and threads that it computes with
            gpus_per_worker: GPUs of a worker, less than 1 where several share one; None: 1 where there are any
            delegate: queue the run for ``fiftyone delegated launch`` instead of running it now
            progress: show a progress bar

        Returns:
            how far the run came, with ``done``, ``total`` and ``failed`` samples (an operation's handle if delegated)

        Raises:
            ValueError: what was wrong with the request, in one sentence, before any work is done
        """
        from ..prompting.dataset.given_references import as_references
        from ..prompting.dataset.last_run import remember
        from ..prompting.runs.application import apply

        asked = {name: value for name, value in locals().items() if name in engine_choice.PARAMETERS}
        crew = engine_choice.engine_of(asked)
        given = {name: value for name, value in locals().items() if name in PARAMETERS}
        for name in LISTS:  # text with commas will do
            given[name] = forms.names(given[name])
        given["references"] = as_references(references, sample_collection, reference_field)
        plan = Plan(**{**given, "phrases": {} if phrases is None else phrases})
        if delegate:  # a request that can't succeed isn't queued
            mask_folder.check(given)
            # as the form would have it: FiftyOne checks a request against the form, and fills in no defaults
            answers = answers_of(asdict(plan), PARAMETERS) | engine_choice.changed(asked)
            return foo.execute_operator(
                self.uri, {"view": sample_collection.view()}, params=answers, request_delegation=True
            )
        last = None
        with progress_bar(progress) as bar:
            for step in apply(sample_collection, plan, crew):
                if last is None and not step.doing:  # the request was accepted
                    remember(plan)
                last = last if step.doing else step
                advance(bar, step)
        if last.failed:
            print(f"{last.failed} of {last.total} samples failed; their status fields say why.")
        return last
