"""``sweep_strategies``: many strategies on labelled pictures, raced, and the best of them told honestly."""

from __future__ import annotations

from collections.abc import Sequence

import fiftyone as fo
import fiftyone.operators.types as types

from ..prompting.analysis.racing import ERROR_RATE
from ..prompting.plan import Plan
from ..prompting.prompts.strategy import BOX, BOX_POINTS, FIELD, PLACES, POINTS, PRIORS, PROMPTS, RING, YOLO, Strategy
from . import forms
from .apply_answers import EACH, MODELS
from .base import RunOperator
from .following import follow, tell_steps
from .words import LABELS

PARTS = {
    "positives": (int, "1, 3, 5, 9", "Clicks inside, 0 to 20"),
    "negatives": (int, "0, 3", "Clicks outside, 0 to 20"),
    "margins": (int, "", "Percent that a box is grown by, -20 to 50; empty: as it is given"),
    "rounds": (int, "0", "Corrective clicks, 0 to 5"),
    "confidences": (float, "", "Regions of less are dropped, 0.01 to 0.99; empty: as the run says"),
}
"""Lists of numbers in the form: their type, what the form begins with, and a line of description."""
OF_THE_PLAN = (
    "classes", "sam2_model", "clip_model", "yolo_model", "device", "prefix", "seed", "prompt_field", "points_field",
    "yolo_confidence", "batch_size",
)  # fmt: skip
LISTS = ("strategies", "classes", "priors", "prompts", "negatives_on", *PARTS)


class SweepStrategies(RunOperator):
    """Score a grid of strategies, and recommend one."""

    about = dict(
        name="sweep_strategies",
        label="SAM 2: sweep strategies",
        description="Try many ways of prompting on labelled pictures, stop those that are behind, and recommend one",
        icon="grid_on",
    )
    Strategy = Strategy

    def resolve_input(self, ctx) -> types.Property:
        from ..prompting.errors import PromptingError

        inputs = types.Object()
        form = types.Property(inputs, view=types.View(label="Sweep prompting strategies"))
        inputs.view_target(ctx, action_description="Sweep")
        truths = forms.label_fields(ctx.dataset, fo.Detections, fo.Segmentation)
        if not truths:
            forms.show_problem(inputs, "There is no ground truth: the dataset has no Segmentation or Detections field.")
            return form
        truth = "ground_truth" if "ground_truth" in truths else next(iter(truths))
        forms.choose_one(inputs, "gt_field", truths, truth, LABELS["gt_field"])
        inputs.str("classes", default="person", required=True, label=LABELS["classes"])
        _choose(inputs, "priors", PRIORS, [YOLO], "What finds the instances")
        _choose(inputs, "prompts", PROMPTS, [BOX, POINTS, BOX_POINTS], "How each is said")
        _choose(inputs, "negatives_on", PLACES, [RING], "Where clicks outside go")
        for name, (_, begins, description) in PARTS.items():
            inputs.str(name, default=begins or None, label=name.capitalize(), description=description)
        if FIELD in (ctx.params.get("priors") or ()):
            there = forms.label_fields(ctx.dataset, fo.Detections, fo.Keypoints, fo.Segmentation)
            forms.choose_one(inputs, "prompt_field", there, next(iter(there), None), LABELS["prompt_field"])
        inputs.bool("racing", default=True, label="Stop strategies that are behind by more than chance")
        for name in MODELS:
            inputs.str(name, default="auto", label=LABELS[name], description="auto, nano, or a name or a path")
        try:
            strategies, _ = _asked(ctx.params)
            inputs.view("count", types.Notice(label=f"{len(strategies)} strategies: {_first(strategies)}"))
        except PromptingError as error:
            forms.show_error(inputs, error)
        return form

    def _steps(self, ctx):
        from ..prompting.runs.sweep import sweep

        ended: list = []
        yield forms.tell(ctx, 0.0, "loading the models")
        yield from tell_steps(ctx, sweep(ctx.target_view(require_flat=True), _plan(ctx.params)), ended, "pictures")
        if not ctx.delegated:
            yield ctx.trigger("reload_dataset")
            best = ended[-1].best
            models = {name: ctx.params[name] for name in MODELS if ctx.params.get(name)}
            kept = {name: ctx.params[name] for name in ("classes", "prompt_field") if ctx.params.get(name)}
            params = {"strategies": [best.name], "models": EACH, **models, **kept}
            apply = (f"Apply {best.spelling}", self.uri.replace("sweep_", "apply_"), params)
            yield forms.show_tables(ctx, ended[-1].tables(), then=apply)

    def __call__(
        self,
        sample_collection,
        gt_field: str,
        strategies: Sequence[str | Strategy] | None = None,
        priors: Sequence[str] = (YOLO,),
        prompts: Sequence[str] = (BOX, POINTS, BOX_POINTS),
        positives: Sequence[int] = (1, 3, 5, 9),
        negatives: Sequence[int] = (0, 3),
        negatives_on: Sequence[str] = (RING,),
        margins: Sequence[int | None] = (None,),
        rounds: Sequence[int] = (0,),
        confidences: Sequence[float | None] = (None,),
        racing: bool = True,
        error_rate: float = ERROR_RATE,
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
        yolo_confidence: float = Plan.yolo_confidence,
        batch_size: int | None = Plan.batch_size,
        progress: bool = True,
    ):
        """Sweep from Python; nothing is written but the study, as the registered run ``<prefix>_study``.

        Args:
            sample_collection: a dataset or view; samples without a truth are left out
            gt_field: the truth, a Segmentation or Detections with instance masks
            strategies: names, spellings or values; by default all that the grid of the next eight makes
            priors: what finds the instances, of ``clip``, ``yolo`` and ``field``
            prompts: how each is said, of ``point``, ``box``, ``points`` and ``box+points``
            positives: numbers of clicks inside, 0 to 20
            negatives: numbers of clicks outside, 0 to 20
            negatives_on: where those go, of ``ring``, ``others`` and ``both``
            margins: percents by which a box is grown, -20 to 50; None: as the prior gives it
            rounds: numbers of corrective clicks, 0 to 5
            confidences: below which regions are dropped, 0.01 to 0.99; None: as the run says
            racing: stop strategies that are behind the leader by more than chance; False runs all to the end
            error_rate: the probability with which the race may stop the strategy that is best in truth
            ignore_values: values of the truth's masks that count for nothing, instead of void's
            classes: what to segment; class i has the value i + 1
            sam2_model: as in ``apply_strategies``
            clip_model: as in ``apply_strategies``
            yolo_model: as in ``apply_strategies``
            device: ``auto``, ``cuda``, ``mps`` or ``cpu``
            prefix: under which the study is kept
            seed: of the clicks, and of the order in which pictures are looked at
            prompt_field: the field that ``field`` takes its prompts from
            points_field: Keypoints that belong to the boxes of ``prompt_field``
            yolo_confidence: detections below it are dropped, where a strategy doesn't say itself
            batch_size: pictures encoded at once; None: what the device holds
            progress: show a progress bar

        Returns:
            the study: ``print`` it, take ``best`` (a strategy to apply), ``table`` (pandas), ``honest`` (the best's
            score on pictures that didn't choose it), ``front``, ``curve("positives")``, or ``plot()``

        Raises:
            ValueError: what was wrong with the request, in one sentence, before any work is done
        """
        from ..prompting.runs.sweep import sweep

        given = {name: value for name, value in locals().items() if name in self.parameters and value is not None}
        return follow(sweep(sample_collection, _plan(given)), progress)

    def last(self, dataset, prefix: str = "sam2"):
        """The study of the last sweep of a dataset, finished or not; None where there was none."""
        from ..prompting.dataset.studies import load_study

        return load_study(dataset, prefix)


def _choose(inputs: types.Object, name: str, values: Sequence[str], default: Sequence[str], label: str) -> None:
    forms.choose_several(inputs, name, {value: "" for value in values}, default, label)


def _first(strategies: Sequence[Strategy]) -> str:
    more = ", …" if len(strategies) > 6 else ""
    return ", ".join(strategy.spelling for strategy in strategies[:6]) + more


def _plan(given: dict):
    from ..prompting.runs.sweep import SweepPlan

    strategies, named = _asked(given)
    told = {name: named[name] for name in ("racing", "error_rate", "ignore_values") if name in named}
    of_plan = {name: named[name] for name in OF_THE_PLAN if name in named}
    return SweepPlan(Plan(strategies=tuple(s.name for s in strategies), **of_plan), named.get("gt_field"), **told)


def _asked(params: dict) -> tuple[list[Strategy], dict]:
    """The strategies that are asked for, and what else is."""
    from ..prompting.prompts.grid import grid
    from ..prompting.prompts.strategies import strategies_named

    given = {name: value for name, value in params.items() if value not in (None, "", [], ())}
    for name in LISTS:
        if name in given and name not in PARTS:
            given[name] = forms.names(given[name]) if isinstance(given[name], str) else tuple(given[name])
    if "strategies" in given:
        return strategies_named(given["strategies"]), given
    parts = {name: given[name] for name in ("priors", "prompts", "negatives_on") if name in given}
    parts |= {name: _numbers(name, given[name], kind) for name, (kind, *_) in PARTS.items() if name in given}
    return grid(**{"priors": (YOLO,), **parts}), given


def _numbers(name: str, values, kind: type) -> tuple:
    """A list of numbers, or text with commas; None stays."""
    from ..prompting.errors import PromptingError

    parts = values.split(",") if isinstance(values, str) else values if isinstance(values, Sequence) else (values,)
    try:
        return tuple(kind(part) if isinstance(part, str) else part for part in parts)
    except ValueError:
        raise PromptingError(f"{name} are numbers with commas between them, not {values!r}.", name) from None
