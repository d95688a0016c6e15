"""COCO's average precision and recall of masks, as its own evaluation defines them (Lin et al., 2014; pycocotools).

Within a picture and a class the surest mask comes first and takes the free instance with which its IoU is largest, if
that reaches a threshold; one that reaches none but lies in a crowd by as much counts for nothing. Over all pictures,
precision is read off at 101 recalls after each point was raised to the best of those with a larger recall. All that is
meant over the thresholds 0.50, 0.55, … 0.95 and over the classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""As pycocotools makes them, to the last bit: an IoU may be 0.6 itself."""
RECALLS = np.linspace(0, 1, 101)
MOST = 100
"""Masks of a picture and a class that count, the surest; COCO's ``maxDets``."""


@dataclass(frozen=True)
class Ranked:
    """One picture's masks of one class, the surest first.

    Attributes:
        scores: (D,) float, descending
        hits: (T, D) bool, which take an instance at each threshold
        ignored: (T, D) bool, which lie in a crowd and count for nothing
        truths: instances in the truth
    """

    scores: np.ndarray
    hits: np.ndarray
    ignored: np.ndarray
    truths: int


@dataclass(frozen=True)
class AveragePrecision:
    """COCO's three numbers, each a mean over classes that are in the truth; None where none is.

    Attributes:
        ap: over all thresholds
        ap50: at IoU 0.5
        ar: the largest recall, over all thresholds
    """

    ap: float | None
    ap50: float | None
    ar: float | None


def rank(ious: np.ndarray, scores: Sequence[float], in_crowd: Sequence[float] | None = None) -> Ranked:
    """Match one picture's masks of one class with the truth's instances at each threshold.

    Args:
        ious: (D, G) of each mask with each instance
        scores: D, how sure each mask is
        in_crowd: D, the share of each mask that lies in a crowd; by default none
    """
    order = np.argsort(-np.asarray(scores, float), kind="stable")[:MOST]
    ious, sure = np.asarray(ious, float)[order], np.asarray(scores, float)[order]
    shares = np.zeros(len(order)) if in_crowd is None else np.asarray(in_crowd, float)[order]
    hits = np.zeros((len(THRESHOLDS), len(order)), bool)
    for t, threshold in enumerate(THRESHOLDS):
        free = np.ones(ious.shape[1], bool)
        for d, of_mask in enumerate(ious):
            reached = free & (of_mask >= min(threshold, 1 - 1e-10))
            if reached.any():
                # of equal ones the last, as pycocotools goes on to it
                best = np.flatnonzero(reached & (of_mask == of_mask[reached].max()))[-1]
                free[best], hits[t, d] = False, True
    ignored = ~hits & (shares >= np.minimum(THRESHOLDS, 1 - 1e-10)[:, None])
    return Ranked(sure, hits, ignored, ious.shape[1])


def average_precision(classes: Sequence[Sequence[Ranked]]) -> AveragePrecision:
    """The three numbers over all pictures.

    Args:
        classes: of each class, its masks of all pictures
    """
    precisions, recalls = [], []
    for pictures in classes:
        truths = sum(ranked.truths for ranked in pictures)
        if truths:
            precision, recall = _of_class(pictures, truths)
            precisions.append(precision)
            recalls.append(recall)
    if not precisions:
        return AveragePrecision(None, None, None)
    by_threshold = np.mean(precisions, axis=0)
    return AveragePrecision(float(by_threshold.mean()), float(by_threshold[0]), float(np.mean(recalls)))


def _of_class(pictures: Sequence[Ranked], truths: int) -> tuple[np.ndarray, np.ndarray]:
    """(T,) mean precision over the 101 recalls, and (T,) the largest recall."""
    scores = np.concatenate([ranked.scores for ranked in pictures])
    order = np.argsort(-scores, kind="stable")
    hits = np.concatenate([ranked.hits for ranked in pictures], axis=1)[:, order]
    ignored = np.concatenate([ranked.ignored for ranked in pictures], axis=1)[:, order]
    precision, recall = np.zeros(len(THRESHOLDS)), np.zeros(len(THRESHOLDS))
    for t in range(len(THRESHOLDS)):
        right = hits[t][~ignored[t]]
        if not len(right):
            continue
        found = np.cumsum(right)
        at = found / truths
        raised = np.maximum.accumulate((found / np.arange(1, len(right) + 1))[::-1])[::-1]
        place = np.searchsorted(at, RECALLS, side="left")
        precision[t] = np.where(place < len(right), raised[np.minimum(place, len(right) - 1)], 0).mean()
        recall[t] = at[-1]
    return precision, recall
