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
from .lessons import Lessons, seen

PENALTIES = np.logspace(-1, 4, 12)


@dataclass(frozen=True)
class Learned:
    """A model a fold, of the other folds' pictures.

    Attributes:
        lessons: what they learned from
        models: of each fold
    """

    lessons: Lessons
    models: tuple

    @classmethod
    def fit(cls, lessons: Lessons) -> Learned:
        """Learn each strategy's IoU of a picture from what is known of its mask, and which strategy it is."""
        models = []
        for fold in range(int(lessons.folds.max()) + 1):
            others = lessons.folds != fold
            rows = _rows(lessons.features[others])
            model = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), RidgeCV(alphas=PENALTIES))
            models.append(model.fit(rows.reshape(-1, rows.shape[-1]), lessons.ious[others].ravel()))
        return cls(lessons, tuple(models))

    def expected(self, sample_id: str, features: np.ndarray) -> np.ndarray:
        """(S,) the IoU that is expected of each strategy's mask, by models that didn't see the picture's truth."""
        fold = self.lessons.fold_of.get(sample_id)
        models = self.models if fold is None else self.models[fold : fold + 1]
        return np.mean([model.predict(_rows(features[None])[0]) for model in models], axis=0)

    def choose(self, sample_id: str, found: Sequence[Found]) -> Choice | None:
        """The strategy of which most is expected; None where all failed."""
        done = [one.done for one in found]
        if not any(done):
            return None
        expected = np.where(done, self.expected(sample_id, seen(found)), -np.inf)
        return Choice.whole(found[int(np.argmax(expected))])


def _rows(features: np.ndarray) -> np.ndarray:
    """(N, S, F + S) features, and which strategy each is of."""
    count, strategies, _ = features.shape
    which = np.broadcast_to(np.eye(strategies), (count, strategies, strategies))
    return np.concatenate([features, which], axis=2)
