"""Making labelled pictures references: they get a tag, by which strategies find them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import fiftyone as fo
import fiftyone.core.collections as foc

from ..dataset import checks
from ..dataset.label_fields import mask_targets
from ..dataset.lock import run_lock
from ..dataset.references import TAG, check_labelled
from ..errors import PromptingError
from .progress import Progress

MANY = 200
"""So many references take long to learn from, and teach no more than fewer."""


@dataclass(frozen=True)
class Taught:
    """The reference pictures; ``print`` it.

    Attributes:
        tag: that they have
        field: with their masks
        sample_ids: whose pictures
        classes: what their labels are called; none where a Segmentation's values have no names
        others: how many other samples have the tag and stay references
        untagged: how many others had it and lose it
        whole: they are all of the dataset
    """

    tag: str
    field: str
    sample_ids: tuple[str, ...]
    classes: tuple[str, ...]
    others: int = 0
    untagged: int = 0
    whole: bool = False

    def __str__(self) -> str:
        return self.told()

    def told(self, done: bool = True) -> str:
        """In a sentence or two: which samples are references now, or would be."""
        count = len(self.sample_ids)
        classes = ", ".join(self.classes[:10]) + (" …" if len(self.classes) > 10 else "")
        shown = f" of {classes}" if classes else ""
        pictures = f"{count} labelled picture{'s' if count > 1 else ''}{shown}"
        verb = ("are" if count > 1 else "is") if done else "would be"
        said = f"{pictures} {verb} tagged {self.tag!r}."
        if self.whole:
            said += " They are all that the dataset has: select a few, so that there are others to find more in."
        if self.others:
            said += f" {self.others} more {'have' if self.others > 1 else 'has'} the tag, and {_are(self.others)} too."
        if self.untagged:
            said += f" {self.untagged} other{'s' if self.untagged > 1 else ''} {'lost' if done else 'would lose'} it."
        if count + self.others > MANY:
            said += f" More than {MANY} teach no more than fewer, and take long to learn from."
        return said


def _are(count: int) -> str:
    return "are references" if count > 1 else "is a reference"


def find_references(samples: foc.SampleCollection, field: str, tag: str = TAG, only: bool = False) -> Taught:
    """What :func:`use_as_references` would do; nothing is tagged.

    Args:
        samples: a dataset or view of labelled pictures
        field: with their masks, a Segmentation or Detections
        tag: that they are to have
        only: no other sample keeps the tag

    Raises:
        PromptingError: what was wrong with the request
    """
    checks.check_collection(samples)
    tag = checks.check_tag(tag, TAG)
    if "," in tag:
        raise PromptingError("The tag of reference pictures can't have a comma, which stands between several.", "tag")
    dataset, ids = samples._dataset, samples.values("id")
    kind = check_labelled(samples, field)
    if kind is fo.Detections:
        names = samples.distinct(f"{field}.detections.label")
        if not names:
            raise PromptingError(f"None of these pictures has a label in {field!r}; choose some that have.", "field")
    else:
        names = [name for value, name in (mask_targets(samples, field) or {}).items() if value not in (0, "0")]
    others = len(dataset.match_tags(tag).exclude(ids))
    left = {"untagged": others} if only else {"others": others}
    return Taught(tag, field, tuple(ids), tuple(names), **left, whole=len(ids) == len(dataset))


def use_as_references(
    samples: foc.SampleCollection, field: str, tag: str = TAG, only: bool = False, prefix: str = "sam2"
) -> Iterator[Progress | Taught]:
    """Tag labelled pictures; it takes what :func:`find_references` takes.

    Yields:
        progress, and at the end what was :class:`Taught`

    Raises:
        PromptingError: what was wrong with the request, before anything is tagged
    """
    taught = find_references(samples, field, tag, only)
    dataset, count = samples._dataset, len(taught.sample_ids)
    with run_lock(dataset, prefix, "tagging samples"):
        yield Progress(0, count, 0)
        dataset.select(taught.sample_ids).tag_samples(taught.tag)
        if only:
            dataset.match_tags(taught.tag).exclude(taught.sample_ids).untag_samples(taught.tag)
        yield Progress(count, count, 0)
    yield taught
