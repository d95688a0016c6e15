"""Composing a strategy in a form: its parts from drop-downs and numbers, and the spelling that they make."""

from __future__ import annotations

import fiftyone.operators.types as types

from ..prompting.prompts.strategy import BOX, PLACES, PRIORS, PROMPTS, RING, YOLO, Strategy
from . import forms

COMPOSE, OWN = "compose", "own_"
SAID = {
    "prior": {
        "clip": "CLIP's regions",
        "yolo": "A detector's boxes, masks or keypoints",
        "field": "A field's labels",
        "reference": "What looks like reference pictures' objects",
    },
    "prompt": {
        "point": "One click",
        "box": "A box",
        "points": "Clicks inside and outside",
        "box+points": "A box and clicks",
    },
    "negatives_on": {
        "ring": "Around the instance",
        "others": "On the nearest other instances",
        "both": "Half on those, half around",
    },
}


def ask(inputs: types.Object, params: dict) -> None:
    """The switch, and behind it the parts that the prompt has, with what they make."""
    from ..prompting.errors import PromptingError

    switch = types.SwitchView(label="Compose your own")
    inputs.bool(COMPOSE, default=False, label="Compose your own", view=switch)
    if not params.get(COMPOSE):
        return
    _choose(inputs, "prior", PRIORS, YOLO, "Who finds the instances")
    _choose(inputs, "prompt", PROMPTS, BOX, "How each is said")
    prompt = params.get(f"{OWN}prompt") or BOX
    if "points" in prompt:
        inputs.int(
            f"{OWN}positives", label="Clicks inside", description="0 to 20; both empty: the prior's own, else 5 + 3"
        )
        inputs.int(f"{OWN}negatives", label="Clicks outside", description="0 to 20")
        if params.get(f"{OWN}negatives"):
            _choose(inputs, "negatives_on", PLACES, RING, "Where those go")
    if "box" in prompt:
        inputs.int(f"{OWN}margin", label="Margin in %", description="-20 to 50; empty: as the prior gives the box")
    inputs.int(
        f"{OWN}rounds", default=0, label="Corrective clicks", description="0 to 5, where mask and region disagree"
    )
    inputs.float(f"{OWN}confidence", label="Least confidence", description="0.01 to 0.99; empty: as the run says")
    try:
        own = composed(params)
        inputs.view("own_strategy", types.Notice(label=f"Also applied: {own.spelling} ({own.in_words()})"))
    except PromptingError as error:
        inputs.view("own_strategy", types.Warning(label=str(error)))


def composed(params: dict) -> Strategy | None:
    """The strategy that the answers make; None where nobody composes.

    Raises:
        PromptingError: parts that can't go together
    """
    from ..prompting.prompts.strategies import strategy_of

    if not params.get(COMPOSE):
        return None
    prompt = params.get(f"{OWN}prompt") or BOX
    clicks = ("positives", "negatives") if "points" in prompt else ()
    places = ("negatives_on",) if clicks and params.get(f"{OWN}negatives") else ()
    names = (*clicks, *places, *(("margin",) if "box" in prompt else ()), "rounds", "confidence")
    parts = {name: value for name in names if (value := params.get(f"{OWN}{name}")) not in (None, "")}
    return strategy_of(Strategy(params.get(f"{OWN}prior") or YOLO, prompt, **parts))


def _choose(inputs: types.Object, name: str, values: tuple[str, ...], default: str, label: str) -> None:
    forms.choose_one(inputs, f"{OWN}{name}", {value: SAID[name][value] for value in values}, default, label)
