"""Finding a strategy by its name or its spelling."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache

from ..errors import PromptingError
from .grammar import spelled_by
from .strategy import FIELD, REFERENCE, STRATEGIES, Strategy

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
    near = difflib.get_close_matches(str(said), STRATEGIES, n=1, cutoff=0.8)
    meant = f" Is it {near[0]!r} that is meant?" if near else ""
    raise PromptingError(
        f"Unknown strategy {said!r}; choose from {', '.join(STRATEGIES)}, or spell your own, as in {EXAMPLE}.{meant}",
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
