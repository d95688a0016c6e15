"""The strategies: a name for where the prompts come from, how they are said, and how often they are corrected.

A new strategy is one entry in :data:`STRATEGIES`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import PromptingError
from ..pixels.regions import Region
from ..segmentation.prompt import Prompt
from . import prompters

Prompter = Callable[[Region, np.ndarray, np.random.Generator], Prompt]
CLIP, YOLO, FIELD = "clip", "yolo", "field"


@dataclass(frozen=True)
class Strategy:
    """A prompting strategy.

    Attributes:
        name: what it is called in forms, calls and field names
        prior: which prior finds the regions, ``clip``, ``yolo`` or ``field``
        prompter: turns a region into a prompt
        rounds: corrective clicks an instance may get against the prior's region
        description: one line for forms and tables
    """

    name: str
    prior: str
    prompter: Prompter
    description: str
    rounds: int = 0

    def gives(self, rounds: int | None = None) -> frozenset[str]:
        """What its prompts can have, of ``box``, ``positive`` and ``negative``; a corrective click may be either."""
        everything = frozenset({prompters.BOX, prompters.CLICKS_INSIDE, prompters.CLICKS_OUTSIDE})
        given = frozenset(prompters.GIVES.get(self.prompter, everything))
        corrected = self.rounds if rounds is None else rounds
        return given | {prompters.CLICKS_INSIDE, prompters.CLICKS_OUTSIDE} if corrected else given


STRATEGIES: dict[str, Strategy] = {
    strategy.name: strategy
    for strategy in (
        Strategy("clip_point", CLIP, prompters.point, "centroid of each CLIP region, the best of three masks"),
        Strategy("clip_box", CLIP, prompters.box, "tight box of each CLIP region, 5 % margin"),
        Strategy("clip_points", CLIP, prompters.points, "5 clicks spread inside, 3 negative ones around"),
        Strategy("clip_box_neg", CLIP, prompters.box_negatives, "box and 3 negative clicks around"),
        Strategy("clip_box_points", CLIP, prompters.box_points, "box, 5 clicks inside, 3 negative ones around"),
        Strategy("clip_iterative", CLIP, prompters.box, "box, then up to 3 clicks where mask and CLIP disagree", 3),
        Strategy("yolo_box", YOLO, prompters.box, "one box for each YOLO detection"),
        Strategy("field_box", FIELD, prompters.box, "boxes of a field of the dataset"),
        Strategy("field_point", FIELD, prompters.point, "one click for each label of a field"),
        Strategy("field_points", FIELD, prompters.points, "clicks of a field: keypoints, or spread over its masks"),
    )
}
BASELINE = "clip_point"
AUTOMATIC = tuple(name for name, strategy in STRATEGIES.items() if strategy.prior != FIELD)


def strategies_named(names: Sequence[str]) -> list[Strategy]:
    """The strategies of these names, in the table's order.

    Raises:
        PromptingError: no name at all, or a name that is no strategy's
    """
    if isinstance(names, str):
        names = [names]
    if not names:
        raise PromptingError(f"Choose at least one strategy: {', '.join(STRATEGIES)}.", "strategies")
    unknown = [name for name in names if name not in STRATEGIES]
    if unknown:
        raise PromptingError(f"Unknown strategy {unknown[0]!r}; choose from {', '.join(STRATEGIES)}.", "strategies")
    return [strategy for name, strategy in STRATEGIES.items() if name in set(names)]
