"""Which pictures to label next so that they teach most: hard ones, and not twenty of a kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def spread(points: np.ndarray, worth: np.ndarray, count: int, labelled: Sequence[int] = ()) -> list[int]:
    """The pictures to label next, one after the other: each is worth something, and unlike all before it.

    Greedy k-centre (Sener and Savarese, "A core-set approach", 2018), with the distance to the nearest picture that is
    labelled or chosen already multiplied by the picture's worth: of near copies one is chosen.

    Args:
        points: (N, D) what a picture is like, columns of like scale
        worth: (N,) 0 or more, how much its label would teach
        count: at most so many
        labelled: those that have a label, which aren't chosen

    Returns:
        places of the chosen ones, the first to be labelled first
    """
    points, worth = np.asarray(points, float), np.asarray(worth, float)
    away, free = _to_nearest(points, list(labelled)), np.ones(len(points), bool)
    free[list(labelled)] = False
    chosen: list[int] = []
    while len(chosen) < count and free.any():
        reached = np.isfinite(away)
        gain = worth * away if reached.all() else worth
        best = int(np.argmax(np.where(free, gain, -np.inf)))
        chosen.append(best)
        free[best] = False
        away = np.minimum(away, _distances(points, best))
    return chosen


def _to_nearest(points: np.ndarray, places: list[int]) -> np.ndarray:
    """(N,) the distance to the nearest of these; infinite without any. Thousands of them to ten thousands are many."""
    from sklearn.metrics import pairwise_distances_argmin_min

    return pairwise_distances_argmin_min(points, points[places])[1] if places else np.full(len(points), np.inf)


def _distances(points: np.ndarray, i: int) -> np.ndarray:
    return np.sqrt(((points - points[i]) ** 2).sum(axis=1))


def alike_scale(*blocks: np.ndarray) -> np.ndarray:
    """Blocks of columns side by side, each block as important as another; what isn't known is the mean.

    Args:
        *blocks: (N, D) of different D

    Returns:
        (N, sum of D) with mean 0
    """
    scaled = []
    for block in blocks:
        block = np.asarray(block, float).reshape(len(block), -1)
        means = np.array([column[~np.isnan(column)].mean() if (~np.isnan(column)).any() else 0 for column in block.T])
        block = np.where(np.isnan(block), means, block) - means
        deviations = block.std(axis=0)
        block = block / np.where(deviations > 0, deviations, 1)
        scaled.append(block / np.sqrt(max(1, block.shape[1])))
    return np.hstack(scaled)
