"""The form of ``sweep_strategies``: what it asks, what strategies that makes, and what is wrong with the answers."""

from __future__ import annotations

from collections.abc import Sequence

import fiftyone as fo
import fiftyone.operators.types as types

from ..prompting.analysis.study import how_many
from ..prompting.errors import PromptingError, concerning
from ..prompting.prompts.grid import Grid
from ..prompting.prompts.strategy import FIELD, PLACES, PRIORS, PROMPTS, REFERENCE, Strategy
from ..prompting.spelling import names_text
from . import composing, engine_choice, forms, model_choice, prompt_fields, reference_fields
from .apply_answers import begins_with
from .sweep_answers import PARTS, as_text, asked, plan_of
from .words import LABELS

CHOICES = {"priors": (PRIORS, "prior"), "prompts": (PROMPTS, "prompt"), "negatives_on": (PLACES, "negatives_on")}
"""Parts of the grid that are chosen from a list, and whose words describe its values."""
SAID = {
    "positives": "0 to 20",
    "negatives": "0 to 20",
    "margins": "Percent that a box is grown by, -20 to 50, or given: as the prior has it",
    "rounds": "0 to 5",
    "confidences": "Regions of less are dropped, 0.01 to 0.99, or given: as the run has it",
}


def resolve(ctx) -> types.Property:
    """The form as it looks with what is filled in so far."""
    inputs = types.Object()
    form = types.Property(inputs, view=types.View(label="Sweep prompting strategies"))
    inputs.view_target(ctx, action_description="Sweep")
    truths = forms.label_fields(ctx.dataset, fo.Detections, fo.Segmentation)
    if not truths:
        forms.show_problem(inputs, "There is no ground truth: the dataset has no Segmentation or Detections field.")
        return form
    begins = _begins_with(ctx)
    now = {**begins, **{name: value for name, value in ctx.params.items() if value is not None}}
    forms.ask_prefix(ctx, inputs)
    truth = "ground_truth" if "ground_truth" in truths else next(iter(truths))
    forms.choose_one(inputs, "gt_field", truths, truth, LABELS["gt_field"])
    inputs.str("classes", default=names_text(begins["classes"]), required=True, label=LABELS["classes"])
    for name in PARTS:
        _ask_part(inputs, name)
        if name == "priors" and FIELD in (ctx.params.get("priors") or ()):
            prompt_fields.ask(ctx, inputs, begins)
        if name == "priors" and REFERENCE in (ctx.params.get("priors") or ()):
            reference_fields.ask(ctx, inputs, begins)
    inputs.bool("racing", default=True, label=LABELS["racing"])
    inputs.bool("advanced", default=False, label="More options", view=types.SwitchView())
    if ctx.params.get("advanced"):
        engine_choice.ask(inputs, ctx.params)
    strategies, error = _strategies(ctx.params)
    model_choice.ask(inputs, begins, {**now, "strategies": [strategy.name for strategy in strategies]})
    if strategies:
        inputs.view("count", types.Notice(label=f"{how_many(len(strategies))}: {_first(strategies)}"))
    if error is None and ctx.params.get("gt_field"):  # else the form isn't filled yet
        error = _what_is_wrong(ctx)
    if error is not None:
        forms.show_error(inputs, error, model_choice.ELSEWHERE)
    return form


def _ask_part(inputs: types.Object, name: str) -> None:
    """What is tried of a part: chosen from a list, or numbers."""
    if name in CHOICES:
        values, part = CHOICES[name]
        described = {value: composing.SAID[part][value] for value in values}
        forms.choose_several(inputs, name, described, getattr(Grid, name), LABELS[name])
    else:
        description = f"{SAID[name]}; with commas between them"
        inputs.str(name, default=as_text(getattr(Grid, name)), label=LABELS[name], description=description)


def _begins_with(ctx) -> dict:
    """The models and classes of the last sweep, else those of the last run."""
    from ..prompting.dataset.studies import what_was_asked

    begins = begins_with(ctx)
    swept = what_was_asked(ctx.dataset, ctx.params.get("prefix") or begins["prefix"])
    given = ("prompt_field", "points_field", "references", "reference_field")
    kept = ("classes", *given, "strategies", *model_choice.MODELS)
    last = {name: swept[name] for name in kept if swept.get(name)}
    return {**begins, **last, "models": model_choice.begun_with(last, ctx.params)} if last else begins


def _strategies(params: dict) -> tuple[list[Strategy], PromptingError | None]:
    try:
        return asked(params)[0], None
    except PromptingError as error:
        return [], error


def _what_is_wrong(ctx) -> PromptingError | None:
    """What would stop the sweep, as far as it can be known without loading a model."""
    from ..prompting.dataset import checks
    from ..prompting.dataset.reading import GLANCE
    from ..prompting.dataset.references import glance_at_references
    from ..prompting.models import availability

    try:
        plan, view = plan_of(ctx.params).plan, ctx.target_view(require_flat=True)
        engine_choice.engine_of_request(ctx.params)
        with concerning("view_target"):
            checks.check_collection(view)
        glance_at_references(view._dataset, plan)
        with concerning("prompt_field"):
            checks.check_prompt_field(view, plan, most=GLANCE)
        missing = availability.unavailable(availability.needed(plan))
        return availability.refusal(missing, f"models={model_choice.BUNDLED!r}") if missing else None
    except PromptingError as error:
        return error


def _first(strategies: Sequence[Strategy]) -> str:
    more = ", …" if len(strategies) > 6 else ""
    return ", ".join(strategy.spelling for strategy in strategies[:6]) + more
