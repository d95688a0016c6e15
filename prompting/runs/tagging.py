"""Tagging the pictures on which a strategy does worst, so that a person annotates them first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import fiftyone.core.collections as foc
import fiftyone.core.utils as fou

from ..dataset import checks
from ..dataset.everywhere import these_samples
from ..dataset.findings import outdated
from ..dataset.lock import run_lock
from ..dataset.names import StrategyFields, evaluation_key
from ..errors import PromptingError
from .progress import Progress

IOU, PAGE = "IoU", 1000
"""What scores are called, and samples that are tagged at once."""


@dataclass(frozen=True)
class Worst:
    """The pictures to tag.

    Attributes:
        tag: the tag
        sample_ids: whose pictures, the worst first
        scores: of these, in the same order
        by: what the scores are, ``IoU`` or ``predicted IoU``
        scored: how many samples there were to choose from
        unscored: how many have no such score and weren't looked at
        tagged: how many of those chosen have the tag already
        outdated: the strategy was applied again to what had been scored
    """

    tag: str
    sample_ids: tuple[str, ...]
    scores: tuple[float, ...]
    by: str
    scored: int
    unscored: int
    tagged: int
    outdated: bool = False

    def __str__(self) -> str:
        return self.told()

    def told(self, done: bool = True) -> str:
        """In a sentence or two: which samples were tagged, or would be."""
        count = len(self.sample_ids)
        left = f" {self.unscored} samples have none and are left out." if self.unscored else ""
        if self.outdated:
            left += " These scores are old: the strategy was applied again since; evaluate it again first."
        if not count:
            article = "an" if self.by == IOU else "a"
            return f"None of the {self.scored} samples with {article} {self.by} is below the threshold.{left}"
        samples = "sample" if count == 1 else "samples"
        tagged = f"tagged {self.tag!r}" if done else f"would be tagged {self.tag!r}"
        already = f", {self.tagged} of them are already" if self.tagged and not done else ""
        return (
            f"{count} {samples} {tagged}{already}: the lowest {self.by} ({self.scores[0]:.3f} to {self.scores[-1]:.3f})"
            f" of {self.scored}.{left}"
        )


def find_worst(
    samples: foc.SampleCollection,
    strategy: str,
    count: int,
    tag: str,
    below: float | None = None,
    prefix: str = "sam2",
) -> Worst:
    """The samples with a strategy's lowest IoU, or its lowest predicted IoU where none of them was evaluated.

    Args:
        samples: a dataset or view
        strategy: its name
        count: at most so many
        tag: the tag that they are to get
        below: only scores below it, 0 to 1
        prefix: of the strategies' fields

    Raises:
        PromptingError: what was wrong with the request
    """
    checks.check_collection(samples)
    samples = checks.with_all_fields(samples)
    strategy = checks.check_applied(samples._dataset, prefix, strategy)
    count = checks.check_whole(count, "count")
    below = None if below is None else checks.check_iou(below, "The threshold", "below")
    tag = checks.check_tag(tag, "annotate")
    ids, tags = samples.values(["id", "tags"])
    by, scores = _scores(samples, strategy, prefix)
    ranked = sorted((score, i) for i, score in enumerate(scores) if score is not None)
    if not ranked:
        raise PromptingError(f"None of these {len(ids)} samples has a mask of {strategy!r}; apply it to them first.")
    chosen = [(score, i) for score, i in ranked if below is None or score < below][:count]
    return Worst(
        tag,
        tuple(ids[i] for _, i in chosen),
        tuple(score for score, _ in chosen),
        by,
        scored=len(ranked),
        unscored=len(ids) - len(ranked),
        tagged=sum(tag in (tags[i] or ()) for _, i in chosen),
        outdated=by == IOU and strategy in outdated(samples._dataset, prefix, [strategy]),
    )


def tag_worst(samples: foc.SampleCollection, *request, prefix: str = "sam2", **settings) -> Iterator[Progress | Worst]:
    """Tag what :func:`find_worst` finds; samples that have the tag already, these or others, keep it.

    It takes what :func:`find_worst` takes; ``dataset.untag_samples(tag)`` takes it away again.

    Yields:
        progress, and what was tagged at the end

    Raises:
        PromptingError: what was wrong with the request, before anything is tagged
    """
    worst = find_worst(samples, *request, prefix=prefix, **settings)
    dataset, done = samples._dataset, 0
    with run_lock(dataset, prefix, "tagging samples") as hold:
        yield Progress(0, len(worst.sample_ids), 0)
        for page in fou.iter_batches(worst.sample_ids, PAGE):
            page = list(page)
            these_samples(dataset, page).tag_samples(worst.tag)
            done += len(page)
            hold.check()
            yield Progress(done, len(worst.sample_ids), 0)
    yield worst


def _scores(samples: foc.SampleCollection, strategy: str, prefix: str) -> tuple[str, list[float | None]]:
    """Each sample's IoU where any was evaluated, else its predicted IoU: the two can't be put into one order."""
    iou = f"{evaluation_key(prefix, strategy)}_iou"
    values = samples.values(iou) if samples.has_sample_field(iou) else []
    if any(value is not None for value in values):
        return IOU, values
    return "predicted IoU", samples.values(StrategyFields.of(prefix, strategy).score)
