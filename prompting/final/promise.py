"""How good the labels are that nobody has checked: their mean IoU, with an interval that says how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

FEWEST = 8
"""Labelled pictures below which nothing is promised."""
UNSEEN = 0.5
ALL, ACCEPTED = "masks without a truth", "accepted masks without a truth"


@dataclass(frozen=True)
class Promise:
    """The mean IoU of the labels of pictures without a truth.

    Attributes:
        pictures: without a truth, of which it speaks
        labelled: with a truth, from which it is known
        mean: None where there are too few of either
        low, high: 95 % interval
        believed: the share of the expected IoU that was believed, 0 (none: the labelled pictures' mean alone) to 1
        what: which pictures' masks
        besides: labels of pictures without a truth that are there too, and of which nothing is said
        proposed: labelled pictures that were proposed to be labelled for what is expected of them
        left_out: whether these aren't among those from which it is known, for the others are enough
    """

    pictures: int
    labelled: int
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    believed: float = 0.0
    what: str = ALL
    besides: int = 0
    proposed: int = 0
    left_out: bool = False

    def __str__(self) -> str:
        return " ".join([self._said(), *self._proposed(), *self._besides()])

    def _proposed(self) -> list[str]:
        if not self.proposed:
            return []
        if self.left_out:
            return [f"{self.proposed} more that were proposed to be labelled next are no random draw, and left out."]
        return [
            f"But {self.proposed} of these {self.labelled} were proposed to be labelled next, which is no random draw:"
            " label some that are."
        ]

    def _besides(self) -> list[str]:
        if not self.besides:
            return []
        labels, are = ("labels", "are") if self.besides > 1 else ("label", "is")
        return [
            f"{self.besides:,} other {labels} without a truth, of earlier finishings or edited, {are} not spoken for."
        ]

    def _said(self) -> str:
        if not self.pictures:
            return f"There are no {self.what} to say anything of."
        if self.mean is None:
            said = f"{self.labelled} labelled pictures like them are too few to say how good they are"
            return f"{self.pictures:,} {self.what}: {said}."
        return (
            f"Of {self.pictures:,} {self.what} the mean IoU is {self.mean:.2f} (95 %: {self.low:.2f} to"
            f" {self.high:.2f}), if the {self.labelled} labelled pictures are a random draw of all."
        )


def promise(
    true: np.ndarray,
    expected: np.ndarray,
    elsewhere: np.ndarray,
    what: str = ALL,
    confidence: float = 0.95,
    proposed: np.ndarray | None = None,
) -> Promise:
    """The mean IoU of the pictures without a truth: what is expected of them, put right by what is known of the others.

    The mean of the expected IoU over the pictures without a truth, plus the labelled pictures' mean of true minus
    expected (Angelopoulos et al., "Prediction-powered inference", 2023). It is right on average however bad the
    expectations are, as long as no labelled picture's was made by a model that saw its truth (cross-prediction, Zrnic
    and Candès, 2024) and the labelled pictures are a random draw of all. Expectations are believed as far as they help:
    multiplied by the number between 0 and 1 that makes the variance least (PPI++, Angelopoulos et al., 2023).

    The interval is that of the difference of two means of a finite population, one of which a random draw of the other
    is compared with: the residuals' standard error times sqrt(1 / labelled + 1 / pictures), with Student's t.

    Labelled pictures that were chosen for what is expected of them are no random draw. Where the others are enough,
    these speak for all pictures but themselves; what the chosen ones are known to be is then taken off.

    Args:
        true: (L,) IoU of the labelled pictures' labels
        expected: (L,) what was expected of each by a model that didn't see its truth
        elsewhere: (U,) what is expected of those without a truth
        what: which pictures' masks
        confidence: of the interval
        proposed: (L,) bool, the labelled pictures that were chosen so; None: none was
    """
    true, expected, elsewhere = (np.asarray(values, float) for values in (true, expected, elsewhere))
    chosen = np.zeros(len(true), bool) if proposed is None else np.asarray(proposed, bool)
    told, taken_off = int(chosen.sum()), np.zeros(0)
    left_out = 0 < told <= len(true) - FEWEST
    pictures = len(elsewhere)
    if left_out:
        taken_off, elsewhere = true[chosen], np.concatenate([elsewhere, expected[chosen]])
        true, expected = true[~chosen], expected[~chosen]
    labelled = len(true)
    if labelled < FEWEST or not pictures:
        return Promise(pictures, labelled, what=what, proposed=told, left_out=left_out)
    believed = _believed(true, expected)
    residuals = true - believed * expected
    mean = believed * elsewhere.mean() + residuals.mean()
    others = len(elsewhere)
    error = _deviation(residuals, believed * expected.mean()) * np.sqrt(1 / labelled + 1 / others)
    reach = stats.t.ppf((1 + confidence) / 2, labelled - 1) * error
    mean, reach = (mean * others - taken_off.sum()) / pictures, reach * others / pictures
    low, middle, high = np.clip([mean - reach, mean, mean + reach], 0, 1).tolist()
    return Promise(pictures, labelled, middle, low, high, believed, what, proposed=told, left_out=left_out)


def _deviation(residuals: np.ndarray, level: float) -> float:
    """The residuals' standard deviation, as if another half of a picture had been seen: a quarter with an IoU of 0, a
    quarter with 1. Where one mask in twenty is bad, ten labelled pictures may well show none, and without it intervals
    for so few hold 85 % of the time and not 95."""
    around = residuals.mean()
    ends = np.array([0.0, 1.0]) - level - around
    squares = ((residuals - around) ** 2).sum() + UNSEEN / 2 * (ends**2).sum()
    return float(np.sqrt(squares / (len(residuals) - 1 + UNSEEN)))


def _believed(true: np.ndarray, expected: np.ndarray) -> float:
    """The slope of true IoU over the expected, between 0 and 1."""
    spread = expected.var()
    return float(np.clip(np.cov(true, expected, ddof=0)[0, 1] / spread, 0, 1)) if spread > 0 else 0.0
