"""From a plan to a runner: the one place that knows the models, and wires priors to them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from ..models import catalogue
from ..models.availability import check_models
from ..models.files import sha256_of
from ..plan import AUTO, Plan
from ..priors.base import Given, Prior
from ..prompts.strategies import strategy_of
from ..prompts.strategy import CLIP, FIELD, OF_MAPS, REFERENCE, YOLO
from ..segmentation.precision import resolve_precision
from ..steps import Steps, ended

if TYPE_CHECKING:
    from ..runner import Runner
    from ..segmentation.segmenter import Segmenter


PRIORS = {YOLO: "yolo", CLIP: "clip", FIELD: "fields", REFERENCE: "reference"}
"""Prior -> the module of priors/ whose ``build`` makes it; imported where a plan uses it, for torch comes with some."""


def _prior(name: str, plan: Plan, given: Given) -> Steps[Prior]:
    module = import_module(f"..priors.{PRIORS[name]}", __package__)
    made = module.build(plan, catalogue, given)
    return (yield from made) if isinstance(made, Generator) else made


def build_runner(plan: Plan, given: Given | None = None, between: Callable[[], None] = lambda: None) -> Runner:
    """:func:`runner_steps` in one go."""
    return ended(runner_steps(plan, given, between))


def runner_steps(plan: Plan, given: Given | None = None, between: Callable[[], None] = lambda: None) -> Steps[Runner]:
    """Load the models that a resolved plan needs, and learn what reference pictures show.

    Args:
        plan: a plan without ``auto``
        given: what the dataset has for priors
        between: called after each model, and by the runner after each picture; it may raise to end the run

    Yields:
        (reference pictures learned from, reference pictures); the generator returns the runner

    Raises:
        ModelUnavailable: models can't be had; all of them are named before the first is loaded
        PromptingError: a model doesn't know a class, or the references don't show it
    """
    from ..runner import Runner

    check_models(plan)
    priors = {}
    for name in filter(plan.uses, PRIORS):
        priors[name] = yield from _prior(name, plan, given or Given())
        between()
    segmenter = load_segmenter(plan.sam2_model, plan.device, plan.encoder_precision, plan.compile)
    between()
    rounds = {strategy.name: plan.rounds_of(strategy) for strategy in plan.chosen}
    least = {YOLO: plan.yolo_confidence}
    return Runner(segmenter, priors, plan.chosen, plan.classes, plan.seed, rounds, between, plan.keep_rounds, least)


def load_segmenter(model: str, device: str, precision: str, compile: bool = False) -> Segmenter:
    """SAM 2 by its name, with an encoder of some precision.

    Raises:
        PromptingError: it can't be had
    """
    return catalogue.load_sam2(model, device).at(precision, compile)


def resolved(plan: Plan) -> Plan:
    """A plan with every ``auto`` replaced by what it means on this machine.

    Raises:
        PromptingError: a device that can't be used here
    """
    from ..segmentation.memory import automatic_batch  # torch comes with it

    device = usable_device(plan.device)
    sam2_model = catalogue.resolve_sam2(plan.sam2_model, device)
    return replace(
        plan,
        device=device,
        encoder_precision=resolve_precision(plan.encoder_precision, device),
        batch_size=plan.batch_size or automatic_batch(device, sam2_model),
        sam2_model=sam2_model,
        clip_model=catalogue.resolve_clip(plan.clip_model),
        yolo_model=catalogue.resolve_yolo(plan.yolo_model, plan.detects_masks),
    )


def usable_device(device: str) -> str:
    """What a device's name means here.

    Raises:
        PromptingError: it can't be used
    """
    device = catalogue.best_device() if device == AUTO else device
    catalogue.check_device(device)
    return device


def settled(plan: Plan, runner: Runner) -> Plan:
    """The plan with what only its loaded models could tell."""
    return replace(plan, yolo_imgsz=runner.priors[YOLO].imgsz) if plan.uses(YOLO) else plan


def settle(plan: Plan, strategy: str) -> tuple[Plan, dict[str, str]]:
    """What a plan means for a strategy on this machine: the plan without ``auto``, and its weights' SHA-256."""
    plan = resolved(plan)
    return plan, weights_of(plan, strategy)


def weights_of(plan: Plan, strategy: str) -> dict[str, str]:
    """The SHA-256 of each of a strategy's models, as far as their files are on this machine."""
    files = {"sam2_sha256": catalogue.sam2_file(plan.sam2_model, plan.device)}
    prior = strategy_of(strategy).prior
    if prior in OF_MAPS:
        files["clip_sha256"] = catalogue.clip_file(plan.clip_model)
    if prior == YOLO:
        files["yolo_sha256"] = catalogue.yolo_file(plan.yolo_model)
    return {name: found for name, path in files.items() if (found := sha256_of(path))}


def sam2_weights(model: str, device: str) -> str | None:
    """The SHA-256 of the file that a SAM 2's weights are in; None where it isn't on this machine."""
    return sha256_of(catalogue.sam2_file(model, device))
