"""Fields of labels, by what the database alone tells of them: types, names, boxes and points."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence

import fiftyone as fo
import fiftyone.core.collections as foc

from ..errors import PromptingError
from ..spelling import spelled
from .records import own_first

MOST_TOLD = 3
"""How many of the strategies' fields a sentence names: there are dozens, and people mostly ask for their own."""

ABSOLUTE = 2.0
"""A box that is wider or higher than two pictures, or a point so far away, is in pixels."""

CHOOSING = (
    fo.Match, fo.MatchTags, fo.MatchLabels, fo.Select, fo.SelectBy, fo.Exclude, fo.ExcludeBy, fo.Limit, fo.Skip,
    fo.Take, fo.Shuffle, fo.Exists, fo.SortBy,
)  # fmt: skip
"""Stages of a view that choose or order samples, and leave labels as they are."""


def label_type_of(samples: foc.SampleCollection, name: str) -> type:
    """The label class of a field.

    Raises:
        PromptingError: no such field, or not a label field
    """
    field = samples.get_field(name) if name and isinstance(name, str) else None
    document_type = getattr(field, "document_type", None)
    if document_type is None:
        known = [n for n in samples.get_field_schema(ftype=fo.EmbeddedDocumentField) if n != "metadata"]
        is_what = f" (that one is a {type(field).__name__})" if field is not None else ""
        near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.8)
        meant = f"; is it {near[0]!r} that is meant?" if near else "."
        there = own_first(samples._dataset, known, MOST_TOLD) or "none"
        raise PromptingError(f"There is no label field {name!r}{is_what}; the dataset has: {there}{meant}")
    return document_type


def mask_targets(samples: foc.SampleCollection, name: str) -> Mapping | None:
    """A field's mask targets, or the dataset's."""
    dataset = samples._dataset
    return dataset.mask_targets.get(name) or dataset.default_mask_targets


def has_instance_masks(samples: foc.SampleCollection, name: str) -> bool:
    """Whether any Detection of a field has a mask, in the database or on disk."""
    return any(samples.count(f"{name}.detections.{where}") for where in ("mask", "mask_path"))


def check_names(samples: foc.SampleCollection, name: str, kind: type, classes: Sequence[str], truth: bool) -> None:
    """Whether any label, as the view shows them, is of one of the classes.

    Of a truth it is enough that some sample outside of the view has one: pictures without people are a truth too.

    Raises:
        PromptingError: none is; what there is instead
    """
    items = "detections" if kind is fo.Detections else "keypoints"
    labels = samples.distinct(f"{name}.{items}.label")
    if any(spelled(label, classes) for label in labels):
        return
    everywhere = altered_alike(samples)
    if truth:
        labels = everywhere.distinct(f"{name}.{items}.label")
        if any(spelled(label, classes) for label in labels) or not everywhere.count(f"{name}.{items}"):
            return
    count, wanted = everywhere.count(f"{name}.{items}"), " or ".join(map(repr, classes))
    if labels:
        none = f"The truth {name!r} has no {wanted}" if truth else f"The field {name!r} has no label {wanted}"
        raise PromptingError(f"{none}; it has: {', '.join(labels[:10])}.")
    if count:
        raise PromptingError(
            f"{count} of {count} {items} in {name!r} have no names (label is None), so none is {wanted}; name them,"
            f' say with samples.set_field("{name}.{items}.label", "{classes[0]}").save().'
        )
    raise PromptingError(f"The field {name!r} has no {items}, so none is {wanted}.")


def altered_alike(samples: foc.SampleCollection) -> foc.SampleCollection:
    """All samples of the dataset, their labels mapped, set and filtered as the view does it."""
    view = samples._dataset.view()
    for stage in samples.view()._stages:
        if not isinstance(stage, CHOOSING):
            view = view.add_stage(stage)
    return view


def check_relative(
    samples: foc.SampleCollection, name: str, kind: type, classes: Sequence[str], truth: bool = False
) -> None:
    """Whether boxes and points are relative, as FiftyOne's are.

    Raises:
        PromptingError: most of them are in pixels, or any of a truth: it would miss that instance without a word
    """
    boxes = kind is fo.Detections
    path = f"{name}.detections.bounding_box" if boxes else f"{name}.keypoints.points"
    files, given, labels = samples.values(["filepath", path, path.rsplit(".", 1)[0] + ".label"])
    there, absolute, first = 0, 0, ""
    for file, of_sample, names in zip(files, given, labels):
        for one, label in zip(of_sample or (), names or ()):
            if spelled(label, classes) is None or not one:
                continue
            there += 1
            if _is_absolute(one[2:] if boxes else [value for point in one for value in point]):
                absolute += 1
                first = first or os.path.basename(file)
    if 2 * absolute > there or (truth and absolute):
        what = "boxes" if boxes else "keypoints"
        raise PromptingError(
            f"{absolute} of {there} {what} in {name!r} are in pixels (the first: {first}), and FiftyOne's are relative:"
            " divide x and widths by the pictures' width, y and heights by their height."
        )


def _is_absolute(numbers: Sequence[float]) -> bool:
    return any(isinstance(value, (int, float)) and abs(value) > ABSOLUTE for value in numbers)
