"""What a field's labels were understood as: looked at once, said in one line, and then used everywhere alike."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import fiftyone as fo
import fiftyone.core.collections as foc

from ..errors import PromptingError
from ..pixels.images import upright_size
from ..pixels.label_masks import NO_BOX, NO_PIXELS, Encoding, is_crowd
from ..pixels.label_survey import Survey, Targets, listed, understand
from ..spelling import spelled
from .records import own_first

GLANCE = 20
"""So many samples are looked at where a form asks, at each keystroke."""
TELL_EVERY = 100
BESIDE = 200
"""So many masks outside of a view are looked at where its own leave in doubt what 255 means."""

ABSOLUTE = 2.0
"""A box that is wider or higher than two pictures, or a point so far away, is in pixels."""

CHOOSING = (
    fo.Match, fo.MatchTags, fo.MatchLabels, fo.Select, fo.SelectBy, fo.Exclude, fo.ExcludeBy, fo.Limit, fo.Skip,
    fo.Take, fo.Shuffle, fo.Exists, fo.SortBy,
)  # fmt: skip
"""Stages of a view that choose or order samples, and leave labels as they are."""


@dataclass(frozen=True)
class Reading:
    """What a field's labels were understood as; ``print`` it.

    Attributes:
        field: its name
        kind: ``Segmentation``, ``Detections`` or ``Keypoints``
        classes: that were asked for
        encoding: of a Segmentation's masks; None for other labels
        meaning: the masks' encoding in words, with values and classes
        ignored: what counts for nothing, in words; empty where nothing does
        looked_at: samples with a label that were looked at
        samples: samples with a label
        instances: of Detections, without crowds; of a Segmentation connected parts, None before they were counted
        notes: what else is worth knowing, in words
    """

    field: str
    kind: str
    classes: tuple[str, ...]
    encoding: Encoding | None
    meaning: str
    ignored: str
    looked_at: int
    samples: int
    instances: int | None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line."""
        parts = [f"{self.field}: {self.kind}, {self.meaning}"]
        parts.append(f"{self.ignored} ignored" if self.ignored else "nothing ignored")
        if self.looked_at < self.samples:
            parts.append(f"the first {self.looked_at} of {_count(self.samples, 'image')} looked at")
        else:
            parts.append(_count(self.samples, "image"))
        if self.instances is not None:
            what = "connected part" if self.kind == "Segmentation" else "instance"
            parts.append(_count(self.instances, what))
        return "; ".join([*parts, *self.notes]) + "."

    @classmethod
    def from_dict(cls, stored: Mapping) -> Reading:
        """Undo :meth:`to_dict`."""
        encoding = Encoding.from_dict(stored["encoding"]) if stored["encoding"] else None
        lists = {name: tuple(stored[name]) for name in ("classes", "notes")}
        return cls(**{**stored, **lists, "encoding": encoding})

    def to_dict(self) -> dict:
        """Plain JSON."""
        encoding = self.encoding.to_dict() if self.encoding else None
        lists = {name: list(getattr(self, name)) for name in ("classes", "notes")}
        return {**asdict(self), **lists, "encoding": encoding}


def read_steps(
    samples: foc.SampleCollection,
    name: str,
    classes: Sequence[str],
    ignore_values: Sequence[int] | None = None,
    size_field: str | None = None,
    strict: bool = True,
    most: int | None = None,
    known: Encoding | None = None,
) -> Iterator[tuple[int, int]]:
    """Look at a label field, and say what it was understood as.

    Every mask is decoded once (of ``most`` samples at most): whether 255 is void, say, shows only in all of them.

    Args:
        samples: a dataset or view; the labels are taken as it shows them
        name: a field of Segmentations, Detections or Keypoints
        classes: that are wanted
        ignore_values: mask values that count for nothing, see :func:`prompting.pixels.label_survey.understand`
        size_field: a Segmentation field whose masks have the pictures' sizes; by default the pictures' files are asked
        strict: refuse labels that have no mask or whose file can't be read; else they are left to their samples
        most: look at the first so many samples with a label
        known: how a Segmentation's masks were found to be encoded before, among more samples

    Yields:
        (samples done, samples) now and then; the generator returns the :class:`Reading`

    Raises:
        PromptingError: labels that can't be understood: how many, and the first of them
    """
    kind = label_type_of(samples, name)
    labelled = samples.exists(name)
    count = len(labelled)
    looked = labelled if most is None or count <= most else labelled.limit(most)
    total = min(count, most or count)
    targets = Targets(mask_targets(samples, name), classes) if kind is fo.Segmentation else None
    if kind is fo.Segmentation and targets.names:
        targets.values_of(name, classes)  # what can be known without a look at the masks
    elif kind is not fo.Segmentation:
        check_names(samples, name, kind, classes, strict)
        check_relative(looked, name, kind, classes, truth=strict)
    survey, tally = Survey(), dict.fromkeys(("people", "crowds", "boxes"), 0)
    if kind is fo.Keypoints or (kind is fo.Detections and not strict and not has_instance_masks(looked, name)):
        total = 0  # no masks to look at
    else:
        sizes = _sizes(size_field)
        fields = [name] if size_field is None else [name, size_field]
        for done, sample in enumerate(looked.select_fields(fields).iter_samples(), start=1):
            _look(survey, sample, name, classes, sizes, targets, tally)
            if done % TELL_EVERY == 0:
                yield done, total
    _refuse_missing(survey, name, kind, strict)
    looked_at = total or count
    if kind is not fo.Segmentation:
        return _of_instances(survey, name, kind, classes, tally, (looked_at, count), strict)
    if not known and ignore_values is None and looked_at == count and survey.is_doubtful(targets):
        _look_beside(survey, samples, name, targets)
    encoding = known or understand(survey, name, classes, targets, ignore_values, looked_at == count)
    return _of_masks(survey, name, classes, targets, encoding, (looked_at, count))


def read(samples: foc.SampleCollection, name: str, classes: Sequence[str], **settings) -> Reading:
    """:func:`read_steps` in one go."""
    steps = read_steps(samples, name, classes, **settings)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def _sizes(size_field: str | None) -> Callable[[fo.Sample], tuple[int, int] | None]:
    if size_field is None:
        return lambda sample: upright_size(sample.filepath)
    return lambda sample: None if sample[size_field] is None else sample[size_field].get_mask().shape


def _look(survey: Survey, sample, name: str, classes, sizes, targets: Targets | None, tally: dict[str, int]) -> None:
    label, file = sample[name], os.path.basename(sample.filepath)
    if targets is not None:
        survey.add_segmentation(label, file, sizes(sample), targets)
        return
    picture = None
    for detection in label.detections:
        if spelled(detection.label, classes) is None:
            continue
        tally["crowds" if is_crowd(detection) else "people"] += 1
        picture = picture or sizes(sample)
        survey.add_detection(detection, file, picture)


def _look_beside(survey: Survey, samples: foc.SampleCollection, name: str, targets: Targets) -> None:
    """A view of few pictures, with nobody on them and void around, say, means by 255 what its dataset means."""
    others = altered_alike(samples).exists(name).exclude(samples.values("id")).limit(BESIDE)
    other = Survey()
    for sample in others.select_fields(name).iter_samples():
        other.add_segmentation(sample[name], os.path.basename(sample.filepath), None, targets)
    survey.look_beside(other)


def _refuse_missing(survey: Survey, name: str, kind: type, strict: bool) -> None:
    if not strict:
        survey.refuse(name, but=(NO_PIXELS, NO_BOX))
        return
    if survey.without.count:
        told = f"{survey.without.count} of {survey.masks}"
        if kind is fo.Segmentation:
            raise PromptingError(f"{told} labels in {name!r} have no mask (the first: {survey.without.first}).")
        raise PromptingError(
            f"{told} detections in {name!r} have no instance mask (the first: {survey.without.first}), so masks can't"
            " be scored."
        )
    if survey.unreadable.count:
        raise PromptingError(
            f"{survey.unreadable.count} of {survey.masks} masks of {name!r} can't be read, the first of them"
            f" {survey.gone}; put them back, or leave their samples out."
        )
    survey.refuse(name)


def _of_masks(survey: Survey, name: str, classes, targets: Targets, encoding: Encoding, counts) -> Reading:
    notes = [
        f"no pixel is {value_class!r}"
        for value_class, values in encoding.values.items()
        if not any(survey.pixels[value] for value in values)
    ]
    notes.append(f"{survey.resized or 'none'} resized to their pictures")
    meaning, ignored = _meaning(encoding, survey, targets, classes), _ignored(encoding, targets)
    return Reading(name, "Segmentation", tuple(classes), encoding, meaning, ignored, *counts, None, tuple(notes))


def _of_instances(survey: Survey, name: str, kind: type, classes, tally: dict[str, int], counts, strict) -> Reading:
    notes, masks = [], bool(survey.masks) or strict
    if survey.soft.count:
        notes.append(f"{_count(survey.soft.count, 'soft mask')} cut at half of the range")
    if survey.blank.count:
        notes.append(f"{_count(survey.blank.count, 'mask')} without a set pixel (the first: {survey.blank.first})")
    shape = "points" if kind is fo.Keypoints else "with instance masks" if masks else "boxes"
    meaning = f"{shape}, {', '.join(map(repr, classes))}"
    ignored, instances = _count(tally["crowds"], "crowd") if tally["crowds"] else "", tally["people"] if masks else None
    return Reading(name, kind.__name__, tuple(classes), None, meaning, ignored, *counts, instances, tuple(notes))


def _meaning(encoding: Encoding, survey: Survey, targets: Targets, classes: Sequence[str]) -> str:
    if encoding.threshold is not None:
        why = "soft" if survey.soft.count else "noisy"
        return f"{why} masks of one class, more than {encoding.threshold:g} = {classes[0]!r}"
    what = "colours" if encoding.colours else "values"
    if not encoding.values:
        present = sorted(v for v in survey.pixels if v and v not in encoding.ignored)
        return f"{what} without mask targets, all but 0 = {classes[0]!r} (there are: {listed(present) or 'none'})"
    pairs = [f"{listed(values, encoding.colours)} = {name!r}" for name, values in encoding.values.items()]
    used = {value for values in encoding.values.values() for value in values} | set(encoding.ignored) | {0}
    others = [value for value in survey.pixels if value not in used]
    rest = f" (other values, {listed(others, encoding.colours)}, are background)" if others else ""
    guess = "" if targets.names else " by the classes' order, without mask targets"
    return f"{what}{guess}: {', '.join(pairs)}{rest}"


def _ignored(encoding: Encoding, targets: Targets) -> str:
    told = [
        f"{listed([v], encoding.colours)} ({targets.names[v]})" if v in targets.names else listed([v], encoding.colours)
        for v in sorted(encoding.ignored)
    ]
    return ", ".join(told)


def label_type_of(samples: foc.SampleCollection, name: str) -> type:
    """The label class of a field.

    Raises:
        PromptingError: no such field, or not a label field
    """
    field = samples.get_field(name) if name else None
    document_type = getattr(field, "document_type", None)
    if document_type is None:
        known = [n for n in samples.get_field_schema(ftype=fo.EmbeddedDocumentField) if n != "metadata"]
        known = own_first(samples._dataset, known)
        raise PromptingError(f"There is no label field {name!r}; the dataset has: {', '.join(known) or 'none'}.")
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


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
