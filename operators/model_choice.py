"""Which models a form's run takes: the official ones, the bundled ones, or each by its name."""

from __future__ import annotations

from dataclasses import replace

import fiftyone.operators.types as types

from ..prompting.plan import Plan
from ..prompting.prompts.strategies import known, priors_of
from ..prompting.prompts.strategy import CLIP, REFERENCE, YOLO
from . import forms
from .words import LABELS

MODELS = ("sam2_model", "clip_model", "yolo_model")
OF_PRIOR = {CLIP: "clip_model", REFERENCE: "clip_model", YOLO: "yolo_model"}
"""Prior -> the model that it needs beside SAM 2."""
ANY = {"prompt_field": "any", "references": "any", "reference_field": "any"}
OFFICIAL, BUNDLED, EACH = "official", "bundled", "each"
NAMED = {OFFICIAL: "auto", BUNDLED: "nano"}
"""What each model's name is where all are chosen at once."""
ELSEWHERE = dict.fromkeys(MODELS, "models")
"""Where a parameter's error is shown whose own field isn't."""


def ask(inputs: types.Object, begins: dict, now: dict) -> None:
    """The choice, and behind the last of it the models that the strategies need.

    Args:
        inputs: the form
        begins: its defaults, with ``models`` and :data:`MODELS`
        now: the same with what is filled in so far, and the ``strategies`` and the ``device``
    """
    from ..prompting.models import catalogue

    choices = {
        OFFICIAL: ("Official models", _inventory(now)),
        BUNDLED: ("Bundled, small, offline", "For a first look and for tests; for real work take the official ones"),
        EACH: ("Choose each", "By name, or by a checkpoint's path"),
    }
    forms.choose_by_button(inputs, "models", choices, begins["models"])
    if now["models"] != EACH:
        return
    detector = "auto: yolo26x.pt, or yolo26x-seg.pt where strategies need masks; or any Ultralytics name or path"
    names = {
        "sam2_model": ("auto: large on CUDA, tiny elsewhere; or a checkpoint's path", catalogue.SAM2_MODELS),
        "clip_model": ("auto: ViT-B-16-quickgelu/openai; or any open_clip model/tag", catalogue.CLIP_MODELS),
        "yolo_model": (detector, catalogue.YOLO_MODELS),
    }
    used = {"sam2_model", *(OF_PRIOR[prior] for prior in priors_of(now["strategies"]) & set(OF_PRIOR))}
    for name, (description, suggestions) in names.items():
        if name in used:
            default = begins[name]
            forms.suggest(inputs, name, (catalogue.AUTO, *suggestions), default, LABELS[name], description)


def chosen(params: dict) -> dict[str, str]:
    """The models that the answers name all at once; none where each is named by itself."""
    name = NAMED.get(params.get("models"))
    return dict.fromkeys(MODELS, name) if name else {}


def begun_with(asked: dict, params: dict) -> str:
    """How the models of the last run had been chosen; bundled only where somebody chose them.

    Args:
        asked: that run's parameters
        params: the answers so far: whoever named models and didn't say how they were chosen, named each
    """
    if any(params.get(name) for name in MODELS):
        return EACH
    from ..prompting.models import catalogue

    plan = Plan(known(asked.get("strategies", ())) or Plan.strategies, **ANY)
    used = {"sam2_model", *(OF_PRIOR[prior] for prior in priors_of(plan.strategies) & set(OF_PRIOR))}
    named = {asked.get(name, catalogue.AUTO) for name in used & set(MODELS)}
    if named == {catalogue.AUTO}:
        return OFFICIAL
    bundled = {catalogue.NANO, catalogue.resolve_yolo(catalogue.NANO, plan.detects_masks)}
    return BUNDLED if named <= bundled else EACH


def _inventory(now: dict) -> str:
    """The official models that the chosen strategies need, each with its size and whether it is here."""
    from ..prompting.models.availability import needed

    asked = {"strategies": known(now["strategies"]) or Plan.strategies}
    plan = replace(Plan(), **dict.fromkeys(MODELS, "auto"), device=now["device"] or "auto")
    # these aren't asked for here, and a plan insists on them
    return ", ".join(map(str, needed(replace(plan, **ANY, **asked))))
