"""The IoU that a mask is expected to have, from what is known of it without truth, calibrated on labelled pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .folds import folds_of

FEWEST = 8
"""Labelled pictures below which nothing is learned."""
FOR_STEPS = 40
"""Labelled pictures from which on the ridge's guesses are also put right by isotonic regression, which fits fewer to
their chance."""
PENALTIES = np.logspace(0, 4, 13)


@dataclass(frozen=True)
class Model:
    """A ridge regression, and what puts its guesses right."""

    ridge: object
    steps: IsotonicRegression | None

    @classmethod
    def fit(cls, features: np.ndarray, true: np.ndarray, ids: Sequence[str]) -> Model:
        """Learn from some pictures; the isotonic part from guesses for pictures that the guessing one didn't see."""
        steps = None
        if len(true) >= FOR_STEPS:
            folds, guesses = folds_of(ids), np.empty(len(true))
            for fold in np.unique(folds):
                here = folds == fold
                guesses[here] = _ridge(features[~here], true[~here]).predict(features[here])
            steps = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(guesses, true)
        return cls(_ridge(features, true), steps)

    def predict(self, features: np.ndarray) -> np.ndarray:
        """(N,) IoU, 0 to 1."""
        guesses = np.clip(self.ridge.predict(features), 0, 1)
        return guesses if self.steps is None else self.steps.predict(guesses)


@dataclass(frozen=True)
class Expectation:
    """What is expected of any picture, and of each labelled one by a model that didn't see its truth.

    Attributes:
        models: one a fold, of the other folds' pictures
        held_out: (L,) for the labelled pictures
        true: (L,) their IoU
    """

    models: tuple[Model, ...]
    held_out: np.ndarray
    true: np.ndarray

    @classmethod
    def fit(cls, features: np.ndarray, true: np.ndarray, ids: Sequence[str]) -> Expectation | None:
        """Learn from the labelled pictures; None where they are too few.

        Args:
            features: (L, F), NaN where a number isn't known
            true: (L,) IoU
            ids: of the pictures
        """
        if len(true) < FEWEST:
            return None
        folds, models, held_out = folds_of(ids), [], np.empty(len(true))
        for fold in np.unique(folds):
            here = folds == fold
            others = [one for one, inside in zip(ids, here, strict=True) if not inside]
            models.append(Model.fit(features[~here], true[~here], others))
            held_out[here] = models[-1].predict(features[here])
        return cls(tuple(models), held_out, np.asarray(true, float))

    def of(self, features: np.ndarray) -> np.ndarray:
        """(N,) what is expected of pictures without a truth: the mean of the folds' models."""
        return np.mean([model.predict(np.atleast_2d(features)) for model in self.models], axis=0)


def _ridge(features: np.ndarray, true: np.ndarray):
    imputer = SimpleImputer(keep_empty_features=True)
    return make_pipeline(imputer, StandardScaler(), RidgeCV(alphas=PENALTIES)).fit(features, true)
