"""From a plan to a runner: the one place that loads models and wires priors to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..models import catalogue
from ..pixels.label_masks import Encoding
from ..plan import Plan
from ..priors.clip import ClipPrior, ClipSettings
from ..priors.fields import FieldPrior
from ..priors.yolo import YoloPrior
from ..prompts.strategies import CLIP, FIELD, YOLO
from ..runner import Runner


def build_runner(plan: Plan, encoding: Encoding | None = None, between: Callable[[], None] = lambda: None) -> Runner:
    """Load the models that a resolved plan needs.

    Args:
        plan: a plan without ``auto``
        encoding: of the masks of a Segmentation prompt field
        between: called after each model, and by the runner after each picture; it may raise to end the run

    Raises:
        PromptingError: a model can't be had, or doesn't know a class
    """
    priors = {}
    if plan.uses(YOLO):
        priors[YOLO] = YoloPrior(
            catalogue.load_yolo(plan.yolo_model), plan.classes, plan.yolo_confidence, plan.device, plan.yolo_imgsz
        )
        between()
    if plan.uses(CLIP):
        settings = ClipSettings(phrases=dict(plan.phrases), background=plan.background, heatmap=plan.heatmap)
        clip = catalogue.load_clip(plan.clip_model, plan.device)
        priors[CLIP] = ClipPrior(*clip, plan.classes, settings, plan.device, plan.encoder_precision)
        between()
    if plan.uses(FIELD):
        priors[FIELD] = FieldPrior(plan.classes, encoding)
    segmenter = catalogue.load_sam2(plan.sam2_model, plan.device).at(plan.encoder_precision, plan.compile)
    between()
    rounds = {strategy.name: plan.field_rounds for strategy in plan.chosen if strategy.prior == FIELD}
    return Runner(segmenter, priors, plan.chosen, plan.classes, plan.seed, rounds, between)


def settled(plan: Plan, runner: Runner) -> Plan:
    """The plan with what only its loaded models could tell."""
    return replace(plan, yolo_imgsz=runner.priors[YOLO].imgsz) if plan.uses(YOLO) else plan
