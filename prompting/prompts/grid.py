"""Many strategies at once: all that can be composed of some parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

from ..errors import PromptingError
from .strategies import in_order
from .strategy import BOX, BOX_POINTS, POINTS, RING, Strategy

MOST = 2000
"""A grid of more is a mistake."""


def grid(
    priors: Sequence[str],
    prompts: Sequence[str] = (BOX, POINTS, BOX_POINTS),
    positives: Sequence[int] = (1, 3, 5, 9),
    negatives: Sequence[int] = (0, 3),
    negatives_on: Sequence[str] = (RING,),
    margins: Sequence[int | None] = (None,),
    rounds: Sequence[int] = (0,),
    confidences: Sequence[float | None] = (None,),
) -> list[Strategy]:
    """Every strategy that these parts make, each once: a part counts where a prompt has it.

    Args:
        priors, prompts, positives, negatives, negatives_on, margins, rounds, confidences: what is tried of each part of
            a :class:`~prompting.prompts.strategy.Strategy`; a box alone has no clicks, and clicks alone no margin

    Raises:
        PromptingError: a part that can't be, or none or too many strategies
    """
    found: dict[str, Strategy] = {}
    for prior, prompt, round_count, confidence in product(priors, prompts, rounds, confidences):
        boxed, clicked = prompt in (BOX, BOX_POINTS), prompt in (POINTS, BOX_POINTS)
        for margin in margins if boxed else (None,):
            for parts in _clicks(positives, negatives, negatives_on, boxed) if clicked else ({},):
                one = Strategy(prior, prompt, **parts, margin=margin, rounds=round_count, confidence=confidence)
                found[one.name] = one
    if not found:
        raise PromptingError("These parts make no strategy: give each at least one value.", "prompts")
    if len(found) > MOST:
        raise PromptingError(f"These parts make {len(found)} strategies; at most {MOST} are swept at once.", "prompts")
    return [found[name] for name in in_order(found)]


def _clicks(
    positives: Sequence[int], negatives: Sequence[int], places: Sequence[str], boxed: bool
) -> Iterable[dict[str, int | str]]:
    for inside, outside in product(positives, negatives):
        if inside or (boxed and outside):
            for place in places if outside else (RING,):
                yield {"positives": inside, "negatives": outside, "negatives_on": place}
