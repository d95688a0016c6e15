"""How sure a mean over images is, and whether one strategy beats another by more than chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

TIE = 0.01
"""Two strategies tie on an image where their IoU differs by no more than this."""

RESAMPLES = 2000
AT_ONCE = 500_000
"""Bootstrap resamples are drawn so many values at a time (4 MB): memory stays small, and the CPU's cache is used."""


@dataclass(frozen=True)
class Difference:
    """A strategy minus the baseline, image by image.

    Attributes:
        mean: of the differences; NaN where no image has both scores
        low, high: its 95 % interval, a bootstrap of the images; None for fewer than two images
        p: Wilcoxon's signed-rank test, two-sided, Holm-corrected over the strategies; None for fewer than two images
        wins, ties, losses: images in which the strategy is better, within TIE, and worse
    """

    mean: float
    low: float | None
    high: float | None
    p: float | None
    wins: int
    ties: int
    losses: int


def mean_interval(values: Sequence[float], confidence: float = 0.95, seed: int = 0) -> tuple[float, float] | None:
    """The bootstrap interval of a mean (percentile method, 2,000 resamples of the images), seeded.

    Args:
        values: one score an image; NaNs are left out

    Returns:
        (low, high), or None for fewer than two images
    """
    known = np.asarray(values, float)
    known = known[~np.isnan(known)]
    if len(known) < 2:
        return None
    low, high = _mean_intervals(known[None], confidence, seed)
    return float(low[0]), float(high[0])


def differences(scores: Mapping[str, np.ndarray], baseline: str, seed: int = 0) -> dict[str, Difference]:
    """Compare every strategy with the baseline on the images that both were scored on.

    A difference of at most TIE counts as a tie in wins, ties and losses. The
    test takes the differences as they are, without those that are exactly 0;
    where all are, p is 1.

    Args:
        scores: each strategy's scores, (N,) in the same order of images; an image with NaN in either is left out
        baseline: one of them
        seed: of the bootstrap

    Returns:
        strategy -> difference, in the order of ``scores``, without the baseline
    """
    reference = np.asarray(scores[baseline], float)
    pairs = {name: np.asarray(values, float) - reference for name, values in scores.items() if name != baseline}
    intervals = _paired_intervals(pairs, seed)
    known = {name: values[~np.isnan(values)] for name, values in pairs.items()}
    tested = [name for name, values in known.items() if len(values) > 1]
    p_values = dict(zip(tested, holm([_signed_rank_p(known[name]) for name in tested]).tolist()))
    return {
        name: Difference(
            mean=float(np.mean(values)) if len(values) else float("nan"),
            low=intervals[name][0] if name in intervals else None,
            high=intervals[name][1] if name in intervals else None,
            p=p_values.get(name),
            wins=int(np.count_nonzero(values > TIE)),
            ties=int(np.count_nonzero(np.abs(values) <= TIE)),
            losses=int(np.count_nonzero(values < -TIE)),
        )
        for name, values in known.items()
    }


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Holm's step-down correction (Holm, 1979), which holds the family-wise error whatever the dependence.

    Args:
        p_values: of M tests

    Returns:
        (M,) adjusted p-values in the same order, at most 1
    """
    p = np.asarray(p_values, float)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return adjusted


def _signed_rank_p(values: np.ndarray) -> float:
    return float(stats.wilcoxon(values).pvalue) if values.any() else 1.0


def _paired_intervals(pairs: Mapping[str, np.ndarray], seed: int) -> dict[str, tuple[float, float]]:
    """Intervals of the means of (N,) differences; strategies that know the same images share one bootstrap."""
    groups: dict[bytes, list[str]] = {}
    for name, values in pairs.items():
        groups.setdefault(np.isnan(values).tobytes(), []).append(name)
    intervals = {}
    for names in groups.values():
        rows = np.stack([pairs[name] for name in names])
        rows = rows[:, ~np.isnan(rows[0])]
        if rows.shape[1] > 1:
            low, high = _mean_intervals(rows, 0.95, seed)
            intervals.update(zip(names, zip(low.tolist(), high.tolist())))
    return intervals


def _mean_intervals(rows: np.ndarray, confidence: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Low and high (K,) of the means of K rows, all resampled with the same images."""
    interval = stats.bootstrap(
        (rows,),
        np.mean,
        axis=-1,
        n_resamples=RESAMPLES,
        batch=max(1, AT_ONCE // rows.size),
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return interval.low, interval.high
