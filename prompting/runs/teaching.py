"""Making labelled pictures references: they get a tag, by which strategies find them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import fiftyone as fo
import fiftyone.core.collections as foc

from ..dataset import checks
from ..dataset.everywhere import all_samples, these_samples
from ..dataset.given_references import shows_all
from ..dataset.lock import run_lock
from ..dataset.references import (
    TAG,
    check_labelled,
    glance_at_references,
    pictures,
    read_references,
    reading_steps,
)
from ..dataset.shown_classes import classes_shown
from ..errors import PromptingError, Stopped
from ..plan import Plan
from .progress import Progress

MANY = 200
"""So many references take long to learn from, and teach no more than fewer."""
UNNAMED = ("something",)
"""What values without names are called until somebody says."""
REFERENCE_STRATEGY = "reference_box_points"


@dataclass(frozen=True)
class Taught:
    """The reference pictures; ``print`` it.

    Attributes:
        tag: that they have
        field: with their masks
        sample_ids: whose pictures
        classes: of which they have masks; none where a Segmentation's values have no names
        others: how many other samples have the tag and stay references
        untagged: how many others had it and lose it
        whole: they are all of the dataset
        hidden: they have labels that the view doesn't show, or shows otherwise
    """

    tag: str
    field: str
    sample_ids: tuple[str, ...]
    classes: tuple[str, ...]
    others: int = 0
    untagged: int = 0
    whole: bool = False
    hidden: bool = False

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
        if self.hidden:
            said += f" All that they have in {self.field!r} teaches, also what this view hides."
        if count + self.others > MANY:
            said += f" More than {MANY} teach no more than fewer, and take long to learn from."
        return said


def _are(count: int) -> str:
    return "are references" if count > 1 else "is a reference"


def find_references(
    samples: foc.SampleCollection, field: str, tag: str = TAG, only: bool = False, most: int | None = None
) -> Taught:
    """What :func:`use_as_references` would do; nothing is tagged.

    All that will have the tag is checked as a strategy would that learns from it.

    Args:
        samples: a dataset or view of labelled pictures
        field: with their masks, a Segmentation or Detections
        tag: that they are to have
        only: no other sample keeps the tag
        most: look into no more pictures' masks than so many; by default into all

    Raises:
        PromptingError: what was wrong with the request
    """
    checks.check_collection(samples)
    tag = checks.check_tag(tag, TAG)
    if "," in tag:
        raise PromptingError("The tag of reference pictures can't have a comma, which stands between several.", "tag")
    samples = checks.with_all_fields(samples)
    dataset, ids = samples._dataset, samples.values("id")
    check_labelled(samples, field)
    classes = classes_shown(samples, field, most)
    _check(dataset, field, classes, ids, most)
    with_tag = pictures(dataset).match_tags(tag).exclude(ids).values("id")
    if with_tag and not only:
        try:
            _check(dataset, field, classes, [*ids, *with_tag], most)
        except PromptingError as error:
            have = "1 other has" if len(with_tag) == 1 else f"{len(with_tag)} others have"
            said = f"{str(error).rstrip('.')}; {have} the tag {tag!r} already, which only=True takes away."
            raise PromptingError(said, "tag") from error
    left = {"untagged": len(with_tag)} if only else {"others": len(with_tag)}
    whole, hidden = len(ids) == len(all_samples(dataset)), not shows_all(samples, field)
    return Taught(tag, field, tuple(ids), classes, **left, whole=whole, hidden=hidden)


def _check(dataset: fo.Dataset, field: str, classes: tuple[str, ...], ids: list[str], most: int | None) -> None:
    """Refuse what a strategy would that learns from these pictures."""
    plan = Plan((REFERENCE_STRATEGY,), classes or UNNAMED, references=ids, reference_field=field)
    if most is None or len(ids) <= most:
        read_references(dataset, plan)
    else:
        glance_at_references(dataset, plan)


def use_as_references(
    samples: foc.SampleCollection, field: str, tag: str = TAG, only: bool = False, prefix: str = "sam2"
) -> Iterator[Progress | Taught]:
    """Tag labelled pictures; it takes what :func:`find_references` takes.

    Yields:
        progress, and at the end what was :class:`Taught`

    Raises:
        PromptingError: what was wrong with the request, before anything is tagged
        Stopped: somebody asked for it; nothing is tagged
    """
    taught = find_references(samples, field, tag, only)
    dataset, count = samples._dataset, len(taught.sample_ids)
    with run_lock(dataset, prefix, "tagging samples") as hold:
        others = [] if only else pictures(dataset).match_tags(taught.tag).exclude(taught.sample_ids).values("id")
        for done, total in reading_steps(dataset, [*taught.sample_ids, *others]):
            if hold.asked_to_stop.is_set():
                raise Stopped("Stopped on request while the reference pictures were read; nothing was tagged.")
            yield Progress(done, total, 0)
        these_samples(dataset, taught.sample_ids).tag_samples(taught.tag)
        if only:
            all_samples(dataset).match_tags(taught.tag).exclude(taught.sample_ids).untag_samples(taught.tag)
        yield Progress(count, count, 0)
    yield taught
