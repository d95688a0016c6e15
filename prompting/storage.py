"""Where results live in a FiftyOne dataset: fields, their checks, and the record of the run that wrote them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import fiftyone as fo
import fiftyone.core.collections as foc
import fiftyone.core.patches as fop
import numpy as np

from .errors import PromptingError
from .plan import ERROR, OVERWRITE, SKIP, Plan
from .prompts import Prompt
from .results import NO_PROMPT, OK, StrategyResult
from .strategies import CLIP, FIELD, STRATEGIES, YOLO

DONE = (OK, NO_PROMPT)
PARAMETERS_OF = {
    CLIP: {"clip_model", "phrases", "background"},
    YOLO: {"yolo_model", "yolo_confidence"},
    FIELD: {"prompt_field", "field_rounds"},
}
"""Parameters that concern one prior alone: to the others' strategies they make no difference."""


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


def check_collection(samples: foc.SampleCollection) -> None:
    """Refuse what holds no pictures.

    Raises:
        PromptingError: an empty view, videos, groups, 3D, or a view of patches
    """
    if isinstance(samples, (fop.PatchesView, fop.EvaluationPatchesView)):
        raise PromptingError("A view of patches has no pictures of its own; leave the patches view and try again.")
    if samples.media_type == "group":
        raise PromptingError(
            "The dataset is grouped; choose pictures with view.select_group_slices(…) or one slice in the App."
        )
    if len(samples) == 0:
        raise PromptingError("There are no samples in this view; select some or clear the filters.")
    if samples.media_type != "image":
        raise PromptingError(f"SAM 2 strategies work on images, and these samples are of type {samples.media_type!r}.")


def with_all_fields(samples: foc.SampleCollection) -> foc.SampleCollection:
    """The same samples with the fields that the view hides: results are results, shown or not."""
    view = samples._dataset.view()
    for stage in samples.view()._stages:
        if not isinstance(stage, (fo.SelectFields, fo.ExcludeFields)):
            view = view.add_stage(stage)
    return view


def check_fields(samples: foc.SampleCollection, plan: Plan) -> None:
    """Refuse to write over fields that mean something else, or over results without being asked.

    Raises:
        PromptingError: a field of another type; results that exist under ``existing="error"``; results of other
            parameters that would stay beside the new ones under the same name
    """
    dataset = samples._dataset
    schema = dataset.get_field_schema()
    for strategy in plan.strategies:
        fields = StrategyFields.of(plan.prefix, strategy)
        for name, (field_type, document_type) in fields.types().items():
            there = schema.get(name)
            if there is not None and not _is_type(there, field_type, document_type):
                raise PromptingError(f"The field {name!r} exists and is of another type; choose another prefix.")
        if fields.status not in schema:
            continue
        here = samples.match(_has_result(fields))
        if plan.existing == ERROR and len(here):
            raise PromptingError(
                f"{len(here)} samples have results of {strategy!r} already; choose existing={SKIP!r} to keep them,"
                f" existing={OVERWRITE!r} to replace them, or another prefix."
            )
        kept = len(dataset.match(_has_result(fields))) - (len(here) if plan.existing == OVERWRITE else 0)
        difference = first_difference(dataset, plan, strategy) if kept else None
        if difference:
            name, old, new = difference
            raise PromptingError(
                f"{kept} samples keep results of {strategy!r} made with {name}={old!r}, not {new!r};"
                " overwrite them all or choose another prefix."
            )


def check_prompt_field(samples: foc.SampleCollection, plan: Plan) -> dict[str, int]:
    """Whether the prompt field has what the ``field_*`` strategies need.

    Returns:
        for a Segmentation, the pixel value of each class; else an empty dict

    Raises:
        PromptingError: no such field, of a wrong type, without the classes, without masks or boxes
    """
    if not plan.uses(FIELD):
        return {}
    name = plan.prompt_field
    label_type = label_type_of(samples, name)
    if label_type is fo.Segmentation:
        return segmentation_values(samples, name, plan.classes)
    if label_type not in (fo.Detections, fo.Keypoints):
        raise PromptingError(f"prompt_field {name!r} must hold Detections, Keypoints or a Segmentation.")
    items = "detections" if label_type is fo.Detections else "keypoints"
    labels = samples.distinct(f"{name}.{items}.label")
    if not set(labels) & set(plan.classes):
        raise PromptingError(
            f"The field {name!r} has no label {' or '.join(map(repr, plan.classes))}; it has: {', '.join(labels[:10])}."
        )
    if label_type is fo.Keypoints and "field_box" in plan.strategies:
        raise PromptingError(f"field_box needs boxes, and {name!r} holds keypoints; use field_point or field_points.")
    if label_type is fo.Detections and "field_points" in plan.strategies and not has_instance_masks(samples, name):
        raise PromptingError(
            f"field_points spreads clicks over instance masks, and the detections of {name!r} have none;"
            " use field_box or field_point."
        )
    return {}


def label_type_of(samples: foc.SampleCollection, name: str) -> type:
    """The label class of a field.

    Raises:
        PromptingError: no such field, or not a label field
    """
    field = samples.get_field(name) if name else None
    document_type = getattr(field, "document_type", None)
    if document_type is None:
        known = [n for n, f in samples.get_field_schema(ftype=fo.EmbeddedDocumentField).items() if n != "metadata"]
        raise PromptingError(f"There is no label field {name!r}; the dataset has: {', '.join(known) or 'none'}.")
    return document_type


def has_instance_masks(samples: foc.SampleCollection, name: str) -> bool:
    """Whether any Detection of a field has a mask, in the database or on disk."""
    return any(samples.count(f"{name}.detections.{where}") for where in ("mask", "mask_path"))


def segmentation_values(samples: foc.SampleCollection, name: str, classes: Sequence[str]) -> dict[str, int]:
    """The pixel value of each class in a Segmentation field, by the dataset's mask targets.

    Without mask targets, class i is i + 1; a single class is every value but 0 (then the dict is empty).

    Raises:
        PromptingError: mask targets that lack a class, or are colours
    """
    dataset = samples._dataset
    targets = dataset.mask_targets.get(name) or dataset.default_mask_targets
    if not targets:
        return {} if len(classes) == 1 else {label: i + 1 for i, label in enumerate(classes)}
    if any(isinstance(value, str) for value in targets):
        raise PromptingError(f"{name!r} has masks of colours; turn them into masks of values first.")
    values = {label: int(value) for value, label in targets.items()}
    missing = [label for label in classes if label not in values]
    if missing:
        raise PromptingError(f"The mask targets of {name!r} have no {missing[0]!r}; they have: {', '.join(values)}.")
    return {label: values[label] for label in classes}


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
                for sample_id in samples.match(_has_result(fields)).values("id"):
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


def run_key(prefix: str, strategy: str) -> str:
    """The key of the registered run that describes a strategy's fields."""
    return f"{prefix}_{strategy}"


def register(dataset: fo.Dataset, plan: Plan, strategy: str, cost: dict | None = None) -> None:
    """Record the parameters of a strategy's results and, once known, what the latest run cost an image."""
    key = run_key(plan.prefix, strategy)
    config = dataset.init_run(method="sam2_prompting", strategy=strategy, **_plain(plan.record()))
    for name, value in (cost or {}).items():
        setattr(config, name, value)
    dataset.register_run(key, config, overwrite=True)


def recorded(dataset: fo.Dataset, prefix: str, strategy: str) -> dict | None:
    """What :func:`register` recorded, or None."""
    key = run_key(prefix, strategy)
    return dataset.get_run_info(key).config.serialize() if key in dataset.list_runs() else None


def first_difference(dataset: fo.Dataset, plan: Plan, strategy: str) -> tuple[str, object, object] | None:
    """The first recorded parameter that differs from the plan's, as (name, old, new)."""
    old = recorded(dataset, plan.prefix, strategy)
    if old is None:
        return None
    new = _plain(plan.record())
    others = [names for prior, names in PARAMETERS_OF.items() if prior != STRATEGIES[strategy].prior]
    ignored = {"versions", "device"}.union(*others)
    for name, value in new.items():
        if name not in ignored and old.get(name) != value:
            return name, old.get(name), value
    return None


def _has_result(fields: StrategyFields):
    return fo.ViewField(fields.status).is_in(DONE)


def _is_type(field: fo.Field, field_type: type, document_type: type | None) -> bool:
    return isinstance(field, field_type) and getattr(field, "document_type", None) is document_type


def _plain(record: dict) -> dict:
    """JSON only: tuples to lists, for what comes back from the database is compared with it."""
    return json.loads(json.dumps(record))


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
