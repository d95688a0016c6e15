"""Which pictures to label next: those that teach most, or that settle soonest which of two strategies is better."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import cv2
import fiftyone as fo
import fiftyone.core.collections as foc
import numpy as np

from ..analysis.agreement import mean_pairwise_iou
from ..dataset import checks
from ..dataset.completeness import MASK, require
from ..dataset.everywhere import these_samples
from ..dataset.finals import final_names
from ..dataset.label_fields import label_type_of
from ..dataset.learned_from import learned_from, without_references
from ..dataset.lock import Hold, editing, run_lock
from ..dataset.names import FinalFields, StrategyFields
from ..dataset.next_labels import Ordered, order_of_those_there, save_order, settled
from ..dataset.pages import samples_by_page
from ..dataset.present import strategies_in
from ..dataset.proposed import note_proposed
from ..dataset.storage import DONE, has_result
from ..errors import PromptingError, Stopped, concerning
from ..final.enough import Enough
from ..final.settling import Draw
from ..final.spread import alike_scale, spread
from ..labels.stored import label_map_of
from ..pixels.images import read_bounded
from ..pixels.masks import resize_mask
from .agreement import comparable
from .finishable import reviewed
from .progress import Pace, Progress

TEACH, SETTLE = "teach", "settle"
GOALS = {
    TEACH: "Pictures whose masks are likely bad, on which strategies differ, and unlike those that are labelled",
    SETTLE: "Pictures that settle soonest which of two strategies is better",
}
"""Goal -> what is ranked first, in a line."""
SIDE, THUMBNAIL_PIXELS = 6, 256 * 256
"""A picture's colours are looked at in so many fields a side, of a copy of so many pixels."""
LEAST_WORTH = 0.05
"""Of a picture that all strategies agree on: what looks new is worth a label too."""


@dataclass(frozen=True)
class NextPlan:
    """What a person asks to have ranked.

    Attributes:
        goal: one of :data:`GOALS`
        count: how many are tagged, at most
        tag: the tag
        gt_field: samples with a label there are labelled; of finished labels, those that a person accepted or edited,
            which teach as much as a truth; None: these alone
        a, b: the strategies of ``settle``
        prefix: of their fields
        seed: of the draw
    """

    goal: str = TEACH
    count: int = 20
    tag: str = "label next"
    gt_field: str | None = None
    a: str | None = None
    b: str | None = None
    prefix: str = "sam2"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.goal not in GOALS:
            raise PromptingError(f"Unknown goal {self.goal!r}; choose from {', '.join(GOALS)}.", "goal")
        object.__setattr__(self, "count", checks.check_whole(self.count, "count"))
        object.__setattr__(self, "seed", checks.check_whole(self.seed, "seed", 0))
        object.__setattr__(self, "tag", checks.check_tag(self.tag, "label next"))


@dataclass(frozen=True)
class Next:
    """The pictures to label next; ``print`` it.

    Attributes:
        goal: what they are for
        tag: the tag that they have
        sample_ids: the first to be labelled first
        unlabelled: how many there were to choose from
        labelled: how many had a label
        waiting: how many of those without one had the tag already
        enough: whether it is settled already which of the two strategies is better, and else how many labels it takes
    """

    goal: str
    tag: str
    sample_ids: tuple[str, ...]
    unlabelled: int
    labelled: int
    waiting: int = 0
    enough: Enough | None = None

    def __str__(self) -> str:
        count = len(self.sample_ids)
        said = (
            f"{count} {'sample' if count == 1 else 'samples'} of {self.unlabelled} without a label tagged {self.tag!r};"
            f" {self.labelled} are labelled{f', and {self.waiting} had the tag already' if self.waiting else ''}."
        )
        return f"{said} {self.enough}" if self.enough else said


def check_next(samples: foc.SampleCollection, plan: NextPlan) -> tuple[foc.SampleCollection, NextPlan]:
    """Refuse what can't be ranked; the samples with all their fields, and the plan with the strategies' names.

    Raises:
        PromptingError: what was wrong with the request
    """
    checks.check_collection(samples)
    samples = checks.with_all_fields(samples)
    if plan.gt_field:
        with concerning("gt_field"):
            label_type_of(samples, plan.gt_field)
    if plan.goal == SETTLE:
        if not plan.a or not plan.b:
            raise PromptingError("Say which two strategies are to be told apart.", "a")
        a, b = (checks.check_applied(samples._dataset, plan.prefix, name) for name in (plan.a, plan.b))
        if a == b:
            raise PromptingError("A strategy is as good as itself; choose two.", "b")
        plan = replace(plan, a=a, b=b)
        _but_for_references(samples, plan)
    elif not comparable(samples, plan.prefix) and not final_names(samples._dataset):
        raise PromptingError(
            "To rank pictures takes finished labels, or two strategies that find their prompts; apply or finish first.",
            "goal",
        )
    return samples, plan


def label_next(samples: foc.SampleCollection, plan: NextPlan) -> Iterator[Progress | Next]:
    """Rank the pictures without a label, and tag the first ones; those that have the tag already come before.

    Args:
        samples: a dataset or view
        plan: what to rank by

    Yields:
        progress, and at the end what comes :class:`Next`

    Raises:
        PromptingError: what was wrong with the request, before anything is tagged
        Stopped: somebody asked for it; nothing is tagged
    """
    samples, plan = check_next(samples, plan)
    with run_lock(samples._dataset, plan.prefix, "ranking pictures") as hold:
        try:
            rank = _to_settle if plan.goal == SETTLE else _to_teach
            chosen, *counts = yield from rank(samples, plan, hold)
        except Stopped:
            raise Stopped("Stopped on request; nothing is tagged. Rank again to go on.") from None
        if chosen:
            with editing(samples._dataset):
                note_proposed(samples._dataset, plan.prefix, chosen)
            these_samples(samples._dataset, chosen).tag_samples(plan.tag)
    enough = settled(samples._dataset, plan.prefix) if plan.goal == SETTLE else None
    yield Next(plan.goal, plan.tag, tuple(chosen), *counts, enough)


def _labelled(samples: foc.SampleCollection, gt_field: str | None) -> set[str]:
    """Ids of those with a truth; of finished labels, those that a person accepted or edited."""
    if not gt_field:
        return set()
    names = [one for one in final_names(samples._dataset) if gt_field in FinalFields.of(one).everything]
    return _decided(samples, names) if names else set(samples.exists(gt_field).values("id"))


def _decided(samples: foc.SampleCollection, names: Iterable[str]) -> set[str]:
    """Ids of those whose finished labels a person accepted or edited."""
    return {one for name in names for one in reviewed(samples, FinalFields.of(name)).values("id")}


def _but_for_references(samples: foc.SampleCollection, plan: NextPlan):
    """What :func:`without_references` makes of the samples for the two strategies of ``settle``."""
    with concerning("a"):
        return without_references(samples, plan.prefix, (plan.a, plan.b), ", or choose other strategies")


def _to_settle(samples: foc.SampleCollection, plan: NextPlan, hold: Hold):
    """In the order of a draw that is kept, so that whoever labels more goes on in it."""
    dataset, done = samples._dataset, _labelled(samples, plan.gt_field)
    of = [StrategyFields.of(plan.prefix, name) for name in (plan.a, plan.b)]
    view, _ = _but_for_references(samples, plan)
    for fields in of:
        view = view.match(has_result(fields)).exists(fields.mask)
    ids = view.values("id")
    if not ids:
        said = f"None of these {len(samples)} samples has masks of both {plan.a!r} and {plan.b!r}; apply them first."
        raise PromptingError(said, "a")
    require(view, plan.prefix, (plan.a, plan.b), [MASK])
    ordered = order_of_those_there(dataset, plan.prefix)
    same = ordered is not None and (ordered.a, ordered.b) == (plan.a, plan.b)
    same = same and ordered.gt_field in (None, plan.gt_field)  # None: nobody had labelled any
    if not same or {*ordered.draw.ids, *ordered.known} != set(ids):
        free = [one for one in ids if one not in done]
        look = partial(_distance, fields=of)
        distances = yield from _each(view.select_fields([fields.mask for fields in of]), free, look, hold)
        draw = Draw.of(free, np.array(distances, float), plan.seed)
        ordered = Ordered(plan.a, plan.b, plan.gt_field, draw, tuple(one for one in ids if one in done))
        with editing(dataset):
            save_order(dataset, plan.prefix, ordered)
    differ = [one for one, distance in zip(ordered.draw.ids, ordered.draw.distances, strict=True) if distance > 0]
    tagged = _tagged(samples, plan.tag)
    taken = done | tagged
    chosen = [one for one in differ if one not in taken][: plan.count]
    return chosen, len(set(ids) - done), len(done & set(ids)), len(tagged.intersection(ids) - done)


def _distance(sample: fo.Sample, fields: Sequence[StrategyFields]) -> float:
    """1 - IoU of two strategies' masks of a sample."""
    return 1 - _agreement([label_map_of(sample[each.mask]) for each in fields])


def _agreement(masks: Sequence[np.ndarray]) -> float:
    values = range(1, int(max(mask.max(initial=0) for mask in masks)) + 1)
    return mean_pairwise_iou([resize_mask(mask, *masks[0].shape[:2]) for mask in masks], values)


def _to_teach(samples: foc.SampleCollection, plan: NextPlan, hold: Hold):
    """Bad, doubtful and new ones first, and no near copies of each other."""
    dataset, labelled = samples._dataset, _labelled(samples, plan.gt_field)
    labelled |= _decided(samples, final_names(dataset))
    there = {name: StrategyFields.of(plan.prefix, name) for name in comparable(samples, plan.prefix)}
    taught = learned_from(dataset, plan.prefix, [*strategies_in(samples, plan.prefix), *final_names(dataset)])
    labelled |= {one for ids in taught.values() for one in ids or ()}.intersection(samples.values("id"))
    there = {name: of for name, of in there.items() if dataset.has_sample_field(of.mask)}  # some may be deleted
    require(samples, plan.prefix, list(there), [MASK])
    of = list(there.values())
    finished = [FinalFields.of(name).expected_iou for name in final_names(dataset)]
    expected = list(filter(dataset.has_sample_field, finished)) or [fields.score for fields in of]
    expected = list(filter(dataset.has_sample_field, expected))
    view, read = samples, [fields.mask for fields in of] + [fields.status for fields in of] + expected
    ids = view.values("id")
    look = partial(_look, fields=of, expected=expected)
    looks = yield from _each(view.select_fields(read), ids, look, hold)
    seen, doubts = np.array([one[0] for one in looks]), np.array([one[1:] for one in looks], float)
    known = (~np.isnan(doubts)).sum(axis=1)
    worth = np.where(known > 0, np.nansum(doubts, axis=1) / np.maximum(known, 1), 1.0) + LEAST_WORTH
    tagged = _tagged(samples, plan.tag)
    taken = labelled | tagged
    places = spread(alike_scale(seen, doubts), worth, plan.count, [i for i, one in enumerate(ids) if one in taken])
    return [ids[i] for i in places], len(set(ids) - labelled), len(labelled), len(tagged - labelled)


def _look(sample: fo.Sample, fields: Sequence[StrategyFields], expected: Sequence[str]) -> tuple:
    """A picture's colours, how bad its mask is expected to be, and how far the strategies differ; NaN: not known."""
    guesses = [sample[name] for name in expected if sample[name] is not None]
    masks = [label_map_of(sample[each.mask]) for each in fields if sample[each.status] in DONE]
    return (
        _colours(sample.filepath),
        1 - float(np.mean(guesses)) if guesses else np.nan,
        1 - _agreement(masks) if len(masks) > 1 else np.nan,
    )


def _colours(path: str) -> np.ndarray:
    """(SIDE * SIDE * 3,) a picture's colours in Lab, field by field; grey where it can't be read."""
    try:
        image, _ = read_bounded(path, THUMBNAIL_PIXELS)
    except PromptingError:
        image = np.full((SIDE, SIDE, 3), 128, np.uint8)
    small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(float).ravel()


def _tagged(samples: foc.SampleCollection, tag: str) -> set[str]:
    return set(samples.match_tags(tag).values("id"))


def _each(view: foc.SampleCollection, ids: Sequence[str], look: Callable[[fo.Sample], object], hold: Hold):
    """What is seen of each sample; a generator of progress that returns it all."""
    looks, pace = [], Pace(len(ids))
    for done, sample in enumerate(samples_by_page(view, ids), start=1):
        hold.check()
        looks.append(look(sample))
        left = pace.left(done)
        hold.tell(done, len(ids), left)
        yield Progress(done, len(ids), 0, left)
    if len(looks) != len(ids):
        raise PromptingError("Samples were deleted while they were looked at; rank again.")
    return looks
