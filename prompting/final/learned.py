"""Learning which strategy to take for each picture from those that have a truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .candidates import Choice, Found
from .features import FEATURES
from .folds import fold_of_any, folds_of
from .lessons import Lessons, seen

PENALTIES = np.logspace(-1, 4, 12)
MARGINS = (0.0, 0.05, 0.1, np.inf)
"""By so much more IoU must be expected of another strategy than of the cascade's for it to be taken; never, at last."""
FOUND = FEATURES.index("found")


@dataclass(frozen=True)
class Model:
    """What some labelled pictures taught.

    Attributes:
        ridge: a strategy's IoU from what is known of its mask, and which strategy it is
        order: of the cascade, places of strategies, the best first
        margin: one of :data:`MARGINS`, the one that did best on pictures that weren't learned from
    """

    ridge: object
    order: tuple[int, ...]
    margin: float

    @classmethod
    def fit(cls, features: np.ndarray, ious: np.ndarray, ids: Sequence[str]) -> Model:
        """Learn from (L, S, F) features and (L, S) IoUs."""
        folds, scores = folds_of(ids), np.zeros(len(MARGINS))
        for fold in np.unique(folds):
            here = folds == fold
            some = cls._plain(features[~here], ious[~here])
            for i, margin in enumerate(MARGINS):
                taken = cls(some.ridge, some.order, margin).take(features[here])
                scores[i] += ious[here][np.arange(len(taken)), taken].sum()
        best = max(range(len(MARGINS)), key=lambda i: (scores[i], i))  # of equals the most careful one
        plain = cls._plain(features, ious)
        return cls(plain.ridge, plain.order, MARGINS[best])

    @classmethod
    def _plain(cls, features: np.ndarray, ious: np.ndarray) -> Model:
        rows = _rows(features)
        ridge = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), RidgeCV(alphas=PENALTIES))
        ridge.fit(rows.reshape(-1, rows.shape[-1]), ious.ravel())
        return cls(ridge, tuple(np.argsort(-ious.mean(axis=0), kind="stable").tolist()), 0.0)

    def take(self, features: np.ndarray) -> np.ndarray:
        """(N,) the place of the strategy to take for each picture, of (N, S, F) features."""
        rows, count = _rows(features), len(features)
        expected = self.ridge.predict(rows.reshape(-1, rows.shape[-1])).reshape(count, -1)
        found = features[:, self.order, FOUND] > 0  # NaN of one that failed is none
        first = np.where(found.any(axis=1), found.argmax(axis=1), found.shape[1] - 1)
        usual, best = np.array(self.order)[first], expected.argmax(axis=1)
        each = np.arange(count)
        return np.where(expected[each, best] - expected[each, usual] > self.margin, best, usual)


@dataclass(frozen=True)
class Learned:
    """The cascade of the best, but for pictures for which more is expected of another strategy.

    Attributes:
        lessons: what was learned from
        models: one of each fold, of the other folds' pictures. One without a truth goes to a fold too, for what is seen
            of the labelled ones must go for the others: a model of all pictures is another one, which chooses otherwise
    """

    lessons: Lessons
    models: tuple[Model, ...]

    @classmethod
    def fit(cls, lessons: Lessons) -> Learned:
        """Learn from the labelled pictures."""
        folds = range(int(lessons.folds.max()) + 1)
        return cls(lessons, tuple(_of_part(lessons, lessons.folds != fold) for fold in folds))

    def take(self, sample_id: str, features: np.ndarray) -> int:
        """Place of the strategy to take, of (S, F) features; of a labelled picture by a model that didn't see it."""
        fold = self.lessons.fold_of.get(sample_id)
        fold = fold_of_any(features.tobytes(), count=len(self.models)) if fold is None else fold
        return int(self.models[fold].take(features[None])[0])

    def choose(self, sample_id: str, found: Sequence[Found]) -> Choice | None:
        """What is taken of a picture; None where all failed."""
        known = seen(found) if any(one.done for one in found) else ()
        places = [i for name in self.lessons.names for i, one in enumerate(found) if one.strategy == name]
        candidates = [found[i] for i in places]
        if not any(one.done for one in candidates):
            return None
        one = candidates[self.take(sample_id, known[places])]
        return Choice.whole(one if one.done else next(other for other in candidates if other.done))


def _of_part(lessons: Lessons, part: np.ndarray) -> Model:
    ids = [one for one, inside in zip(lessons.drawn_by, part, strict=True) if inside]
    return Model.fit(lessons.features[part], lessons.ious[part], ids)


def _rows(features: np.ndarray) -> np.ndarray:
    """(N, S, F + S) features, and which strategy each is of."""
    count, strategies, _ = features.shape
    which = np.broadcast_to(np.eye(strategies), (count, strategies, strategies))
    return np.concatenate([features, which], axis=2)
