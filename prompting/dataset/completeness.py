"""Whether a result is all there: fields can be deleted and labels be cleared while the status goes on to say ``ok``."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence

import fiftyone as fo
import fiftyone.core.collections as foc
from fiftyone import ViewField as F

from ..errors import PromptingError
from ..plan import SKIP, Plan
from ..results import NO_PROMPT
from .names import StrategyFields
from .storage import has_result

MASK, INSTANCES, PROMPTS = "mask", "instances", "prompts"
PARTS = (MASK, INSTANCES, PROMPTS)
FEW = 20
"""Files about which to ask one by one."""


def has(samples: foc.SampleCollection, fields: StrategyFields, part: str) -> fo.ViewExpression:
    """What a sample matches that has a part of a result, or needs none: without a prompt there is just a mask."""
    if part == MASK:
        return _stored(samples, f"{fields.mask}.mask") | _stored(samples, f"{fields.mask}.mask_path")
    if part == INSTANCES:
        there = _stored(samples, f"{fields.instances}.detections")
    else:
        there = _some(samples, f"{fields.boxes}.detections")
        for clicks in (fields.positive, fields.negative, fields.points):
            there |= _some(samples, f"{clicks}.keypoints")
    return (F(fields.status) == NO_PROMPT) | there


def whole(samples: foc.SampleCollection, fields: StrategyFields) -> fo.ViewExpression:
    """What a sample matches that has all of a strategy's result."""
    expression = has_result(fields)
    for part in PARTS:
        expression &= has(samples, fields, part)
    return expression


def undone(samples: foc.SampleCollection, plan: Plan) -> dict[str, frozenset[str]]:
    """Sample ids that have something to do, each with the strategies it can skip; in the view's order."""
    done: dict[str, set[str]] = {}
    if plan.existing == SKIP:
        for strategy in plan.strategies:
            fields = StrategyFields.of(plan.prefix, strategy)
            if samples.has_sample_field(fields.status):
                there = samples.match(whole(samples, fields))
                for sample_id in set(there.values("id")) - set(files_gone(there, [fields.mask, fields.instances])):
                    done.setdefault(sample_id, set()).add(strategy)
    everything = set(plan.strategies)
    return {i: frozenset(done.get(i, ())) for i in samples.values("id") if done.get(i, set()) != everything}


def require(samples: foc.SampleCollection, prefix: str, strategies: Sequence[str], parts: Sequence[str]) -> None:
    """Refuse samples whose status says that a strategy's result is there, and which lack a part of it.

    Raises:
        PromptingError: how many lack what, the first of them, and what to do
    """
    for name in strategies:
        fields = StrategyFields.of(prefix, name)
        done = samples.match(has_result(fields))
        for part in parts:
            without = done.match(~has(samples, fields, part)).values("filepath")
            if part in (MASK, INSTANCES) and not without:
                gone = files_gone(done, [fields.mask if part == MASK else fields.instances])
                without = done.select(gone).values("filepath") if gone else []
            if without:
                raise PromptingError(
                    f"{len(without)} of {len(samples)} samples have no {part} of {name!r} any more, the first of them"
                    f" {without[0]}; apply it again with existing='skip', which does what is missing, or leave them out"
                    " of the view."
                )


def require_files(samples: foc.SampleCollection, name: str, fields: Sequence[str]) -> None:
    """Refuse labels whose masks are in files that there are no more.

    Args:
        samples: a dataset or view
        name: of the labels
        fields: of Segmentations, or of Detections

    Raises:
        PromptingError: how many, the first of them, and what to do
    """
    gone = files_gone(samples, fields)
    if gone:
        first = samples.select(gone).limit(1).values("filepath")[0]
        raise PromptingError(
            f"{len(gone)} of {len(samples)} samples have no file of their mask in {name!r} any more, the first of them"
            f" {first}; see that the folder is there, put the files back, or leave those samples out of the view.",
            "name",
        )


def files_gone(samples: foc.SampleCollection, fields: Sequence[str]) -> list[str]:
    """The ids of samples that have a mask in a file, in one of these fields, which there is no more."""
    paths: dict[str, set[str]] = {}
    for field in filter(samples.has_sample_field, fields):
        several = samples.get_field(field).document_type is fo.Detections
        where = f"{field}.detections.mask_path" if several else f"{field}.mask_path"
        on_disk = samples.mongo([{"$match": {where: {"$type": "string"}}}])
        for sample_id, found in zip(*on_disk.values(["id", where])):
            paths.setdefault(sample_id, set()).update(filter(None, found) if several else [found])
    gone = _gone({path for found in paths.values() for path in found})
    return [sample_id for sample_id, found in paths.items() if found & gone] if gone else []


def _gone(paths: Collection[str]) -> set[str]:
    """Those of these files that aren't there: a folder of many is listed, once, for each question takes as long."""
    folders: dict[str, list[str]] = {}
    for path in paths:
        folders.setdefault(os.path.dirname(path), []).append(path)
    gone: set[str] = set()
    for folder, those in folders.items():
        if len(those) < FEW:
            gone.update(path for path in those if not os.path.isfile(path))
            continue
        there = set(os.listdir(folder)) if os.path.isdir(folder) else set()
        gone.update(path for path in those if os.path.basename(path) not in there)
    return gone


def _stored(samples: foc.SampleCollection, path: str) -> fo.ViewExpression:
    """Whether a path has a value; nothing has one in a field that was deleted."""
    return F(path).exists() if samples._dataset.has_sample_field(path.split(".")[0]) else F("filepath") == None  # noqa: E711


def _some(samples: foc.SampleCollection, path: str) -> fo.ViewExpression:
    """Whether a list has anything in it."""
    there = _stored(samples, path)
    return there & (F(path).length() > 0) if samples._dataset.has_sample_field(path.split(".")[0]) else there
