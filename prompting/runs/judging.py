"""What happens to labelled pictures that teach, in this process or a worker elsewhere; nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import numpy as np

from ..analysis.metrics import Target
from ..dataset import finals
from ..dataset.names import StrategyFields
from ..dataset.pages import samples_by_page
from ..dataset.sent import Sent
from ..dataset.truth import Truth
from ..errors import PromptingError, Stopped
from ..final.lessons import seen, seen_of
from ..final.rules import Chooser
from ..labels.stored import label_map_of
from ..pixels.masks import resize_mask
from .crew import Outcome


class Labelled:
    """A labelled picture: what strategies made of it, beside its truth.

    Args:
        sample: with both
        truth: of which field, and in whose classes
        prefix: of the strategies' fields
        names: of the strategies, of which one has a mask at least
    """

    def __init__(self, sample: fo.Sample, truth: Truth, prefix: str, names: tuple[str, ...]):
        self.sample, self.prefix = sample, prefix
        self.found = finals.found_in(sample, prefix, names)
        masks = (self.mask_of(name) for name in names)
        self._shape = label_map_of(next(mask for mask in masks if mask is not None)).shape[:2]
        drawn = truth.drawn(sample[truth.field], *self._shape)
        self._target = Target(drawn.label_map, range(1, len(truth.classes) + 1))

    def mask_of(self, name: str) -> fo.Segmentation | None:
        """A strategy's mask."""
        return self.sample[StrategyFields.of(self.prefix, name).mask]

    def iou(self, mask: np.ndarray) -> float:
        """Of a mask, at whatever size, with the truth."""
        return self._target.iou(resize_mask(mask, *self._shape))


@dataclass(frozen=True, eq=False)
class OfStrategies:
    """What strategies made of a picture.

    Attributes:
        file: the picture's
        ious: (S,) with the truth; 0 where one failed
        features: (S, F) of :func:`prompting.final.lessons.seen`
    """

    file: str
    ious: np.ndarray
    features: np.ndarray


def of_strategies(picture: Labelled) -> OfStrategies:
    """How good each strategy is on a picture, and what is known of its mask without the truth."""
    done = {one.strategy: one.done for one in picture.found}
    ious = [picture.iou(label_map_of(picture.mask_of(name))) if done[name] else 0.0 for name in done]
    return OfStrategies(picture.sample.filepath, np.array(ious), seen(picture.found))


@dataclass(frozen=True, eq=False)
class OfRules:
    """What rules made of a picture.

    Attributes:
        ious: rule -> with the truth; 0 where all strategies failed
        chosen: (F,) what is known of the choice of the rule that was asked for; None where all failed
    """

    ious: Mapping[str, float]
    chosen: np.ndarray | None


def of_rules(picture: Labelled, tried: Mapping[str, Chooser], rule: str) -> OfRules:
    """How good each rule's choice is on a picture.

    Args:
        picture: that is looked at
        tried: rule -> what chooses by it
        rule: that was asked for
    """
    choices = {name: choose(picture.sample.id, picture.found) for name, choose in tried.items()}
    ious = {
        name: picture.iou(finals.label_map(picture.sample, choice, picture.prefix)) if choice else 0.0
        for name, choice in choices.items()
    }
    return OfRules(ious, seen_of(choices[rule], picture.found) if choices[rule] else None)


@dataclass(frozen=True)
class Judging:
    """The job of looking at labelled pictures; an outcome's value is what ``judge`` returns.

    Attributes:
        sent: the samples, all with a truth
        truth, prefix, names: as in :class:`Labelled`
        judge: :func:`of_strategies`, or :func:`of_rules` with its rules
    """

    sent: Sent
    truth: Truth
    prefix: str
    names: tuple[str, ...]
    judge: Callable[[Labelled], Any]

    def open(self, check: Callable[[], None]) -> _Judge:
        """Nothing has to be loaded."""
        return _Judge(self, check)

    def fail(self, items: Mapping[str, None], why: str) -> Iterator[Outcome]:
        """Without one that nobody could look at the others are no random draw any more, and promise too much."""
        for sample_id in items:
            path = self.sent.samples()._dataset[sample_id].filepath
            raise PromptingError(f"Nothing can be learned from {path}: {why}; or leave it out of the view.")
        yield from ()


class _Judge:
    """The work: the truth of each picture is drawn, and what was made of it is judged."""

    about = None
    refused: Mapping[str, str] = {}

    def __init__(self, job: Judging, check: Callable[[], None]):
        self._job, self._check = job, check

    def do(self, items: Mapping[str, None]) -> Iterator[Outcome]:
        job, samples = self._job, self._job.sent.samples()
        view = samples.select_fields([job.truth.field, *finals.fields_read(samples._dataset, job.prefix, job.names)])
        for sample in samples_by_page(view, list(items)):
            try:
                self._check()
            except Stopped:
                return
            yield Outcome(sample.id, job.judge(Labelled(sample, job.truth, job.prefix, job.names)))
