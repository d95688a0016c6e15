"""Which fields of finished labels are ours: those that finishing declared, as their record has it.

A person may have a field of such a name, and of the same type, that is none of ours.
"""

from __future__ import annotations

from collections.abc import Iterable

import fiftyone as fo
from bson import DBRef

from .everywhere import all_samples
from .names import ACCEPTED, EDITED, TO_REVIEW, FinalFields, labels_key


def declared(dataset: fo.Dataset, name: str) -> frozenset[str] | None:
    """The fields of labels of a name that their record says we declared.

    None where nothing says so: there is no record, or one of an earlier version. Where FiftyOne was killed while it
    deleted the record, the source alone, which goes after it.
    """
    key = labels_key(name)
    if isinstance(dataset._doc.runs.get(key), DBRef):
        return frozenset({FinalFields.of(name).source})
    if key not in dataset.list_runs():
        return None
    told = getattr(dataset.get_run_info(key).config, "declared", None)
    return None if told is None else frozenset(told)


def to_declare(dataset: fo.Dataset, name: str) -> list[str] | None:
    """What :func:`declared` is to be once finishing has declared the fields that a dataset lacks; None where a record
    of an earlier version goes on to stand for all."""
    known = declared(dataset, name)
    if known is None and labels_key(name) in dataset.list_runs():
        return None
    of = FinalFields.of(name).everything
    new = (
        of
        if known is None and _left_behind(dataset, name)
        else [one for one in of if not dataset.has_sample_field(one)]
    )
    return sorted({*(known or ()), *new})


def strangers(dataset: fo.Dataset, name: str) -> list[str]:
    """Fields of a person's that finishing would write over, or beside what they hold.

    Masks and instances are declared by many who have none yet: such fields are filled, and stay where labels go.
    """
    known, fields = declared(dataset, name), FinalFields.of(name)
    if known is None and (labels_key(name) in dataset.list_runs() or _left_behind(dataset, name)):
        return []
    there = [one for one in fields.everything if one not in (known or ()) and dataset.has_sample_field(one)]
    ours_too = known is not None and fields.source in known
    others = all_samples(dataset).exists(fields.source, False) if ours_too else all_samples(dataset)
    filled = (fields.mask, fields.instances)
    return [one for one in there if one not in filled or len(others.exists(one).limit(1))]


def note(dataset: fo.Dataset, name: str, fields: Iterable[str]) -> None:
    """We declared some more; the caller holds the dataset's document."""
    known, key = declared(dataset, name), labels_key(name)
    if known is not None and not known.issuperset(fields):
        config = dataset.get_run_info(key).config
        config.declared = sorted(known.union(fields))
        dataset.update_run_config(key, config)


def _left_behind(dataset: fo.Dataset, name: str) -> bool:
    """Whether labels are ours whose record stayed behind, as samples were copied or fields renamed: all fields are
    there, and no status is one that we don't write."""
    fields = FinalFields.of(name)
    there = all(map(dataset.has_sample_field, fields.everything))
    return there and {*all_samples(dataset).distinct(fields.status)} <= {TO_REVIEW, ACCEPTED, EDITED}
