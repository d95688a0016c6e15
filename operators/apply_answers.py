"""What the answers to ``apply_strategies``' form mean, and which ones it begins with."""

from __future__ import annotations

from dataclasses import fields

from ..prompting.dataset.records import PARAMETERS_OF, REFERENCES
from ..prompting.plan import SKIP, Plan
from ..prompting.prompts.strategies import priors_of
from ..prompting.prompts.strategy import CLIP
from . import composing, engine_choice, forms, mask_folder, model_choice

PARAMETERS = tuple(field.name for field in fields(Plan) if field.name != REFERENCES)
LISTS = ("strategies", "classes", "background")
ADVANCED = (
    "prefix", "seed", "heatmap", "background", "yolo_confidence", "yolo_imgsz", "field_rounds", "batch_size",
    "encoder_precision", "keep_rounds", "compile", "device", "mask_dir", "rel_dir", *engine_choice.PARAMETERS,
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
    unused -= {name for prior in used for name in ONLY_WITH.get(prior, ())}
    given = {name: value for name, value in given.items() if name not in unused}
    if "mask_dir" not in given:  # the form doesn't ask then
        given.pop("rel_dir", None)
    return Plan(**given | model_choice.chosen(params))


def begins_with(ctx) -> dict:
    """The form's defaults: the last run's answers, else the plan's."""
    from ..prompting.dataset.last_run import last_asked

    asked = mask_folder.allowed(last_asked(ctx.dataset, ctx.user_id))
    return {
        **{name: getattr(Plan, name, None) for name in PARAMETERS},
        **asked,
        "existing": SKIP,
        "models": model_choice.begun_with(asked, ctx.params),
        "advanced": any(asked.get(name, getattr(Plan, name, None)) != getattr(Plan, name, None) for name in ADVANCED),
    }
