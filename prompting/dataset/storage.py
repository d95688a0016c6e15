"""Where results live in a FiftyOne dataset: the fields, what is done already, and writing it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import Any

import cv2
import fiftyone as fo
import fiftyone.core.utils as fou
import numpy as np
from bson import ObjectId

from ..plan import Plan
from ..prompts.strategies import strategy_of
from ..prompts.strategy import BOX, INSIDE, OUTSIDE
from ..results import NO_PROMPT, OK, OUTDATED, StrategyResult
from ..segmentation.prompt import Prompt
from . import labels
from .declaring import add_fields, set_targets
from .everywhere import these_samples
from .names import StrategyFields, heatmap_field

DONE = (OK, NO_PROMPT)
MOST_AT_ONCE = 100_000
"""Samples that one update names."""
HEATMAP_SIDE = 320
"""CLIP's maps are coarse: nothing is lost by storing them so small."""


def written_fields(plan: Plan, strategy: str) -> dict[str, tuple]:
    """What a plan writes for a strategy: field name -> (field type, embedded document type or None)."""
    fields, chosen = StrategyFields.of(plan.prefix, strategy), strategy_of(strategy)
    rounds = plan.rounds_of(chosen)
    given = chosen.gives(rounds)
    written = {fields.mask, fields.instances, fields.status, fields.score}
    kinds = {
        BOX: fields.boxes,
        INSIDE: fields.positive,
        OUTSIDE: fields.negative,
    }
    written |= {kinds[kind] for kind in given}
    if rounds and plan.keep_rounds:
        written.add(fields.rounds)
    return {name: kind for name, kind in fields.types().items() if name in written}


def declare_fields(dataset: fo.Dataset, plan: Plan) -> None:
    """Add the fields that a plan writes, with their mask targets, before the first result is written.

    The caller holds the dataset's document (:func:`prompting.dataset.lock.editing`), which saves it.
    """
    declared = {name: types for one in plan.strategies for name, types in written_fields(plan, one).items()}
    if plan.heatmap:
        declared[heatmap_field(plan.prefix)] = (fo.EmbeddedDocumentField, fo.Heatmap)
    for strategy in plan.strategies:  # for the App, which filters by what is declared
        path = f"{StrategyFields.of(plan.prefix, strategy).instances}.detections.{labels.PRIOR_CONFIDENCE}"
        declared[path] = (fo.FloatField, None)
    add_fields(dataset, declared)
    for strategy in plan.strategies:
        set_targets(dataset, StrategyFields.of(plan.prefix, strategy).mask, plan.mask_targets)


def values(sample: fo.Sample, result: StrategyResult, plan: Plan) -> Iterator[tuple[str, Any]]:
    """What goes into a sample's fields of one strategy's result, name and value, each made when it is asked for.

    An error is a status where there is no earlier mask, and never replaces one.

    Args:
        sample: of a dataset; that it has its status is enough
        result: what was made of it
        plan: what was asked for
    """
    fields, dataset = StrategyFields.of(plan.prefix, result.strategy), sample.dataset
    if result.label_map is None:
        if sample[fields.status] not in DONE or not these_samples(dataset, sample.id).exists(fields.mask):
            yield fields.status, result.status
        return
    positive, negative = labels.clicks(result)
    made = {
        fields.mask: lambda: fo.Segmentation(mask=result.mask),
        fields.instances: lambda: labels.instances(result),
        fields.boxes: lambda: labels.boxes(result),
        fields.positive: lambda: positive,
        fields.negative: lambda: negative,
        fields.rounds: lambda: labels.rounds(result),
        fields.status: lambda: result.status,
        fields.score: lambda: result.score,
    }
    written = written_fields(plan, result.strategy)
    for name in fields.everything:
        if name in written:
            yield name, made[name]()
        elif dataset.has_sample_field(name):  # of an earlier version, or of an earlier run that kept its rounds
            yield name, None


def heatmap_value(heatmap: np.ndarray, plan: Plan) -> tuple[str, fo.Heatmap]:
    """The field of CLIP's map (H, W) in [0, 1] and its value, small and in 256 steps: the App stretches it."""
    scale = min(1.0, HEATMAP_SIDE / max(heatmap.shape))
    size = (max(1, round(heatmap.shape[1] * scale)), max(1, round(heatmap.shape[0] * scale)))
    small = cv2.resize(heatmap, size, interpolation=cv2.INTER_AREA)
    return heatmap_field(plan.prefix), fo.Heatmap(map=np.round(small * 255).astype(np.uint8), range=[0, 255])


def prompts_in(sample: fo.Sample, fields: StrategyFields, height: int, width: int) -> dict[int, Prompt]:
    """The prompts of a strategy in a sample, by their index, in pixels; an earlier version may have written them."""
    boxes, positive, negative, points = (sample[f] if sample.has_field(f) else None for f in fields.prompts)
    return labels.prompts_of(boxes, points or labels.joined(positive, negative), height, width)


def clicks_in(sample: fo.Sample, fields: StrategyFields) -> fo.Keypoints:
    """A strategy's clicks in a sample, one Keypoint a prompt with ``sam_labels``: what FiftyOne's own SAM 2 takes."""
    _, positive, negative, points = (sample[f] if sample.has_field(f) else None for f in fields.prompts)
    return points or labels.joined(positive, negative)


def outdate(dataset: fo.Dataset, fields: StrategyFields, sample_ids: Iterable[str]) -> int:
    """Say in samples that their results are to be replaced, which count as none from now on; how many were there."""
    count = 0
    for page in fou.iter_batches(sample_ids, MOST_AT_ONCE):
        found = {"_id": {"$in": list(map(ObjectId, page))}, fields.status: {"$in": list(DONE)}}
        changes = {fields.status: OUTDATED, "last_modified_at": datetime.now(timezone.utc)}
        count += dataset._sample_collection.update_many(found, {"$set": changes}).modified_count
    fo.Sample._reload_docs(dataset._sample_collection_name)
    return count


def has_result(fields: StrategyFields) -> fo.ViewExpression:
    """What a sample with a strategy's result matches."""
    return fo.ViewField(fields.status).is_in(DONE)


def failed(fields: StrategyFields) -> fo.ViewExpression:
    """What a sample matches that a strategy was tried on, and made an error of."""
    return fo.ViewField(fields.status).exists() & ~fo.ViewField(fields.status).is_in((*DONE, OUTDATED))
