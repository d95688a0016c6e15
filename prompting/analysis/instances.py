"""Whether a strategy finds each person once: its instances matched one to one with those of the truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..pixels.masks import Window, intersection
from .average_precision import AveragePrecision


@dataclass(frozen=True)
class Matches:
    """One image's instances of one class.

    Attributes:
        ious: of the matched pairs
        truths: instances in the truth
        predictions: instances that were found, without those that lie in a crowd
        misses: truths that no prediction matches
        duplicates: predictions that would match a truth which another prediction took
    """

    ious: tuple[float, ...]
    truths: int
    predictions: int
    misses: int
    duplicates: int


@dataclass(frozen=True)
class InstanceScores:
    """All images together.

    Attributes:
        recall: matched truths among all truths; None where there is none
        precision: matched predictions among all predictions; None where there is none
        mean_iou: over matched pairs; None where there is none
        truths, predictions, misses, duplicates: as in :class:`Matches`
        ap, ap50, ar: COCO's, see :mod:`prompting.analysis.average_precision`; None where it wasn't computed
    """

    recall: float | None
    precision: float | None
    mean_iou: float | None
    truths: int
    predictions: int
    misses: int
    duplicates: int
    ap: float | None = None
    ap50: float | None = None
    ar: float | None = None


def match(
    predicted: Sequence[Window | np.ndarray],
    truth: Sequence[Window | np.ndarray],
    crowd: Window | np.ndarray | None = None,
    threshold: float = 0.5,
    ious: np.ndarray | None = None,
) -> Matches:
    """Match predictions with truths one to one where their IoU is at least ``threshold``.

    Of all matchings that with the most pairs is taken, and of those the one
    with the highest sum of IoU (an optimal assignment; COCO's evaluation goes
    greedily by confidence instead). An unmatched prediction of which at least
    half lies in a crowd is ignored, as COCO's evaluation does: it may be right.

    Args:
        predicted, truth: masks of one picture, windows or (H, W) bool
        crowd: where nobody outlined single instances
        threshold: in (0, 1]
        ious: (N, M) of the masks, where they are known

    Returns:
        the image's matches
    """
    predicted, truth = [Window.of(mask) for mask in predicted], [Window.of(mask) for mask in truth]
    crowd = None if crowd is None else Window.of(crowd)
    ious = pairwise_iou(predicted, truth) if ious is None else ious
    close = ious >= threshold
    # a further pair is worth more than all IoU together
    rows, columns = linear_sum_assignment(np.where(close, ious + min(ious.shape) + 1, 0), maximize=True)
    pairs = [(i, j) for i, j in zip(rows, columns) if close[i, j]]
    matched = {i for i, _ in pairs}
    unmatched = [i for i in range(len(predicted)) if i not in matched and not _in_crowd(predicted[i], crowd)]
    return Matches(
        ious=tuple(float(ious[pair]) for pair in pairs),
        truths=len(truth),
        predictions=len(pairs) + len(unmatched),
        misses=len(truth) - len(pairs),
        duplicates=sum(bool(close[i].any()) for i in unmatched),
    )


def pooled(matches: Iterable[Matches], average: AveragePrecision | None = None) -> InstanceScores:
    """Recall, precision and the mean IoU of matched pairs over the instances of all images.

    Args:
        matches: of each image and class
        average: COCO's numbers of the same masks
    """
    every, average = list(matches), average or AveragePrecision(None, None, None)
    ious = [iou for one in every for iou in one.ious]
    truths, predictions = sum(one.truths for one in every), sum(one.predictions for one in every)
    return InstanceScores(
        recall=len(ious) / truths if truths else None,
        precision=len(ious) / predictions if predictions else None,
        mean_iou=float(np.mean(ious)) if ious else None,
        truths=truths,
        predictions=predictions,
        misses=sum(one.misses for one in every),
        duplicates=sum(one.duplicates for one in every),
        **asdict(average),
    )


def pairwise_iou(a: Sequence[Window | np.ndarray], b: Sequence[Window | np.ndarray]) -> np.ndarray:
    """IoU of each mask of ``a`` with each of ``b``; 0 where both are empty.

    Looks at pairs one by one and just where their windows overlap: nothing as
    large as the picture is held.

    Args:
        a, b: N and M masks of one picture, windows or (H, W) bool

    Returns:
        (N, M) float
    """
    a, b = [Window.of(mask) for mask in a], [Window.of(mask) for mask in b]
    ious = np.zeros((len(a), len(b)))
    areas_a, areas_b = [mask.area for mask in a], [mask.area for mask in b]
    for i, j in zip(*np.nonzero(_overlapping(a, b))):
        shared = intersection(a[i], b[j])
        ious[i, j] = shared / (areas_a[i] + areas_b[j] - shared) if shared else 0
    return ious


def _overlapping(a: Sequence[Window], b: Sequence[Window]) -> np.ndarray:
    """(N, M) bool, whether two windows have a pixel in common."""
    boxes_a, boxes_b = (np.array([mask.box for mask in masks]).reshape(-1, 4) for masks in (a, b))
    starts = np.maximum(boxes_a[:, None, :2], boxes_b[None, :, :2])
    return (starts < np.minimum(boxes_a[:, None, 2:], boxes_b[None, :, 2:])).all(axis=2)


def _in_crowd(mask: Window, crowd: Window | None) -> bool:
    """Whether at least half of a mask lies in the crowd."""
    inside = 0 if crowd is None else intersection(mask, crowd)
    return inside > 0 and 2 * inside >= mask.area
