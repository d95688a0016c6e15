"""Where results live in a FiftyOne dataset: the fields, what is done already, and writing it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import fiftyone as fo
import fiftyone.core.collections as foc
import fiftyone.core.odm as odm
import numpy as np

from . import labels
from .masks import resize_mask
from .plan import SKIP, Plan
from .results import NO_PROMPT, OK, StrategyResult
from .strategies import FIELD, STRATEGIES

DONE = (OK, NO_PROMPT)
HEATMAP_SIDE = 320
"""CLIP's maps are coarse: nothing is lost by storing them so small."""


@dataclass(frozen=True)
class StrategyFields:
    """The names of the fields that one strategy writes.

    The prompts' fields say ``prompt``, for ``clip_box`` + ``_points`` would be
    the mask field of ``clip_box_points``.

    Attributes:
        mask: the Segmentation, all instances together
        instances: Detections with masks, one a prompt
        boxes, points: the prompts, as FiftyOne's own SAM 2 takes them
        positive, negative: the same points for the eye, in two fields so that the App gives them two colours
        rounds: Detections with masks, each instance before the first and after each corrective click; None for
            strategies that don't refine
        status, score: ``ok``, ``no_prompt`` or ``error: …``, and the mean predicted IoU
    """

    mask: str
    instances: str
    boxes: str
    points: str
    positive: str
    negative: str
    rounds: str | None
    status: str
    score: str

    @classmethod
    def of(cls, prefix: str, strategy: str) -> StrategyFields:
        stem = f"{prefix}_{strategy}"
        refines = STRATEGIES[strategy].rounds > 0 or STRATEGIES[strategy].prior == FIELD
        return cls(
            mask=stem,
            instances=f"{stem}_instances",
            boxes=f"{stem}_prompt_boxes",
            points=f"{stem}_prompt_points",
            positive=f"{stem}_positive",
            negative=f"{stem}_negative",
            rounds=f"{stem}_rounds" if refines else None,
            status=f"{stem}_status",
            score=f"{stem}_score",
        )

    def types(self) -> dict[str, tuple]:
        """Field name -> (field type, embedded document type or None)."""
        of_labels = {
            self.mask: fo.Segmentation,
            self.instances: fo.Detections,
            self.boxes: fo.Detections,
            self.points: fo.Keypoints,
            self.positive: fo.Keypoints,
            self.negative: fo.Keypoints,
            self.rounds: fo.Detections,
        }
        return {
            **{name: (fo.EmbeddedDocumentField, kind) for name, kind in of_labels.items() if name},
            self.status: (fo.StringField, None),
            self.score: (fo.FloatField, None),
        }


def heatmap_field(prefix: str) -> str:
    """The field of CLIP's maps."""
    return f"{prefix}_clip_map"


def declare_fields(dataset: fo.Dataset, plan: Plan) -> None:
    """Add the fields that a plan writes, with their mask targets, before the first result is written."""
    fields = [StrategyFields.of(plan.prefix, strategy) for strategy in plan.strategies]
    declared = {name: types for one in fields for name, types in one.types().items()}
    if plan.heatmap:
        declared[heatmap_field(plan.prefix)] = (fo.EmbeddedDocumentField, fo.Heatmap)
    # at once: add_sample_field() saves and reads the whole dataset document, a hundred fields and more, for each field
    dataset._merge_sample_field_schema(
        {name: odm.create_field(name, kind, embedded_doc_type=document) for name, (kind, document) in declared.items()}
    )
    for one in fields:
        dataset.mask_targets[one.mask] = plan.mask_targets
    dataset.save()


def undone(samples: foc.SampleCollection, plan: Plan) -> dict[str, frozenset[str]]:
    """Sample ids that have something to do, each with the strategies it can skip; in the view's order."""
    done: dict[str, set[str]] = {}
    if plan.existing == SKIP:
        for strategy in plan.strategies:
            fields = StrategyFields.of(plan.prefix, strategy)
            if samples.has_sample_field(fields.status):
                for sample_id in samples.match(has_result(fields)).values("id"):
                    done.setdefault(sample_id, set()).add(strategy)
    everything = set(plan.strategies)
    return {i: frozenset(done.get(i, ())) for i in samples.values("id") if done.get(i, set()) != everything}


def write(sample: fo.Sample, result: StrategyResult, plan: Plan, size: tuple[int, int] | None = None) -> None:
    """Put one strategy's result into a sample (which the caller saves, all fields in one update).

    An error is written as a status where there is no earlier result, and never replaces one. The mask gets the
    picture's own ``size`` (height, width); the instances keep the size that they were made at, for labels are relative.
    """
    fields = StrategyFields.of(plan.prefix, result.strategy)
    if result.mask is None:
        if sample[fields.status] not in DONE:
            sample[fields.status] = result.status
        return
    sample[fields.mask] = fo.Segmentation(mask=resize_mask(result.mask, *(size or result.mask.shape)))
    sample[fields.instances] = labels.instances(result)
    sample[fields.boxes] = labels.boxes(result)
    sample[fields.points] = labels.points(result)
    sample[fields.positive], sample[fields.negative] = labels.clicks(result)
    if fields.rounds:
        sample[fields.rounds] = labels.rounds(result)
    sample[fields.status] = result.status
    sample[fields.score] = result.score


def write_heatmap(sample: fo.Sample, heatmap: np.ndarray, plan: Plan) -> None:
    """Put CLIP's map (H, W) in [0, 1] into a sample, small and in 256 steps: the App stretches it."""
    scale = min(1.0, HEATMAP_SIDE / max(heatmap.shape))
    size = (max(1, round(heatmap.shape[1] * scale)), max(1, round(heatmap.shape[0] * scale)))
    small = cv2.resize(heatmap, size, interpolation=cv2.INTER_AREA)
    sample[heatmap_field(plan.prefix)] = fo.Heatmap(map=np.round(small * 255).astype(np.uint8), range=[0, 255])


def has_result(fields: StrategyFields) -> fo.ViewExpression:
    """What a sample with a strategy's result matches."""
    return fo.ViewField(fields.status).is_in(DONE)
