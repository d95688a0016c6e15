"""What the answers to ``apply_strategies``' form mean, and which ones it begins with."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields

from ..prompting.dataset.records import PARAMETERS_OF
from ..prompting.errors import PromptingError
from ..prompting.plan import SKIP, Plan
from ..prompting.prompts.strategies import strategy_of
from ..prompting.prompts.strategy import CLIP
from . import composing, forms

PARAMETERS = tuple(field.name for field in fields(Plan))
LISTS = ("strategies", "classes", "background")
MODELS = ("sam2_model", "clip_model", "yolo_model")
OFFICIAL, BUNDLED, EACH = "official", "bundled", "each"
ADVANCED = (
    "prefix", "seed", "heatmap", "background", "yolo_confidence", "yolo_imgsz", "field_rounds", "batch_size",
    "encoder_precision", "keep_rounds", "compile", "device",
)  # fmt: skip
ONLY_WITH = {**PARAMETERS_OF, CLIP: {*PARAMETERS_OF[CLIP], "heatmap"}}
"""Prior -> parameters that mean nothing, and aren't asked, where no strategy uses it."""


def plan_of(params: dict) -> Plan:
    """A plan from the form's answers; what is absent or empty takes the plan's default.

    Raises:
        PromptingError: a wrong value
    """
    given = forms.chosen(params, PARAMETERS, lists=LISTS)
    for name in ("strategies", "classes"):
        if params.get(name) in ("", []):  # emptied, and not left as it was
            given[name] = ()
    own = composing.composed(params)
    if own is not None:
        given["strategies"] = (*given.get("strategies", Plan.strategies), own.name)
    used = priors_of(given.get("strategies", Plan.strategies))
    unused = {name for prior, names in ONLY_WITH.items() if prior not in used for name in names}
    model = {OFFICIAL: "auto", BUNDLED: "nano"}.get(params.get("models"))
    given = {name: value for name, value in given.items() if name not in unused}
    return Plan(**{**given, **(dict.fromkeys(MODELS, model) if model else {})})


def begins_with(ctx) -> dict:
    """The form's defaults: the last run's answers, else the plan's."""
    from ..prompting.dataset.last_run import last_asked

    asked = last_asked(ctx.dataset, ctx.user_id)
    begins = {
        **{name: getattr(Plan, name, None) for name in PARAMETERS},
        **asked,
        "existing": SKIP,
        "models": _kind_of(asked),
        "advanced": any(asked.get(name, getattr(Plan, name, None)) != getattr(Plan, name, None) for name in ADVANCED),
    }
    # whoever named models and didn't say how they were chosen, named each
    return {**begins, "models": EACH} if any(ctx.params.get(name) for name in MODELS) else begins


def _kind_of(asked: dict) -> str:
    """How the models of a run had been chosen; bundled only where somebody chose them."""
    used = {"sam2_model"} | {f"{prior}_model" for prior in priors_of(asked.get("strategies", Plan.strategies))}
    named = {asked.get(name, "auto") for name in used & set(MODELS)}
    if named == {"auto"}:
        return OFFICIAL
    return BUNDLED if named <= {"nano", "yolo26n.pt"} else EACH


def priors_of(strategies) -> set[str]:
    """What finds the prompts of these strategies; names that are none are left to the plan."""
    return {strategy_of(name).prior for name in known(strategies)}


def known(strategies) -> list[str]:
    """Those of these names and spellings that mean a strategy, as names."""
    names = []
    for said in strategies or ():
        with suppress(PromptingError):
            names.append(strategy_of(said).name)
    return list(dict.fromkeys(names))
