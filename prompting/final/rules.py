"""Rules by which a label is chosen from several strategies' results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from .candidates import Choice, Found
from .learned import Learned
from .lessons import Lessons
from .merging import merged
from .names import CASCADE, LEARNED, ONE, UNION

Chooser = Callable[[str, Sequence[Found]], Choice | None]
"""Chooses of what strategies made of a sample of this id; None where all failed. It can be pickled."""


def one(found: Sequence[Found]) -> Choice | None:
    """The first strategy's result; None where it has none."""
    return Choice.whole(found[0]) if found[0].done else None


def cascade(found: Sequence[Found]) -> Choice | None:
    """The first that found anything; where nobody did, the last one's nothing; None where all failed."""
    done = [each for each in found if each.done]
    if not done:
        return None
    return Choice.whole(next((each for each in done if each.count), done[-1]))


def union(found: Sequence[Found]) -> Choice | None:
    """The instances of all, nobody twice; None where all failed."""
    every = [candidate for each in found if each.done for candidate in each.candidates]
    if not every:
        return cascade(found)
    kept = merged(every)
    return Choice(tuple(dict.fromkeys(candidate.source for candidate in kept)), tuple(kept))


CHOOSE: dict[str, Callable[[Sequence[Found]], Choice | None]] = {ONE: one, CASCADE: cascade, UNION: union}
"""Rule -> the function that chooses; strategies come in the order in which a person named them, or the best first."""


def chooser(rule: str, order: Sequence[str], lessons: Lessons | None = None) -> Chooser:
    """What chooses by a rule.

    Args:
        rule: one of :data:`prompting.final.names.RULES`
        order: the strategies as a person named them; of none, the best first by the labelled pictures, where a picture
            with a truth isn't one that its own order is by
        lessons: of the labelled pictures, for :data:`LEARNED` and where there is no order
    """
    if rule == LEARNED:
        return Learned.fit(lessons).choose
    if order:
        return partial(_in_order, CHOOSE[rule], list(order))
    orders = {fold: lessons.best_first(fold) for fold in {None, *lessons.fold_of.values()}}
    return partial(_best_first, CHOOSE[rule], orders, lessons.fold_of)


def _best_first(
    choose: Callable, orders: Mapping[int | None, Sequence[str]], fold_of: Mapping[str, int], sample_id: str, found
) -> Choice | None:
    return _in_order(choose, orders[fold_of.get(sample_id)], sample_id, found)


def _in_order(choose: Callable, order: Sequence[str], sample_id: str, found: Sequence[Found]) -> Choice | None:
    of = {each.strategy: each for each in found}
    return choose([of[name] for name in order])
