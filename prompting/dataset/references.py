"""Reference pictures: which samples they are, and what their masks say."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import fiftyone as fo
import fiftyone.core.collections as foc
import numpy as np
from bson import ObjectId

from ..errors import PromptingError, concerning
from ..pixels.images import read_bounded, upright_size
from ..plan import Plan
from ..priors.base import Reference
from ..priors.patches import examples_in
from ..prompts.strategy import REFERENCE
from ..spelling import listed_names
from ..steps import Steps, ended
from .label_fields import has_instance_masks, label_type_of
from .owned import own_fields
from .pages import samples_by_page
from .present import prefixes
from .reading import GLANCE
from .records import REFERENCES, recorded, same_references
from .sent import Sent
from .truth import Truth, read_truth

TAG = "reference"
"""What reference pictures are tagged, where nobody says otherwise."""
ENOUGH = 20
"""Patches of a class, in all references together. With 12 of a coin, the map lost 0.09 of IoU and more in three of four
draws, with 20 in one, with 40 in none (docs/MEASURED.md)."""


class References:
    """Labelled pictures of a dataset, read one by one whenever they are gone through.

    Args:
        view: the samples
        ids: theirs, in the order in which they are gone through
        truth: what their masks were understood as
        patches: class -> about how many patches of CLIP's its masks cover, in all of them
        between: called before each; it may raise to end a run
    """

    def __init__(
        self,
        view: foc.SampleCollection,
        ids: Sequence[str],
        truth: Truth,
        patches: Mapping[str, int],
        between: Callable[[], None],
    ):
        self._sent, self._ids, self._truth = Sent(view.select_fields(truth.field)), tuple(ids), truth
        self._patches, self._between = dict(patches), between

    def __getstate__(self) -> dict:
        """Where they are sent to, nobody asks this process in between."""
        return {**self.__dict__, "_between": _nothing}

    @property
    def doubt(self) -> str | None:
        """What a person should know before these teach: a sentence; None where they show enough of each class."""
        few = {name: count for name, count in self._patches.items() if count < ENOUGH}
        if not few:
            return None
        shown = ", ".join(f"{name!r} (about {count})" for name, count in few.items())
        return (
            f"The reference pictures show little of {shown}: what CLIP sees of it are fewer than {ENOUGH} patches, of"
            " which not much can be learned; label more pictures of it, or some that show it larger."
        )

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[Reference]:
        for sample in samples_by_page(self._sent.samples().select(self._ids, ordered=True), self._ids):
            self._between()
            image, size = _read(sample)
            labels = self._truth.label_map(sample[self._truth.field], *size)
            yield Reference(os.path.basename(sample.filepath), image, labels)

    def __contains__(self, one: object) -> bool:
        return any(one is other for other in self)


Understood = tuple[Plan, "References | tuple"]
"""A plan with its references' ids and what tells them from others, and the pictures; none where no strategy asks."""


def read_references(dataset: fo.Dataset, plan: Plan, between: Callable[[], None] = lambda: None) -> Understood:
    """:func:`reference_steps` in one go."""
    return ended(reference_steps(dataset, plan, between))


def reference_steps(dataset: fo.Dataset, plan: Plan, between: Callable[[], None] = lambda: None) -> Steps[Understood]:
    """Look at a plan's references, whatever they are called: all masks are decoded once, and all files read.

    Pictures that are there twice, under one name and with one mask, teach once; the ids of both are theirs.

    Args:
        dataset: whose samples strategies are applied to
        plan: with or without ``auto``
        between: called before each picture; it may raise to end a run

    Yields:
        (pictures done, pictures); the generator returns an :data:`Understood`

    Raises:
        PromptingError: references that aren't there, have no masks, or don't show what is asked for
    """
    if not plan.uses(REFERENCE):
        return plan, ()
    view = _labelled(dataset, plan)
    truth, seen, shown = understood(view, plan.reference_field, plan.classes), [], set()
    ids, patches = view.values("id"), np.zeros(len(plan.classes), int)
    for done, sample in enumerate(samples_by_page(view.select_fields(plan.reference_field), ids)):
        between()
        yield done, len(ids)
        size = upright_size(sample.filepath) or _read(sample)[1]
        labels = truth.label_map(sample[plan.reference_field], *size)
        shown |= set(np.unique(labels).tolist())
        patches += examples_in(labels, len(plan.classes))
        masks = _digest(repr(labels.shape).encode() + labels.tobytes())
        seen.append((os.path.basename(sample.filepath), masks, _digest_of_file(sample), sample.id))
    _refuse_unshown(plan, shown)
    seen.sort()  # in one order, however they were named: the same pictures teach the same
    alike: dict[tuple, str] = {}
    for *what, sample_id in seen:
        alike.setdefault(tuple(what), sample_id)
    of_masks = _digest(repr([(name, masks) for name, masks, _ in alike]).encode())
    of_pictures = _digest(repr([picture for *_, picture in alike]).encode())
    known = replace(plan, references=tuple(one for *_, one in seen), references_sha256=f"{of_masks}+{of_pictures}")
    covered = dict(zip(plan.classes, patches.tolist()))
    return known, References(view, tuple(alike.values()), truth, covered, between)


def reading_steps(dataset: fo.Dataset, ids: Sequence[str]) -> Steps[None]:
    """Read pictures as strategies do that learn from them; a generator of (pictures done, pictures).

    Raises:
        PromptingError: one that can't be read
    """
    for done, sample in enumerate(samples_by_page(pictures(dataset).select(list(ids)).select_fields(), list(ids))):
        yield done, len(ids)
        _read(sample)


def with_earlier(dataset: fo.Dataset, plan: Plan, strategy: str) -> Plan:
    """The plan with the ids of those samples too that an earlier run learned the same from: its results may stay.

    Args:
        dataset: of the results
        plan: with references that were read
        strategy: one of the plan's
    """
    before = recorded(dataset, plan.prefix, strategy) or {}
    if not plan.uses(REFERENCE) or not same_references(before.get(REFERENCES), plan.references_sha256):
        return plan
    others = set(before.get("references") or ()).difference(plan.references)
    return replace(plan, references=(*plan.references, *sorted(pictures(dataset).select(list(others)).values("id"))))


def glance_at_references(dataset: fo.Dataset, plan: Plan) -> Understood:
    """As :func:`read_references`, for forms, which ask at each keystroke: the masks of many aren't looked at.

    Raises:
        PromptingError: as there
    """
    if plan.uses(REFERENCE) and len(_labelled(dataset, plan)) > GLANCE:
        return plan, ()
    return read_references(dataset, plan)


def reference_ids(dataset: fo.Dataset, references: str | Iterable[str]) -> list[str]:
    """The ids of the samples that a tag, or ids, or several of both mean, each once.

    Args:
        dataset: of the samples
        references: a tag; or tags and ids, as text with commas between them or as a list

    Raises:
        PromptingError: one that means none
    """
    samples = pictures(dataset)
    if isinstance(references, str):
        whole = references.strip()
        references = [whole] if samples.match_tags(whole).count() else listed_names(whole)
    references, found = list(references), {}
    ids = [said for said in references if ObjectId.is_valid(said)]
    there = set(samples.select(ids).values("id")) if ids else ()
    for said in references:
        if said in there:
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


def pictures(dataset: fo.Dataset) -> foc.SampleCollection:
    """All pictures of a dataset, of groups too."""
    return dataset.select_group_slices(media_type="image") if dataset.media_type == "group" else dataset


def _labelled(dataset: fo.Dataset, plan: Plan) -> foc.SampleCollection:
    """The reference pictures, all of which have a label."""
    view = pictures(dataset).select(reference_ids(dataset, plan.references))
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


def understood(view: foc.SampleCollection, field: str, classes: Sequence[str]) -> Truth:
    """What the masks of reference pictures are.

    Raises:
        PromptingError: labels that can't be understood, or that have no masks
    """
    try:
        with concerning("reference_field"):
            return ended(read_truth(view, field, classes))
    except PromptingError as error:
        said = str(error).replace("The truth ", "The reference pictures' field ")
        said = said.replace(", so masks can't be scored", ", so it can't be learned from; draw them, or choose others")
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


def _nothing() -> None:
    pass


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _digest_of_file(sample: fo.Sample) -> str:
    digest = hashlib.sha256()
    try:
        with open(sample.filepath, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        name = os.path.basename(sample.filepath)
        raise PromptingError(
            f"The reference picture {name} can't be read ({error.strerror}); put it back, or choose others.",
            "references",
        ) from error
    return digest.hexdigest()


def _read(sample: fo.Sample) -> tuple[np.ndarray, tuple[int, int]]:
    try:
        return read_bounded(sample.filepath)
    except PromptingError as error:
        name = os.path.basename(sample.filepath)
        said = str(error).removeprefix("the picture ")
        raise PromptingError(f"The reference picture {name} {said}.", "references") from error
