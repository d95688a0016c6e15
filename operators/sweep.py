"""``sweep_strategies``: many strategies on labelled pictures, raced, and the best of them told honestly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..prompting.analysis.racing import ERROR_RATE, WORTH
from ..prompting.plan import Plan
from ..prompting.prompts.grid import Grid
from ..prompting.prompts.strategy import Strategy
from . import engine_choice, forms, sweep_form
from .base import RunOperator
from .best_of_sweep import params_for_best
from .following import follow, tell_steps
from .sweep_answers import plan_of


class SweepStrategies(RunOperator):
    """Score a grid of strategies, and recommend one."""

    about = dict(
        name="sweep_strategies",
        label="SAM 2: sweep strategies",
        description="Try many ways of prompting on labelled pictures, stop those with nothing to win, recommend one",
        icon="grid_on",
    )
    Strategy = Strategy

    def resolve_input(self, ctx):
        return sweep_form.resolve(ctx)

    def _steps(self, ctx):
        from ..prompting.runs.sweep import sweep

        plan, ended = plan_of(ctx.params), []
        engine = engine_choice.engine_of_request(ctx.params)
        yield forms.tell(ctx, 0.0, "loading the models")
        yield from tell_steps(ctx, sweep(ctx.target_view(require_flat=True), plan, engine), ended, "pictures")
        if not ctx.delegated:
            yield ctx.trigger("reload_dataset")
            uri, params = self.uri.replace("sweep_", "apply_"), params_for_best(ctx.dataset, plan.plan.prefix)
            yield forms.show_tables(ctx, ended[-1].tables(), then=(f"Apply {ended[-1].best.spelling}", uri, params))

    def __call__(
        self,
        sample_collection,
        gt_field: str,
        strategies: Sequence[str | Strategy] | None = None,
        priors: Sequence[str] = Grid.priors,
        prompts: Sequence[str] = Grid.prompts,
        positives: Sequence[int] = Grid.positives,
        negatives: Sequence[int] = Grid.negatives,
        negatives_on: Sequence[str] = Grid.negatives_on,
        margins: Sequence[int | None] = Grid.margins,
        rounds: Sequence[int] = Grid.rounds,
        confidences: Sequence[float | None] = Grid.confidences,
        racing: bool = True,
        error_rate: float = ERROR_RATE,
        worth: float = WORTH,
        ignore_values: Sequence[int] | None = None,
        classes: Sequence[str] = Plan.classes,
        sam2_model: str = Plan.sam2_model,
        clip_model: str = Plan.clip_model,
        yolo_model: str = Plan.yolo_model,
        device: str = Plan.device,
        prefix: str = Plan.prefix,
        seed: int = Plan.seed,
        prompt_field: str | None = Plan.prompt_field,
        points_field: str | None = Plan.points_field,
        references=Plan.references,
        reference_field: str | None = Plan.reference_field,
        phrases: Mapping[str, Sequence[str]] | None = None,
        background: Sequence[str] | None = Plan.background,
        yolo_confidence: float = Plan.yolo_confidence,
        yolo_imgsz: int | None = Plan.yolo_imgsz,
        batch_size: int | None = Plan.batch_size,
        encoder_precision: str = Plan.encoder_precision,
        engine: str = engine_choice.HERE,
        workers: int | None = None,
        ray_address: str | None = None,
        cpus_per_worker: int = 1,
        gpus_per_worker: float | None = None,
        progress: bool = True,
    ):
        """Sweep from Python; nothing is written but the study, as the registered run ``<prefix>_study``.

        Args:
            sample_collection: a dataset or view; samples without a truth are left out
            gt_field: the truth, a Segmentation or Detections with instance masks
            strategies: names, spellings or values; by default all that the grid of the next eight makes
            priors: what finds the instances, of ``clip``, ``yolo``, ``field`` and ``reference``
            prompts: how each is said, of ``point``, ``box``, ``points`` and ``box+points``
            positives: numbers of clicks inside, 0 to 20
            negatives: numbers of clicks outside, 0 to 20
            negatives_on: where those go, of ``ring``, ``others`` and ``both``
            margins: percents by which a box is grown, -20 to 50; None: as the prior gives it
            rounds: numbers of corrective clicks, 0 to 5
            confidences: below which regions are dropped, 0.01 to 0.99; None: as the run says
            racing: stop strategies that have nothing to win any more, one that costs no more being sure not to be
                beaten by them; False runs all to the end
            error_rate: the probability with which the race may lose the strategy that is best on all pictures
            worth: a difference of mean IoU that is none: by no more is one lost, or paid for in decoder calls
            ignore_values: values of the truth's masks that count for nothing, instead of void's
            classes: what to segment; class i has the value i + 1
            sam2_model: as in ``apply_strategies``
            clip_model: as in ``apply_strategies``
            yolo_model: as in ``apply_strategies``
            device: ``auto``, ``cuda``, ``mps`` or ``cpu``
            prefix: under which the study is kept, in place of the last one
            seed: of the clicks, and of the order in which pictures are looked at
            prompt_field: the field that ``field`` takes its prompts from
            points_field: Keypoints that belong to the boxes of ``prompt_field``
            references: as in ``apply_strategies``; these pictures aren't scored
            reference_field: as in ``apply_strategies``
            phrases: as in ``apply_strategies``
            background: as in ``apply_strategies``
            yolo_confidence: detections below it are dropped, where a strategy doesn't say itself
            yolo_imgsz: as in ``apply_strategies``
            batch_size: pictures encoded at once; None: what the device holds
            encoder_precision: as in ``apply_strategies``
            engine: ``here`` or ``ray``, workers by Ray: this and the next four as in ``apply_strategies``
            workers: how many; they wait for each other after every eight pictures
            ray_address: of a cluster, or ``auto``
            cpus_per_worker: processors of each, and threads
            gpus_per_worker: GPUs of each
            progress: show a progress bar

        Returns:
            the study: ``print`` it, take ``best`` (a strategy to apply), ``table`` (pandas), ``honest`` (the best's
            score on pictures that didn't choose it), ``front``, ``curve("positives")``, or ``plot()``

        Raises:
            ValueError: what was wrong with the request, in one sentence, before any work is done
        """
        from ..prompting.dataset.given_references import as_references
        from ..prompting.runs.sweep import sweep

        crew = engine_choice.engine_of(locals())
        references = as_references(references, sample_collection, reference_field)
        given = {name: value for name, value in locals().items() if name in self.parameters and value is not None}
        return follow(sweep(sample_collection, plan_of(given), crew), progress)

    def last(self, dataset, prefix: str = "sam2"):
        """The study of the last sweep of a dataset, finished or not; None where there was none."""
        from ..prompting.dataset.checks import check_collection
        from ..prompting.dataset.studies import load_study

        check_collection(dataset)
        return load_study(dataset._dataset, prefix)
