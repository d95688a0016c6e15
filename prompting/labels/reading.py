"""What a field's labels were understood as, said in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from .encoding import Encoding
from .survey import Survey
from .targets import Targets, listed


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


def of_masks(survey: Survey, name: str, classes, targets: Targets, encoding: Encoding, counts) -> Reading:
    notes = [
        f"no pixel is {value_class!r}"
        for value_class, values in encoding.values.items()
        if not any(survey.pixels[value] for value in values)
    ]
    notes.append(f"{survey.resized or 'none'} resized to their pictures")
    meaning, ignored = _meaning(encoding, survey, targets, classes), _ignored(encoding, targets)
    return Reading(name, "Segmentation", tuple(classes), encoding, meaning, ignored, *counts, None, tuple(notes))


def of_instances(survey: Survey, name: str, kind: str, classes, tally: dict[str, int], counts, strict) -> Reading:
    notes, masks = [], bool(survey.masks) or strict
    if survey.soft.count:
        notes.append(f"{_count(survey.soft.count, 'soft mask')} cut at half of the range")
    if survey.blank.count:
        notes.append(f"{_count(survey.blank.count, 'mask')} without a set pixel (the first: {survey.blank.first})")
    shape = "points" if kind == "Keypoints" else "with instance masks" if masks else "boxes"
    meaning = f"{shape}, {', '.join(map(repr, classes))}"
    ignored, instances = _count(tally["crowds"], "crowd") if tally["crowds"] else "", tally["people"] if masks else None
    return Reading(name, kind, tuple(classes), None, meaning, ignored, *counts, instances, tuple(notes))


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


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
