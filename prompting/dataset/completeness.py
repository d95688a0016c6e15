"""Whether a result is all there: fields can be deleted and labels be cleared while the status goes on to say ``ok``."""

from __future__ import annotations

import os
from collections.abc import Sequence

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
                for sample_id in set(there.values("id")) - set(files_gone(there, fields)):
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
            if part == MASK and not without:
                gone = files_gone(done, fields)
                without = done.select(gone).values("filepath") if gone else []
            if without:
                raise PromptingError(
                    f"{len(without)} of {len(samples)} samples have no {part} of {name!r} any more, the first of them"
                    f" {without[0]}; apply it again with existing='skip', which does what is missing, or leave them out"
                    " of the view."
                )


def files_gone(samples: foc.SampleCollection, fields: StrategyFields) -> list[str]:
    """The ids of samples whose mask somebody moved from the database to a file that there is no more."""
    where = f"{fields.mask}.mask_path"
    if not samples.has_sample_field(fields.mask):
        return []
    ids, paths = samples.match(F(where).exists()).values(["id", where])
    return [sample_id for sample_id, path in zip(ids, paths) if not os.path.isfile(path)]


def _stored(samples: foc.SampleCollection, path: str) -> fo.ViewExpression:
    """Whether a path has a value; nothing has one in a field that was deleted."""
    return F(path).exists() if samples._dataset.has_sample_field(path.split(".")[0]) else F("filepath") == None  # noqa: E711


def _some(samples: foc.SampleCollection, path: str) -> fo.ViewExpression:
    """Whether a list has anything in it."""
    there = _stored(samples, path)
    return there & (F(path).length() > 0) if samples._dataset.has_sample_field(path.split(".")[0]) else there
