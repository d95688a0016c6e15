"""Many strategies at once: all that can be composed of some parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from ..errors import PromptingError
from .strategies import in_order
from .strategy import BOX, BOX_POINTS, POINTS, RING, YOLO, Strategy

MOST = 2000
"""A grid of more is a mistake."""


@dataclass(frozen=True)
class Grid:
    """What is tried of each part of a :class:`~prompting.prompts.strategy.Strategy`, and by default.

    A part counts where a prompt has it: a box alone has no clicks, and clicks alone no margin.

    Attributes:
        priors, prompts, positives, negatives, negatives_on, margins, rounds, confidences: values of the part; of
            ``margins`` and ``confidences`` None is one too
    """

    priors: Sequence[str] = (YOLO,)
    prompts: Sequence[str] = (BOX, POINTS, BOX_POINTS)
    positives: Sequence[int] = (1, 3, 5, 9)
    negatives: Sequence[int] = (0, 3)
    negatives_on: Sequence[str] = (RING,)
    margins: Sequence[int | None] = (None,)
    rounds: Sequence[int] = (0,)
    confidences: Sequence[float | None] = (None,)

    def strategies(self) -> list[Strategy]:
        """Every strategy that these parts make, each once.

        Raises:
            PromptingError: a part that can't be, or none or too many strategies
        """
        found: dict[str, Strategy] = {}
        for prior, prompt, rounds, confidence in product(self.priors, self.prompts, self.rounds, self.confidences):
            for parts in self._of_prompt(prompt):
                one = Strategy(prior, prompt, **parts, rounds=rounds, confidence=confidence)
                found[one.name] = one
                if len(found) > MOST:
                    said = f"These parts make more than {MOST} strategies, the most that are swept at once."
                    raise PromptingError(said, "prompts")
        if not found:
            raise PromptingError(
                "These parts make no strategy: each needs a value, and clicks one besides 0.", "prompts"
            )
        return [found[name] for name in in_order(found)]

    def _of_prompt(self, prompt: str) -> Iterator[dict]:
        boxed, clicked = prompt in (BOX, BOX_POINTS), prompt in (POINTS, BOX_POINTS)
        for margin in self.margins if boxed else (None,):
            for clicks in self._clicks(boxed) if clicked else ({},):
                yield {"margin": margin, **clicks}

    def _clicks(self, boxed: bool) -> Iterator[dict]:
        for inside, outside in product(self.positives, self.negatives):
            if inside or (boxed and outside):
                for place in self.negatives_on if outside else (RING,):
                    yield {"positives": inside, "negatives": outside, "negatives_on": place}
