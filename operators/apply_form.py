"""The form of ``apply_strategies``: what it asks, and what is wrong with the answers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import fiftyone.operators.types as types

from ..prompting.errors import PromptingError
from ..prompting.plan import ERROR, OVERWRITE, SKIP, Plan
from ..prompting.prompts.strategies import EXAMPLE, known, priors_of, strategy_of
from ..prompting.prompts.strategy import CLIP, FIELD, REFERENCE, YOLO
from ..prompting.spelling import names_text
from . import composing, engine_choice, forms, mask_folder, model_choice, prompt_fields, reference_fields
from .apply_answers import ADVANCED, begins_with, plan_of
from .words import LABELS, TITLES

ELSEWHERE = {**model_choice.ELSEWHERE, **dict.fromkeys(ADVANCED, "advanced")}
"""Where a parameter's error is shown whose own field isn't."""


def resolve(ctx) -> types.Property:
    """The form as it looks with what is filled in so far."""
    inputs, begins = types.Object(), begins_with(ctx)
    now = {**begins, **{name: value for name, value in ctx.params.items() if value is not None}}
    with suppress(PromptingError):  # which is told where it is composed
        own = composing.composed(ctx.params)
        now["strategies"] = [*(now["strategies"] or ()), *([own.name] if own else ())]
    inputs.view_target(ctx, action_description="Segment")
    _ask_existing(ctx, inputs, now)
    _ask_strategies(ctx, inputs, begins, now)
    model_choice.ask(inputs, begins, now)
    inputs.str(
        "classes",
        default=_classes(ctx, begins, now),
        required=True,
        label=LABELS["classes"],
        description="Names, separated by commas; one with a comma in quotes",
    )
    _ask_more(inputs, begins, now)
    if ctx.params.get("strategies") is not None:  # else the form isn't filled yet
        _check(ctx, inputs)
    return types.Property(inputs, view=types.View(label="Apply SAM 2 prompting strategies"))


def _classes(ctx, begins: dict, now: dict) -> str | None:
    """The last run's; none, so that somebody says, where references are of a field whose values have no names."""
    if REFERENCE in priors_of(now["strategies"]) and reference_fields.is_nameless(ctx, begins, now):
        return None
    return names_text(begins["classes"])


def _ask_existing(ctx, inputs: types.Object, now: dict) -> None:
    """Near the top, and only where it matters: nothing that is there is replaced unasked."""
    from ..prompting.dataset.names import StrategyFields
    from ..prompting.dataset.storage import has_result

    view = ctx.target_view(require_flat=True)
    prefix, names = now["prefix"] or Plan.prefix, known(now["strategies"])
    of = [StrategyFields.of(prefix, name) for name in names]
    if any(len(view.match(has_result(one))) for one in of if view.has_sample_field(one.status)):
        choices = {
            SKIP: (TITLES["existing"][SKIP], "Results that are there stay as they are"),
            OVERWRITE: (TITLES["existing"][OVERWRITE], "Replaces their results"),
        }
        # from Python a request may also say "error"
        forms.choose_by_button(inputs, "existing", choices, SKIP, values=[SKIP, OVERWRITE, ERROR])


def _ask_strategies(ctx, inputs: types.Object, begins: dict, now: dict) -> None:
    from ..prompting.dataset.present import known_strategies, masks_there

    prefix = now["prefix"] or Plan.prefix
    no_strategies = masks_there(ctx.dataset, prefix)
    there = [name for name in known_strategies(ctx.dataset, prefix) if name not in no_strategies]
    choices = {name: strategy_of(name).in_words() for name in [*there, *known(now["strategies"])]}
    spelled = f"Or type a spelling, such as {EXAMPLE}, and press Enter"
    forms.choose_several(inputs, "strategies", choices, begins["strategies"], LABELS["strategies"], spelled, typed=True)
    composing.ask(inputs, ctx.params)
    if FIELD in priors_of(now["strategies"]):
        prompt_fields.ask(ctx, inputs, begins)
    if REFERENCE in priors_of(now["strategies"]):
        reference_fields.ask(ctx, inputs, begins)


def _ask_more(inputs: types.Object, begins: dict, now: dict) -> None:
    switch = types.SwitchView(label="More options")
    inputs.bool("advanced", default=begins["advanced"], label="More options", view=switch)
    if not now["advanced"]:
        return
    used = priors_of(now["strategies"])
    inputs.str("prefix", default=begins["prefix"], label=LABELS["prefix"], description="Of all fields that are written")
    inputs.int("seed", default=begins["seed"], label=LABELS["seed"], description="Of the sampled points")
    if CLIP in used or REFERENCE in used:
        _ask_clip(inputs, begins, CLIP in used)
    if YOLO in used:
        inputs.float(
            "yolo_confidence",
            default=begins["yolo_confidence"],
            label=LABELS["yolo_confidence"],
            description="Drop detections below",
        )
        inputs.int(
            "yolo_imgsz",
            default=begins["yolo_imgsz"],
            label=LABELS["yolo_imgsz"],
            description="Side in pixels that pictures are brought to; empty: at which it was trained",
        )
    if FIELD in used:
        inputs.int(
            "field_rounds",
            default=begins["field_rounds"],
            label=LABELS["field_rounds"],
            description="For field_* with masks",
        )
    inputs.int(
        "batch_size",
        default=begins["batch_size"],
        label=LABELS["batch_size"],
        description="Pictures encoded at once; empty: what the device holds",
    )
    precisions = {
        "auto": "bfloat16 where the device has instructions for it",
        "float32": "exact",
        "bfloat16": "faster, by no more than a thousandth of IoU worse",
    }
    name = "encoder_precision"
    forms.choose_one(inputs, name, precisions, begins[name], LABELS[name], required=False)
    description = "Before and after each click that corrects a mask"
    inputs.bool("keep_rounds", default=begins["keep_rounds"], label=LABELS["keep_rounds"], description=description)
    description = "Minutes first, then faster"
    inputs.bool("compile", default=begins["compile"], label=LABELS["compile"], description=description)
    mask_folder.ask(inputs, begins, now)
    forms.suggest(inputs, "device", ("auto", "cuda", "mps", "cpu"), begins["device"], LABELS["device"])
    engine_choice.ask(inputs, now)


def _ask_clip(inputs: types.Object, begins: dict, heatmap: bool) -> None:
    if heatmap:
        description = "As a heatmap, to look at"
        inputs.bool("heatmap", default=begins["heatmap"], label=LABELS["heatmap"], description=description)
    inputs.str(
        "background",
        default=names_text(begins["background"] or ()) or None,
        label=LABELS["background"],
        description="For CLIP, separated by commas; empty: a list",
    )


def _check(ctx, inputs: types.Object) -> None:
    """What would stop the run, as far as it can be known without loading a model."""
    from ..prompting.errors import PromptingError

    try:
        mask_folder.check(ctx.params)
        plan = plan_of(ctx.params)
        asks = "existing" in inputs.properties
        plan = replace(plan, existing=ctx.params.get("existing") or (SKIP if asks else ERROR))
        engine_choice.engine_of_request(ctx.params)
        if doubt := _check_plan(ctx.target_view(require_flat=True), plan):
            inputs.view("doubt", types.Warning(label=doubt))
    except PromptingError as error:
        forms.show_error(inputs, error, ELSEWHERE)


def _check_plan(view, plan: Plan) -> str | None:
    """Refuse what can't be; what a person should know of what can."""
    from ..prompting.dataset import checks, completeness
    from ..prompting.dataset.mask_files import MaskFiles
    from ..prompting.dataset.reading import GLANCE
    from ..prompting.dataset.references import glance_at_references
    from ..prompting.errors import PromptingError, concerning
    from ..prompting.models import availability
    from ..prompting.runs.assembly import settle

    with concerning("view_target"):
        checks.check_collection(view)
    MaskFiles.of(view, plan.mask_dir, plan.rel_dir)
    plan, references = glance_at_references(view._dataset, plan)
    checks.check_fields(view, plan, settle)
    with concerning("prompt_field"):
        checks.check_prompt_field(view, plan, most=GLANCE)
    if plan.existing == SKIP and not completeness.undone(view, plan):
        raise PromptingError(
            "All of these samples have results of all of these strategies; choose existing='overwrite' to replace them,"
            " other strategies, or other samples.",
            "existing",
        )
    missing = availability.unavailable(availability.needed(plan))
    if missing:
        raise availability.refusal(missing, f"models={model_choice.BUNDLED!r}")
    return references.doubt if references else None
