"""Reference pictures: which samples they are, what their masks say, and who learned from them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import fiftyone as fo
import fiftyone.core.collections as foc
import fiftyone.core.patches as fop
import numpy as np
from bson import ObjectId

from ..errors import PromptingError, concerning
from ..pixels.images import read_bounded, upright_size
from ..plan import Plan
from ..priors.base import Reference
from ..prompts.strategies import find
from ..prompts.strategy import REFERENCE
from .label_fields import has_instance_masks, label_type_of
from .names import labels_key
from .owned import labels_there, own_fields
from .pages import samples_by_page
from .present import prefixes
from .reading import GLANCE
from .records import recorded
from .truth import Truth, read_truth

TAG = "reference"
"""What reference pictures are tagged, where nobody says otherwise."""


class References:
    """Labelled pictures of a dataset, read one by one whenever they are gone through.

    Args:
        view: the samples
        ids: theirs, in the order in which they are gone through
        truth: what their masks were understood as
        between: called before each; it may raise to end a run
    """

    def __init__(self, view: foc.SampleCollection, ids: Sequence[str], truth: Truth, between: Callable[[], None]):
        self._view, self._ids, self._truth = view.select_fields(truth.field), tuple(ids), truth
        self._between = between

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[Reference]:
        for sample in samples_by_page(self._view.select(self._ids, ordered=True), self._ids):
            self._between()
            image, size = _read(sample)
            labels = self._truth.label_map(sample[self._truth.field], *size)
            yield Reference(os.path.basename(sample.filepath), image, labels)

    def __contains__(self, one: object) -> bool:
        return any(one is other for other in self)


def read_references(
    dataset: fo.Dataset, plan: Plan, between: Callable[[], None] = lambda: None
) -> tuple[Plan, References | tuple]:
    """The plan with its references' ids and what tells them from others, and the pictures; none where no strategy asks.

    All masks are decoded once, and no picture is.

    Args:
        dataset: whose samples strategies are applied to
        plan: with or without ``auto``
        between: called before each picture; it may raise to end a run

    Raises:
        PromptingError: references that aren't there, have no masks, or don't show what is asked for
    """
    if not plan.uses(REFERENCE):
        return plan, ()
    view = _labelled(dataset, plan)
    truth, seen, shown = _understood(view, plan), [], set()
    for sample in samples_by_page(view.select_fields(plan.reference_field), view.values("id")):
        between()
        size = upright_size(sample.filepath) or _read(sample)[1]
        labels = truth.label_map(sample[plan.reference_field], *size)
        shown |= set(np.unique(labels).tolist())
        digest = hashlib.sha256(repr(labels.shape).encode() + labels.tobytes()).hexdigest()
        seen.append((os.path.basename(sample.filepath), digest, sample.id))
    _refuse_unshown(plan, shown)
    seen.sort()  # in one order, however they were named: the same pictures teach the same
    known = hashlib.sha256(repr([(name, digest) for name, digest, _ in seen]).encode()).hexdigest()
    ids = tuple(sample_id for *_, sample_id in seen)
    return replace(plan, references=ids, references_sha256=known), References(view, ids, truth, between)


def glance_at_references(dataset: fo.Dataset, plan: Plan) -> Plan:
    """As :func:`read_references`, for forms, which ask at each keystroke: the masks of many aren't looked at.

    Raises:
        PromptingError: as there
    """
    if plan.uses(REFERENCE) and len(_labelled(dataset, plan)) > GLANCE:
        return plan
    return read_references(dataset, plan)[0]


def reference_ids(dataset: fo.Dataset, references: str | Iterable[str]) -> list[str]:
    """The ids of the samples that a tag, or ids, or several of both mean, each once.

    Args:
        dataset: of the samples
        references: a tag; or tags and ids, as text with commas between them or as a list

    Raises:
        PromptingError: one that means none
    """
    samples = _pictures(dataset)
    if isinstance(references, str):
        whole = references.strip()
        references = [whole] if samples.match_tags(whole).count() else filter(None, map(str.strip, whole.split(",")))
    found: dict[str, None] = {}
    for said in references:
        if ObjectId.is_valid(said) and samples.select(said).count():
            found[said] = None
        elif ids := samples.match_tags(said).values("id"):
            found |= dict.fromkeys(ids)
        elif ObjectId.is_valid(said):
            raise PromptingError(
                f"The reference picture {said} isn't in the dataset {dataset.name!r}, or no more; choose others.",
                "references",
            )
        else:
            raise PromptingError(
                f"No sample of the dataset has the tag {said!r}, and it is no sample's id; tag a few labelled pictures"
                " with it, or name another tag.",
                "references",
            )
    return list(found)


def as_references(given, samples: foc.SampleCollection) -> str | list[str] | None:
    """What a call from Python gives: a view becomes the ids of its samples, and all else stays.

    Raises:
        PromptingError: a view of another dataset than the samples'
    """
    if not isinstance(given, foc.SampleCollection):
        return given
    patches = isinstance(given, fop.PatchesView)
    dataset = given._source_collection._dataset if patches else given._dataset
    if dataset is not getattr(samples, "_dataset", None):
        raise PromptingError(
            f"The references are of the dataset {dataset.name!r}, and strategies are applied to another; add them to"
            " that one.",
            "references",
        )
    return list(dict.fromkeys(given.values("sample_id" if patches else "id")))


def learned_from(dataset: fo.Dataset, prefix: str, strategies: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Those of some strategies, and of labels finished from some, that learned from reference pictures: name -> the ids
    of those samples."""
    found = {}
    for name in strategies:
        if _learns(name):
            found[name] = tuple((recorded(dataset, prefix, name) or {}).get("references") or ())
        elif name in labels_there(dataset):
            sources = dataset.get_run_info(labels_key(name)).config.sources
            parameters = [source.get("parameters") or {} for source in sources if _learns(source.get("strategy"))]
            if parameters:
                found[name] = tuple(dict.fromkeys(one for of in parameters for one in of.get("references") or ()))
    return found


def _learns(name: str | None) -> bool:
    strategy = find(name) if name else None
    return strategy is not None and strategy.prior == REFERENCE


def without_references(
    samples: foc.SampleCollection, prefix: str, strategies: Iterable[str]
) -> tuple[foc.SampleCollection, int]:
    """The samples that none of some strategies learned from, and how many others there are."""
    taught = {one for ids in learned_from(samples._dataset, prefix, strategies).values() for one in ids}
    here = taught.intersection(samples.values("id")) if taught else ()
    return (samples.exclude(list(here)), len(here)) if here else (samples, 0)


def _pictures(dataset: fo.Dataset) -> foc.SampleCollection:
    return dataset.select_group_slices(media_type="image") if dataset.media_type == "group" else dataset


def _labelled(dataset: fo.Dataset, plan: Plan) -> foc.SampleCollection:
    """The reference pictures, all of which have a label."""
    view = _pictures(dataset).select(reference_ids(dataset, plan.references))
    check_labelled(view, plan.reference_field)
    return view


def check_labelled(view: foc.SampleCollection, field: str) -> type:
    """Refuse pictures that can't be references, for they lack masks; the label class of the field.

    Raises:
        PromptingError: a field of another type, without masks, or that a picture has no label in
    """
    with concerning("reference_field"):
        kind = label_type_of(view, field)
        if kind not in (fo.Segmentation, fo.Detections):
            raise PromptingError(
                f"reference_field must hold a Segmentation or Detections with masks, and {field!r} holds"
                f" {kind.__name__}."
            )
        without = view.exists(field, False).values("filepath")
        if without:
            raise PromptingError(
                f"{len(without)} of {len(view)} reference pictures have no label in {field!r}, the first of them"
                f" {os.path.basename(without[0])}; label them, or choose others.",
                "references",
            )
        if kind is fo.Detections and not has_instance_masks(view, field):
            raise PromptingError(
                f"The reference pictures have no masks in {field!r}, just boxes or nothing; name a field with masks, or"
                " choose other pictures."
            )
    return kind


def label_fields_for(dataset: fo.Dataset) -> dict[str, type]:
    """The fields that may have references' masks, each with its label class: a person's own first."""
    types = (fo.Segmentation, fo.Detections)
    schema = dataset.get_field_schema(ftype=fo.EmbeddedDocumentField, embedded_doc_type=types)
    kinds = {name: field.document_type for name, field in schema.items()}
    ours = {name for prefix in prefixes(dataset) for name in own_fields(dataset, prefix)}
    able = [name for name, kind in kinds.items() if kind is fo.Segmentation or has_instance_masks(dataset, name)]
    return {name: kinds[name] for name in sorted(able, key=lambda name: name in ours) if name not in ours}


def _understood(view: foc.SampleCollection, plan: Plan) -> Truth:
    reading = read_truth(view, plan.reference_field, plan.classes)
    try:
        with concerning("reference_field"):
            while True:
                next(reading)
    except StopIteration as stop:
        return stop.value
    except PromptingError as error:
        said = str(error).replace("The truth ", "The reference pictures' field ")
        raise PromptingError(said, error.parameter) from error


def _refuse_unshown(plan: Plan, shown: set[int]) -> None:
    missing = next((name for i, name in enumerate(plan.classes, start=1) if i not in shown), None)
    if missing is not None:
        raise PromptingError(
            f"No reference picture has a mask of {missing!r} in {plan.reference_field!r}; add one that has, or ask for"
            " other classes.",
            "references",
        )
    if 0 not in shown:
        raise PromptingError(
            "The masks cover the reference pictures whole, and nothing shows what isn't meant; add a picture with some"
            " background.",
            "references",
        )


def _read(sample: fo.Sample) -> tuple[np.ndarray, tuple[int, int]]:
    try:
        return read_bounded(sample.filepath)
    except PromptingError as error:
        name = os.path.basename(sample.filepath)
        raise PromptingError(f"Of the reference picture {name}, {error}.", "references") from error
