"""Looking at the labelled pictures: what they teach, how the rules do on them, and what to expect of the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import fiftyone as fo
import fiftyone.core.collections as foc
import numpy as np

from ..analysis.metrics import Target
from ..dataset import finals
from ..dataset.lock import Hold
from ..dataset.names import StrategyFields
from ..dataset.pages import samples_by_page
from ..dataset.truth import Truth, read_truth
from ..final.candidates import Choice, Found
from ..final.expectation import Expectation
from ..final.lessons import Lessons, seen, seen_of
from ..final.names import RULES
from ..final.rules import Chooser, chooser
from ..final.trial import Trial
from ..pixels.masks import resize_mask
from .scorable import common_classes


@dataclass(frozen=True)
class Learning:
    """What the labelled pictures taught.

    Attributes:
        choose: by the rule that was asked for
        trial: of all rules
        expectation: of the labels by that rule
        held_out: id of a labelled picture -> what a model that didn't see its truth expects of its label
    """

    choose: Chooser
    trial: Trial
    expectation: Expectation
    held_out: Mapping[str, float]

    def expected(self, sample_id: str, choice: Choice, found: Sequence[Found]) -> float:
        """The IoU that is expected of a label; of a labelled picture, by a model that didn't see its truth."""
        known = self.held_out.get(sample_id)
        return float(self.expectation.of(seen_of(choice, found))[0]) if known is None else known


def learn(
    samples: foc.SampleCollection,
    rule: str,
    order: Sequence[str],
    names: Sequence[str],
    gt_field: str,
    prefix: str,
    hold: Hold,
) -> Iterator[int]:
    """Look twice at the labelled pictures: at what each strategy made of them, and at what the rules make of that.

    Args:
        samples: those with a truth, all of which strategies were applied to
        rule: that was asked for
        order: its strategies, in the order in which a person named them; none: by their scores
        names: of all strategies that are looked at
        gt_field: the truth
        prefix: of the strategies' fields
        hold: the run's lock

    Yields:
        how many looks are done; the generator returns the :class:`Learning`

    Raises:
        PromptingError: a truth that can't be understood
        Stopped: somebody asked for it
    """
    lessons, truth = yield from look(samples, names, gt_field, prefix, hold)
    view = samples.select_fields([gt_field, *finals.fields_read(samples._dataset, prefix, names)])
    compared = lessons.among(order) if len(order) > 1 else lessons  # the others merely tell where all agree
    tried = {each: chooser(each, order if each == rule else (), compared) for each in RULES}
    scores: Mapping[str, list[float]] = {each: [] for each in tried}
    chosen = []
    for sample in samples_by_page(view, lessons.ids):
        hold.check()
        found = finals.found_in(sample, prefix, names)
        target = _target(sample, truth, prefix, names)
        for each, choose in tried.items():
            choice = choose(sample.id, found)
            scores[each].append(_iou(target, finals.label_map(sample, choice, prefix)) if choice else 0.0)
            if each == rule:
                chosen.append(seen_of(choice, found) if choice else np.full(lessons.features.shape[2], np.nan))
        yield len(chosen)
    trial = Trial({each: np.array(values) for each, values in scores.items()}, compared.ceiling, rule)
    expectation = Expectation.fit(np.array(chosen), trial.ious[rule], lessons.drawn_by)
    held_out = dict(zip(lessons.ids, expectation.held_out.tolist(), strict=True))
    return Learning(tried[rule], trial, expectation, held_out)


def look(samples: foc.SampleCollection, names: Sequence[str], gt_field: str, prefix: str, hold: Hold):
    """What each strategy made of the labelled pictures, beside their truth; a generator of how many are looked at.

    Args:
        samples: those with a truth
        names: of the strategies, all of which were applied to them
        gt_field, prefix, hold: as in :func:`learn`

    Returns:
        the :class:`~prompting.final.lessons.Lessons` and the :class:`~prompting.dataset.truth.Truth`
    """
    classes = common_classes(samples._dataset, prefix, names)
    reading = read_truth(samples, gt_field, classes, size_field=StrategyFields.of(prefix, names[0]).mask)
    truth = yield from _to_its_end(reading)
    view = samples.select_fields([gt_field, *finals.fields_read(samples._dataset, prefix, names)])
    looked, files, ious, features = [], [], [], []
    for sample in samples_by_page(view, samples.values("id")):
        hold.check()
        found = finals.found_in(sample, prefix, names)
        target = _target(sample, truth, prefix, names)
        masks = {one.strategy: sample[StrategyFields.of(prefix, one.strategy).mask] for one in found if one.done}
        looked.append(sample.id)
        files.append(sample.filename)
        ious.append([_iou(target, masks[one.strategy].get_mask()) if one.done else 0.0 for one in found])
        features.append(seen(found))
        yield len(looked)
    return Lessons(tuple(names), tuple(looked), np.array(ious), np.array(features), tuple(files)), truth


def _target(sample: fo.Sample, truth: Truth, prefix: str, names: Sequence[str]) -> tuple[Target, tuple[int, int]]:
    there = (sample[StrategyFields.of(prefix, name).mask] for name in names)
    shape = next(label for label in there if label is not None).get_mask().shape[:2]
    drawn = truth.drawn(sample[truth.field], *shape)
    return Target(drawn.label_map, range(1, len(truth.classes) + 1)), shape


def _iou(target: tuple[Target, tuple[int, int]], mask: np.ndarray) -> float:
    return target[0].iou(resize_mask(mask, *target[1]))


def _to_its_end(steps: Iterator):
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value
        yield 0
