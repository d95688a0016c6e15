"""Where results live in a FiftyOne dataset: the fields, what is done already, and writing it."""

from __future__ import annotations

from dataclasses import dataclass

import fiftyone as fo
import fiftyone.core.collections as foc
import numpy as np

from .plan import SKIP, Plan
from .prompts import Prompt
from .results import NO_PROMPT, OK, StrategyResult

DONE = (OK, NO_PROMPT)


@dataclass(frozen=True)
class StrategyFields:
    """The names of the fields that one strategy writes.

    The prompts' fields say ``prompt``, for ``clip_box`` + ``_points`` would be
    the mask field of ``clip_box_points``.
    """

    mask: str
    points: str
    boxes: str
    status: str
    score: str

    @classmethod
    def of(cls, prefix: str, strategy: str) -> StrategyFields:
        stem = f"{prefix}_{strategy}"
        return cls(stem, f"{stem}_prompt_points", f"{stem}_prompt_boxes", f"{stem}_status", f"{stem}_score")

    def types(self) -> dict[str, tuple]:
        """Field name -> (field type, embedded document type or None)."""
        return {
            self.mask: (fo.EmbeddedDocumentField, fo.Segmentation),
            self.points: (fo.EmbeddedDocumentField, fo.Keypoints),
            self.boxes: (fo.EmbeddedDocumentField, fo.Detections),
            self.status: (fo.StringField, None),
            self.score: (fo.FloatField, None),
        }


def declare_fields(dataset: fo.Dataset, plan: Plan) -> None:
    """Add the fields that a plan writes, with their mask targets, before the first result is written."""
    for strategy in plan.strategies:
        fields = StrategyFields.of(plan.prefix, strategy)
        for name, (field_type, document_type) in fields.types().items():
            dataset.add_sample_field(name, field_type, embedded_doc_type=document_type)
        dataset.mask_targets[fields.mask] = plan.mask_targets
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


def write(sample: fo.Sample, result: StrategyResult, plan: Plan) -> None:
    """Put one strategy's result into a sample (which the caller saves, all fields in one update).

    An error is written as a status where there is no earlier result, and never replaces one.
    """
    fields = StrategyFields.of(plan.prefix, result.strategy)
    if result.mask is None:
        if sample[fields.status] not in DONE:
            sample[fields.status] = result.status
        return
    height, width = result.mask.shape
    sample[fields.mask] = fo.Segmentation(mask=result.mask)
    sample[fields.points] = fo.Keypoints(keypoints=_keypoints(result, height, width))
    sample[fields.boxes] = fo.Detections(detections=_boxes(result, height, width))
    sample[fields.status] = result.status
    sample[fields.score] = result.score


def has_result(fields: StrategyFields) -> fo.ViewExpression:
    """What a sample with a strategy's result matches."""
    return fo.ViewField(fields.status).is_in(DONE)


def _keypoints(result: StrategyResult, height: int, width: int) -> list[fo.Keypoint]:
    """Clicks as keypoints, relative, with ``sam_labels``, so that FiftyOne's own SAM 2 can take them too."""
    return [
        fo.Keypoint(
            label=prompt.label,
            points=(np.asarray(prompt.point_coords, float) / (width, height)).tolist(),
            sam_labels=[int(value) for value in prompt.point_labels],
            predicted_iou=float(iou),
        )
        for prompt, iou in zip(result.prompts, result.predicted_iou, strict=True)
        if len(prompt.point_labels)
    ]


def _boxes(result: StrategyResult, height: int, width: int) -> list[fo.Detection]:
    return [
        fo.Detection(label=prompt.label, bounding_box=_relative(prompt, height, width), predicted_iou=float(iou))
        for prompt, iou in zip(result.prompts, result.predicted_iou, strict=True)
        if prompt.box is not None
    ]


def _relative(prompt: Prompt, height: int, width: int) -> list[float]:
    """xyxy pixels -> relative xywh."""
    x1, y1, x2, y2 = (float(v) for v in prompt.box)
    return [x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height]
