"""What labelled pictures teach: how good each strategy was on each, and what was known of it without the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .candidates import Choice, Found, together
from .features import describe
from .folds import folds_of


@dataclass(frozen=True)
class Lessons:
    """The labelled pictures.

    Attributes:
        names: S strategies
        ids: L pictures
        ious: (L, S) with the truth; 0 where a strategy failed
        features: (L, S, F) of :func:`prompting.final.features.describe`
        files: the pictures' names, by which they are put into folds: ids are others in every dataset; none: the ids.
            No two the same (:func:`prompting.final.folds.short_names`), or the samples' order would part them
    """

    names: tuple[str, ...]
    ids: tuple[str, ...]
    ious: np.ndarray
    features: np.ndarray
    files: tuple[str, ...] = ()

    @property
    def drawn_by(self) -> tuple[str, ...]:
        """(L,) by what the pictures are put into folds."""
        return self.files or self.ids

    @cached_property
    def fold_of(self) -> dict[str, int]:
        """The fold of each picture."""
        return dict(zip(self.ids, folds_of(self.drawn_by).tolist(), strict=True))

    @cached_property
    def folds(self) -> np.ndarray:
        """(L,) the fold of each picture."""
        return np.array([self.fold_of[one] for one in self.ids])

    def among(self, names: Sequence[str]) -> Lessons:
        """What they teach of some strategies; what the others' masks told of those stays."""
        places = [self.names.index(name) for name in names]
        return Lessons(tuple(names), self.ids, self.ious[:, places], self.features[:, places], self.files)

    @property
    def ceiling(self) -> np.ndarray:
        """(L,) IoU of the strategy that is best by the truth, which nobody can choose."""
        return self.ious.max(axis=1)

    def best_first(self, without: int | None = None) -> list[str]:
        """The strategies by their mean IoU, over the pictures that aren't in a fold."""
        here = self.folds != (-1 if without is None else without)
        means = self.ious[here].mean(axis=0)
        return [self.names[i] for i in np.argsort(-means, kind="stable")]


def seen(found: Sequence[Found]) -> np.ndarray:
    """(S, F) what is known of each strategy's mask of a picture; NaN of one that failed."""
    rows = []
    for one in found:
        others = [other.shown for other in found if other is not one and other.done]
        rows.append(describe(one.candidates, one.shown, others) if one.done else None)
    width = next(len(row) for row in rows if row is not None)
    return np.array([np.full(width, np.nan) if row is None else row for row in rows])


def seen_of(choice: Choice, found: Sequence[Found]) -> np.ndarray:
    """(F,) the same of what was chosen, beside the strategies that it isn't of."""
    of = {one.strategy: one for one in found}
    whole = choice.candidates is None
    candidates = of[choice.sources[0]].candidates if whole else choice.candidates
    mask = of[choice.sources[0]].shown if whole else together(candidates, found[0].measure())
    others = [one.shown for one in found if one.done and one.strategy not in choice.sources]
    others = others or [one.shown for one in found if one.done and not whole]
    return describe(candidates, mask, others)
