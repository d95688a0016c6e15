"""Looking at the labelled pictures: what they teach, how the rules do on them, and what to expect of the others."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import fiftyone.core.collections as foc
import numpy as np

from ..dataset.lock import Hold
from ..dataset.names import StrategyFields
from ..dataset.sent import Sent
from ..dataset.truth import Truth, read_truth
from ..errors import PromptingError
from ..final.candidates import Choice, Found
from ..final.expectation import FEWEST, Expectation
from ..final.folds import short_names
from ..final.lessons import Lessons, seen_of
from ..final.names import ONE, RULES
from ..final.rules import Chooser, chooser
from ..final.trial import Trial
from ..steps import Steps
from .crew import Crew
from .finish_plan import FinishPlan
from .finishable import applied
from .judging import Judging, OfRules, OfStrategies, of_rules, of_strategies
from .scorable import common_classes


@dataclass(frozen=True)
class Learning:
    """What the labelled pictures taught.

    Attributes:
        choose: by the rule that was asked for
        trial: of all rules
        expectation: of the labels by that rule
        held_out: id of a labelled picture that gets a label -> what a model that didn't see its truth expects of it
        made_by: by what labels of the same rule, order and lessons are known
    """

    choose: Chooser
    trial: Trial
    expectation: Expectation
    held_out: Mapping[str, float]
    made_by: str

    def expected(self, sample_id: str, choice: Choice, found: Sequence[Found]) -> float:
        """The IoU that is expected of a label; of a labelled picture, by a model that didn't see its truth."""
        known = self.held_out.get(sample_id)
        return float(self.expectation.of(seen_of(choice, found))[0]) if known is None else known


def learn(
    samples: foc.SampleCollection, plan: FinishPlan, names: Sequence[str], crew: Crew, hold: Hold
) -> Steps[Learning]:
    """Look twice at the labelled pictures: at what each strategy made of them, and at what the rules make of that.

    The crew looks; to learn from what was seen takes a second, and all must learn the same: that is done here.

    Args:
        samples: those with a truth, and with the results that the rule needs
        plan: strategies by their names, in the order in which a person named them; none: by their scores
        names: of all strategies that are looked at
        crew: who looks
        hold: the run's lock

    Yields:
        how many looks are done, and of how many; the generator returns the :class:`Learning`

    Raises:
        PromptingError: a truth that can't be understood, or a picture that nobody can look at
        Stopped: somebody asked for it
    """
    rule, order = plan.rule, plan.strategies
    lessons, truth = yield from look(samples, names, plan.gt_field, plan.prefix, crew, hold, looks=2)
    compared = lessons.among(order) if len(order) > 1 else lessons  # the others merely tell where all agree
    # where a cascade's others weren't applied to all of these samples, the rules that need all can't be tried
    whole = [name for name in order if len(applied(samples, plan.prefix, [name])) == len(lessons.ids)]
    rules = RULES if len(whole) == len(order) else [each for each in RULES if each in (rule, ONE)]
    best = compared if len(whole) == len(order) else lessons.among(whole)
    tried = {each: chooser(each, order if each == rule else (), best) for each in rules}
    judge = partial(of_rules, tried=tried, rule=rule)
    job = Judging(Sent(samples), truth, plan.prefix, tuple(names), judge)
    pictures: Sequence[OfRules] = yield from _judged(job, lessons.ids, crew, hold, len(lessons.ids), looks=2)
    trial = Trial({each: np.array([one.ious[each] for one in pictures]) for each in tried}, compared.ceiling, rule)
    # where the rule's strategy failed there is no label, here as among those without a truth, of which nothing is said
    there = [i for i, one in enumerate(pictures) if one.chosen is not None]
    chosen = np.array([pictures[i].chosen for i in there])
    expectation = Expectation.fit(chosen, trial.ious[rule][there], [lessons.drawn_by[i] for i in there])
    if expectation is None:
        raise PromptingError(
            f"By the rule {rule!r} only {len(there)} of the samples with a truth get a label, for strategies failed on"
            f" the others; to learn from them takes {FEWEST} at least: apply again what failed, or label more.",
            "gt_field",
        )
    held_out = dict(zip([lessons.ids[i] for i in there], expectation.held_out.tolist(), strict=True))
    return Learning(tried[rule], trial, expectation, held_out, _made_by(rule, order, lessons))


def _made_by(rule: str, order: Sequence[str], lessons: Lessons) -> str:
    """The same for the same rule, order and lessons: then a picture gets the same label, and the same is expected."""
    told = repr((rule, tuple(order), lessons.names, lessons.drawn_by)).encode()
    numbers = (lessons.ious.round(6).tobytes(), lessons.features.round(6).tobytes())
    return hashlib.sha256(b"".join((told, *numbers))).hexdigest()[:16]


def look(
    samples: foc.SampleCollection,
    names: Sequence[str],
    gt_field: str,
    prefix: str,
    crew: Crew,
    hold: Hold,
    looks: int = 1,
) -> Steps[tuple[Lessons, Truth]]:
    """What each strategy made of the labelled pictures, beside their truth.

    Args:
        samples: those with a truth
        names: of the strategies, all of which were applied to them
        gt_field: the truth
        prefix: of the strategies' fields
        crew, hold: as in :func:`learn`
        looks: at each picture, that the steps are told of
    """
    ids, classes = samples.values("id"), common_classes(samples._dataset, prefix, names)
    reading = read_truth(samples, gt_field, classes, size_field=StrategyFields.of(prefix, names[0]).mask)
    truth = yield from _silent(reading, len(ids) * looks)
    job = Judging(Sent(samples), truth, prefix, tuple(names), of_strategies)
    pictures: Sequence[OfStrategies] = yield from _judged(job, ids, crew, hold, 0, looks)
    ious, features = (np.array([getattr(one, name) for one in pictures]) for name in ("ious", "features"))
    files = tuple(short_names([one.file for one in pictures]))
    return Lessons(tuple(names), tuple(ids), ious, features, files), truth


def _judged(job: Judging, ids: Sequence[str], crew: Crew, hold: Hold, before: int, looks: int) -> Steps[list]:
    """What is found of the pictures, in their order, whoever was quickest."""
    found = {}
    crew.open(job)
    with closing(crew.outcomes(dict.fromkeys(ids))) as outcomes:
        for outcome in outcomes:
            found[outcome.sample_id] = outcome.value
            yield before + len(found), looks * len(ids)
    if len(found) < len(ids):
        hold.check()
        raise PromptingError(
            "Samples with a truth, or their results, were deleted while they were looked at; finish again."
        )
    return [found[one] for one in ids]


def _silent(steps: Steps[Truth], total: int) -> Steps[Truth]:
    """Steps before the first look."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value
        yield 0, total
