"""Learning from labelled pictures what a patch of an object looks like: arrays in, a linear classifier out.

A patch counts as a class's where its mask covers most of it, and as background where nothing does. The classifier is a
multinomial logistic regression, for it is the same on every machine and learns of a handful of pictures in a second.
Where CLIP's words for a class tell its patches from the others, they have a say beside it; how much, the same patches
tell (Platt, 1999). A single reference then need not show everything that the class isn't.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

MOST = 8000
"""So many patches are learned from, of all pictures together; more of them made no difference."""
RARE = 5
"""The patches of the most frequent kind weigh so many times what those of another do, at most."""
FREEDOM = 4.0
"""What half of the squared weights is weighed against, times the mean loss: however many patches there are, they teach
as much. From a tenth to ten times of it made hardly a difference."""


def some_of(kinds: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """The places of the patches to learn from, in order: no more than so many, of each kind alike where there are.

    Args:
        kinds: (N,), see :func:`prompting.priors.patches.kinds_of`
        most: as many at most, and one of each kind at least
        rng: which draws them
    """
    there = [value for value in np.unique(kinds) if value >= 0]
    each = max(1, most // max(1, len(there)))
    chosen = []
    for value in there:
        places = np.flatnonzero(kinds == value)
        chosen.append(places if len(places) <= each else rng.choice(places, each, replace=False))
    return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, int)


@dataclass(frozen=True, eq=False)
class Classifier:
    """How likely a patch is each class's: a softmax over the classes' scores and 0, which is the background's.

    Attributes:
        weights: (C, D)
        offsets: (C,); a class's score is ``features @ weights + offsets``, and what its words say
        trust: (C,) in [0, 1]: what the words' say is multiplied by
    """

    weights: np.ndarray
    offsets: np.ndarray
    trust: np.ndarray

    @classmethod
    def fit(cls, features: np.ndarray, kinds: np.ndarray, said: np.ndarray) -> Classifier:
        """Learn from patches, of each kind one at least.

        Args:
            features: (N, D)
            kinds: (N,), 0 the background, i + 1 class i
            said: (N, C), how much likelier the words say that each class is than the background: a logit
        """
        count = said.shape[1]
        mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-6
        model = LogisticRegression(C=FREEDOM / len(kinds), class_weight=_weights(kinds, count + 1), max_iter=1000)
        model.fit((features - mean) / spread, kinds)
        if count == 1:
            weights, offsets = model.coef_, model.intercept_
        else:
            weights, offsets = model.coef_[1:] - model.coef_[0], model.intercept_[1:] - model.intercept_[0]
        weights = weights / spread
        offsets = offsets - weights @ mean
        trust = [_trust(said[:, i], kinds == i + 1) for i in range(count)]
        return cls(weights.astype(np.float32), offsets.astype(np.float32), np.array(trust, np.float32))


def _weights(kinds: np.ndarray, count: int) -> dict[int, float]:
    """All patches weigh alike, but those of small things, which would hardly be found: no kind weighs less than a fifth
    of the most frequent one."""
    numbers = np.maximum(1, np.bincount(kinds, minlength=count))
    return dict(enumerate(np.maximum(1, numbers.max() / (RARE * numbers)).tolist()))


def _trust(said: np.ndarray, there: np.ndarray) -> float:
    """How much of the examples the words alone get right, the share that they find less the share of what they find
    wrongly, times the slope of a logistic regression on them: a large number may mean little.

    Words that never win, or always, for CLIP doesn't know them, get 0, though they may be a little higher there.
    """
    right = (said[there] > 0).mean() - (said[~there] > 0).mean()
    if right <= 0:
        return 0.0
    slope = LogisticRegression(C=1000, class_weight="balanced").fit(said[:, None], there).coef_[0, 0]
    return float(right * np.clip(slope, 0, 1))


def smallest_part(areas: Sequence[float]) -> float:
    """Below which share of a picture nothing is looked for: half of an ordinary object that was shown, or what CLIP's
    maps drop, if that is less.

    Args:
        areas: of the objects in the references, as shares of their pictures; one at least
    """
    return min(0.002, float(np.median(areas)) / 2)
