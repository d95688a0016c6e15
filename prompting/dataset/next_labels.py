"""Keeping the order in which pictures are to be labelled, to settle which of two strategies is better."""

from __future__ import annotations

from dataclasses import dataclass

import fiftyone as fo
import numpy as np

from ..final.enough import Enough, enough
from ..final.settling import Draw, settle
from .judgements import load_comparison
from .names import NEXT, evaluation_key, next_key
from .registering import put_run


@dataclass(frozen=True)
class Ordered:
    """What was drawn.

    Attributes:
        a, b: the strategies
        gt_field: the truth
        draw: the order of the pictures without one
        known: ids of those that had one
    """

    a: str
    b: str
    gt_field: str
    draw: Draw
    known: tuple[str, ...]


def save_order(dataset: fo.Dataset, prefix: str, ordered: Ordered) -> None:
    """Keep an order in place of the last one; the caller holds the dataset's document (``editing``)."""
    key = next_key(prefix)
    config = dataset.init_run(method=NEXT, prefix=prefix, a=ordered.a, b=ordered.b, gt_field=ordered.gt_field)
    put_run(dataset, key, config)
    told = dict(
        ids=list(ordered.draw.ids), distances=ordered.draw.distances.round(6).tolist(), known=list(ordered.known)
    )
    dataset.save_run_results(key, dataset.init_run_results(key, **told), overwrite=True)


def load_order(dataset: fo.Dataset, prefix: str = "sam2") -> Ordered | None:
    """The last order, or None."""
    key = next_key(prefix)
    results = dataset.load_run_results(key) if key in dataset.list_runs() else None
    if results is None:
        return None
    config, draw = dataset.get_run_info(key).config, Draw(tuple(results.ids), np.array(results.distances, float))
    return Ordered(config.a, config.b, config.gt_field, draw, tuple(results.known))


def settled(dataset: fo.Dataset, prefix: str = "sam2") -> Enough | None:
    """Whether it is settled which of two strategies is better, by the scores of the last evaluation.

    Of the two whose order of labelling is kept; else of the best two of the table, as if the labelled pictures were a
    random draw of all that have both masks. None where too few are labelled, or nothing is evaluated.
    """
    ordered = load_order(dataset, prefix)
    if ordered is not None and (scores := _differences(dataset, prefix, ordered.a, ordered.b)):
        known = {one: scores[one] for one in ordered.known if one in scores}
        drawn = {one: scores[one] for one in ordered.draw.ids if one in scores}
        return settle(ordered.a, ordered.b, ordered.draw, known, drawn)
    comparison = load_comparison(dataset, prefix)
    names = [row.strategy for row in comparison.rows][:2] if comparison else []
    if len(names) < 2:
        return None
    scores = _differences(dataset, prefix, *names)
    return enough(*names, list(scores.values()), len(dataset)) if scores else None


def _differences(dataset: fo.Dataset, prefix: str, a: str, b: str) -> dict[str, float]:
    """IoU of a minus that of b of each sample that both were scored on."""
    fields = [f"{evaluation_key(prefix, name)}_iou" for name in (a, b)]
    if not all(map(dataset.has_sample_field, fields)):
        return {}
    ids, ours, theirs = dataset.values(["id", *fields])
    return {one: x - y for one, x, y in zip(ids, ours, theirs, strict=True) if x is not None and y is not None}
