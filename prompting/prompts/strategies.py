"""The strategies that have names of their own, and finding one by its name or its spelling.

Each is a value like any other (:class:`~prompting.prompts.strategy.Strategy`): a new one is one entry in
:data:`STRATEGIES`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache

from ..errors import PromptingError
from .grammar import spelled_by
from .strategy import BOX, BOX_POINTS, CLIP, FIELD, POINT, POINTS, REFERENCE, YOLO, Strategy

STRATEGIES: dict[str, Strategy] = {
    "clip_point": Strategy(CLIP, POINT, description="centroid of each CLIP region, the best of three masks"),
    "clip_box": Strategy(CLIP, BOX, description="tight box of each CLIP region, 5 % margin"),
    "clip_points": Strategy(CLIP, POINTS, 5, 3, description="5 clicks spread inside, 3 negative ones around"),
    "clip_box_neg": Strategy(CLIP, BOX_POINTS, 0, 3, description="box and 3 negative clicks around"),
    "clip_box_points": Strategy(CLIP, BOX_POINTS, 5, 3, description="box, 5 clicks inside, 3 negative ones around"),
    "clip_iterative": Strategy(
        CLIP, BOX, rounds=3, description="box, then up to 3 clicks where mask and CLIP disagree"
    ),
    "yolo_box": Strategy(YOLO, BOX, description="one box for each YOLO detection"),
    "field_box": Strategy(FIELD, BOX, description="boxes of a field of the dataset"),
    "field_point": Strategy(FIELD, POINT, description="one click for each label of a field"),
    "field_points": Strategy(FIELD, POINTS, description="clicks of a field: keypoints, or spread over its masks"),
    "reference_box_points": Strategy(
        REFERENCE, BOX_POINTS, 5, 3, description="box and clicks, as clip_box_points, of what looks like the references"
    ),
}
NAMES = {strategy: name for name, strategy in STRATEGIES.items()}
BASELINE = "clip_point"
AUTOMATIC = tuple(name for name, strategy in STRATEGIES.items() if strategy.prior not in (FIELD, REFERENCE))
"""Those that need nothing of a dataset but its pictures."""
UNTAUGHT = tuple(name for name, strategy in STRATEGIES.items() if strategy.prior != REFERENCE)
"""Those that need no reference pictures."""
EXAMPLE = "yolo:box+5p3n@2"


@lru_cache(maxsize=4096)
def find(name: str) -> Strategy | None:
    """The strategy of a name, built-in or another's; None where it is no strategy's."""
    if name in STRATEGIES:
        return STRATEGIES[name]
    spelling = spelled_by(name)
    if spelling is None:
        return None
    try:
        strategy = Strategy.parse(spelling)
    except PromptingError:
        return None
    return strategy if strategy.name == name else None


def is_automatic(name: str) -> bool:
    """Whether a name is a strategy's that finds its prompts itself."""
    strategy = find(name)
    return strategy is not None and strategy.prior != FIELD


def in_order(names: Iterable[str]) -> list[str]:
    """Names each once: the built-in ones in the table's order, then the others by their spelling."""
    places = {name: i for i, name in enumerate(STRATEGIES)}
    return sorted(dict.fromkeys(names), key=lambda name: (places.get(name, len(places)), name))


def strategy_of(said: str | Strategy) -> Strategy:
    """The strategy that a name or a spelling means.

    Raises:
        PromptingError: it means none
    """
    said = getattr(said, "spelling", said)  # a value: FiftyOne loads a plugin under a name of its own, as another class
    found = find(said) if isinstance(said, str) else None
    if found is not None:
        return found
    if isinstance(said, str) and ":" in said:
        strategy = Strategy.parse("".join(said.split()))
        return STRATEGIES.get(strategy.name, strategy)
    raise PromptingError(
        f"Unknown strategy {said!r}; choose from {', '.join(STRATEGIES)}, or spell your own, as in {EXAMPLE}.",
        "strategies",
    )


def strategies_named(names: Sequence[str | Strategy] | str | Strategy) -> list[Strategy]:
    """The strategies of these names or spellings, each once: the built-in ones in the table's order, then the others.

    Raises:
        PromptingError: no name at all, or one that means no strategy
    """
    if isinstance(names, str) or hasattr(names, "spelling") or not isinstance(names, Iterable):
        names = [names]
    names = [name for name in names if name is not None]
    if not names:
        raise PromptingError(f"Choose at least one strategy: {', '.join(STRATEGIES)}.", "strategies")
    chosen = {strategy.name: strategy for strategy in map(strategy_of, names)}
    return [chosen[name] for name in in_order(chosen)]


def known(names: Iterable[str | Strategy] | None) -> list[str]:
    """Those of these names and spellings that mean a strategy, as names, each once."""
    found = []
    for said in names or ():
        with suppress(PromptingError):
            found.append(strategy_of(said).name)
    return list(dict.fromkeys(found))


def priors_of(names: Iterable[str | Strategy] | None) -> set[str]:
    """What finds the prompts of these strategies; names that mean none are left out."""
    return {strategy_of(name).prior for name in known(names)}
