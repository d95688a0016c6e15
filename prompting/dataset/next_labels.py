"""Keeping the order in which pictures are to be labelled, to settle which of two strategies is better."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

import fiftyone as fo
import numpy as np

from ..final.enough import Enough, enough
from ..final.folds import by_lot
from ..final.settling import Draw, settle
from ..prompts.strategies import find
from .everywhere import all_samples
from .finals import contenders
from .judgements import load_comparison
from .learned_from import learned_from
from .names import NEXT, StrategyFields, evaluation_key, next_key
from .proposed import proposed, proposed_by
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
    told = dict(prefix=prefix, a=ordered.a, b=ordered.b, gt_field=ordered.gt_field)
    config = dataset.init_run(method=NEXT, **told, proposed=proposed_by(dataset, prefix))
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


def order_of_those_there(dataset: fo.Dataset, prefix: str = "sam2") -> Ordered | None:
    """The last order without samples that were deleted since: the others are as good a draw of what is left."""
    ordered = load_order(dataset, prefix)
    if ordered is None:
        return None
    there = set(all_samples(dataset).values("id"))
    return _without(ordered, {*ordered.draw.ids, *ordered.known} - there)


def _without(ordered: Ordered, gone: Set[str]) -> Ordered:
    """The same order of the others."""
    stays = [one not in gone for one in ordered.draw.ids]
    ids = tuple(one for one, kept in zip(ordered.draw.ids, stays, strict=True) if kept)
    draw = Draw(ids, ordered.draw.distances[np.array(stays, bool)])
    return replace(ordered, draw=draw, known=tuple(one for one in ordered.known if one not in gone))


def settled(dataset: fo.Dataset, prefix: str = "sam2") -> Enough | None:
    """Whether it is settled which of two strategies is better, by the scores of the last evaluation.

    Of the two whose order of labelling is kept; else of the best two of the table, as if the labelled pictures that
    weren't proposed to be labelled were a random draw of the others that have both masks. Pictures that one of the two
    learned from tell nothing of the others: they are none of all, also where they were scored. None where too few are
    labelled or nothing is evaluated, and where nobody knows from what one of the two learned.
    """
    ordered = order_of_those_there(dataset, prefix)
    if ordered is not None:
        taught = _taught(dataset, prefix, ordered.a, ordered.b)
        if taught is None:
            return None
        ordered = _without(ordered, taught)
        scores = _differences(dataset, prefix, ordered.a, ordered.b)
        if scores or not (ordered.known or (ordered.draw.distances > 0).any()):
            known = {one: scores[one] for one in ordered.known if one in scores}
            drawn = {one: scores[one] for one in ordered.draw.ids if one in scores}
            return settle(ordered.a, ordered.b, ordered.draw, known, drawn)
    comparison = load_comparison(dataset, prefix)
    names = [row.strategy for row in contenders(dataset, comparison)][:2] if comparison else []
    if len(names) < 2:
        return None
    taught = _taught(dataset, prefix, *names)
    if taught is None:
        return None
    scores = {one: gain for one, gain in _differences(dataset, prefix, *names).items() if one not in taught}
    if not scores:
        return None
    asked = proposed(dataset)
    drawn, known = by_lot(set(scores) - asked), [gain for one, gain in scores.items() if one in asked]
    pictures = max(len(scores), _with_masks(dataset, prefix, names, taught))
    return enough(*names, [scores[one] for one in drawn], pictures, known=known)


def _with_masks(dataset: fo.Dataset, prefix: str, names: Sequence[str], without: Set[str]) -> int:
    """How many samples, but for some, have a mask of each strategy; one that was there already is rendered for those
    alone that are scored, and says nothing of it."""
    view = all_samples(dataset).exclude(list(without)) if without else all_samples(dataset)
    for fields in (StrategyFields.of(prefix, name) for name in names if find(name)):
        view = view.exists(fields.mask) if dataset.has_sample_field(fields.mask) else view
    return view.count()


def _taught(dataset: fo.Dataset, prefix: str, *names: str) -> set[str] | None:
    """The ids of the samples that one of these learned from; None where nobody knows."""
    of = learned_from(dataset, prefix, names).values()
    return None if None in of else {one for ids in of for one in ids}


def _differences(dataset: fo.Dataset, prefix: str, a: str, b: str) -> dict[str, float]:
    """IoU of a minus that of b of each sample that both were scored on."""
    fields = [f"{evaluation_key(prefix, name)}_iou" for name in (a, b)]
    if not all(map(dataset.has_sample_field, fields)):
        return {}
    ids, ours, theirs = all_samples(dataset).values(["id", *fields])
    return {one: x - y for one, x, y in zip(ids, ours, theirs, strict=True) if x is not None and y is not None}
