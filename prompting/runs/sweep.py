"""Sweeping many strategies over labelled pictures: each is encoded once, and nothing but the study is stored."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import fiftyone as fo
import fiftyone.core.collections as foc
import numpy as np

from ..analysis.racing import ERROR_RATE, EVERY, WORTH, Race
from ..analysis.study import DIGITS, Study
from ..dataset import checks
from ..dataset.label_fields import label_type_of
from ..dataset.learned_from import taught_by_field, taught_by_references
from ..dataset.lock import Hold, editing, run_lock
from ..dataset.names import STUDY, study_key
from ..dataset.pages import samples_by_page
from ..dataset.references import reference_steps
from ..dataset.registering import check_key
from ..dataset.sent import Sent, one_of_each_folder
from ..dataset.studies import Begun, begun, fingerprint, save_study
from ..dataset.truth import read_truth
from ..errors import PromptingError, Stopped, concerning
from ..labels.targets import ignored_values
from ..plan import Plan
from ..priors.base import Given
from ..prompts.strategy import FIELD, REFERENCE
from .assembly import resolved, weights_of
from .crew import HERE, Crew, Engine, pace
from .progress import LEARNING, LOOKING, Progress, before_the_first, beforehand
from .sweeping import Sweeping, Swept

BATCH = EVERY
"""After so many pictures it is looked who has nothing to win, and the study is kept."""
LEAST = 5
"""Pictures below which there is nothing to choose by."""


@dataclass(frozen=True)
class SweepPlan:
    """What a person asks to have swept.

    Attributes:
        plan: the strategies, their classes, models and seed
        gt_field: the truth, a Segmentation or Detections with instance masks; samples without it are left out
        racing: stop strategies that have nothing to win
        error_rate: of the race, see :mod:`prompting.analysis.racing`
        worth: a difference of mean IoU that is none
        ignore_values: as in an evaluation
    """

    plan: Plan
    gt_field: str
    racing: bool = True
    error_rate: float = ERROR_RATE
    worth: float = WORTH
    ignore_values: str | Sequence[int] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.racing, bool):
            raise PromptingError(f"racing is True or False, not {self.racing!r}.", "racing")
        if not isinstance(self.error_rate, (int, float)) or not 0 < self.error_rate < 0.5:
            said = f"error_rate must lie between 0 and 0.5, not {self.error_rate!r}."
            raise PromptingError(said, "error_rate")
        if not isinstance(self.worth, (int, float)) or not 0 <= self.worth < 1:
            raise PromptingError(
                f"worth is a difference of IoU, 0 or more and less than 1, not {self.worth!r}.", "worth"
            )


def sweep(samples: foc.SampleCollection, asked: SweepPlan, engine: Engine = HERE) -> Iterator[Progress | Study]:
    """Score all strategies of a plan, and yield progress after each picture, and the study at the end.

    Pictures are looked at in a shuffled order, that of the plan's seed. A sweep of the same that was stopped is taken
    up where it ended.

    Args:
        samples: a dataset or view
        asked: what to sweep
        engine: who does it

    Raises:
        PromptingError: what was wrong with the request
        Stopped: somebody asked for it; what was scored is kept
    """
    ignored = ignored_values(asked.ignore_values)
    checks.check_collection(samples)
    samples = checks.with_all_fields(samples)
    with (
        run_lock(samples._dataset, asked.plan.prefix, "sweeping strategies") as hold,
        engine.crew(samples._dataset, hold) as crew,
    ):
        yield from _sweep(samples, asked, crew.ask(resolved, asked.plan), ignored, crew, hold)


def _sweep(samples, asked: SweepPlan, plan: Plan, ignored, crew: Crew, hold: Hold) -> Iterator[Progress | Study]:
    dataset = samples._dataset
    check_key(dataset, study_key(plan.prefix), STUDY)
    with concerning("gt_field"):
        label_type_of(samples, asked.gt_field)
    reading = reference_steps(dataset, plan, hold.check)
    plan, references = yield from beforehand(reading, LOOKING, hold)
    view, taught = samples.exists(asked.gt_field), _taught(dataset, plan)
    if taught:  # they would be scored on themselves
        view = view.exclude(taught)
    if len(view) < LEAST:
        others = " that are no references" if taught else ""
        said = f"A sweep needs at least {LEAST} pictures with a label in {asked.gt_field!r}{others}."
        raise PromptingError(said, "gt_field")
    truth = yield from before_the_first(read_truth(view, asked.gt_field, plan.classes, ignored), len(view))
    given = Given(checks.check_prompt_field(view, plan), references)
    order = [str(i) for i in np.random.default_rng(plan.seed).permutation(view.values("id"))]
    same = _what_decides(asked, plan, order, crew)
    fields = [asked.gt_field, *((plan.prompt_field, plan.points_field) if plan.uses(FIELD) else ())]
    fields = list(dict.fromkeys(filter(None, fields)))
    chosen = view.select_fields(fields)
    scores = _Scores(asked, plan, fields, str(truth.reading), len(order))
    earlier = begun(dataset, plan.prefix, same)
    if earlier is not None and _unchanged(chosen, earlier, fields):
        scores.take_up(earlier)
    todo = scores.left_of(order)
    if not todo:  # all that is asked for is there
        yield scores.study()
        return
    if crew.many:
        crew.see([*one_of_each_folder(view, todo), *one_of_each_folder(view, todo, fields)])
    sweeping = Sweeping(Sent(chosen), plan, given, truth, tuple(fields))
    yield from beforehand(crew.opening(sweeping), LEARNING, hold)
    rate, total = pace(crew, len(todo), BATCH), len(order)
    hold.tell(total - len(todo), total)
    yield Progress(total - len(todo), total, scores.failed)
    for start in range(0, len(todo), BATCH):
        batch, began, found = todo[start : start + BATCH], time.perf_counter(), {}
        before, failed, running = total - len(todo) + scores.new, scores.failed, tuple(scores.running)
        with closing(crew.outcomes(dict.fromkeys(batch, running), plan.batch_size)) as outcomes:
            for outcome in outcomes:
                found[outcome.sample_id] = outcome.value
                failed += outcome.value.failed is not None
                done = before + len(found)
                left = rate.left(done - total + len(todo))
                hold.tell(done, total, left)
                yield Progress(done, total, failed, left, rate.each_second)
        for sample_id in filter(found.__contains__, batch):  # in their order, whoever was quickest
            scores.add(sample_id, found[sample_id])
        if len(found) < len(batch) and hold.asked_to_stop.is_set():
            _keep(dataset, plan.prefix, scores, same, order)
            raise Stopped(
                f"Stopped on request: {len(scores.looked_at)} of {total} pictures are scored, and kept; sweep the same"
                " again to have the others."
            )
        scores.seconds += time.perf_counter() - began
        scores.look()
        _keep(dataset, plan.prefix, scores, same, order)
    if not scores.looked_at:
        raise PromptingError(f"No picture could be scored: {scores.left_out[0]}.")
    yield scores.study()


def _taught(dataset: fo.Dataset, plan: Plan) -> list[str]:
    """The samples that the strategies learn from, or that their prompts' fields learned from.

    Raises:
        PromptingError: nobody knows which these are
    """
    taught = list(taught_by_references(dataset, plan.references)) if plan.uses(REFERENCE) else []
    names = ("prompt_field", "points_field") if plan.uses(FIELD) else ()
    for name in (*names, "reference_field") if plan.uses(REFERENCE) else names:
        field = getattr(plan, name)
        ids = taught_by_field(dataset, field)
        if ids is None:
            raise PromptingError(
                f"Nothing records which pictures the results in {field!r} learned from, and they would be scored on"
                " them; name another field.",
                name,
            )
        taught += ids
    return list(dict.fromkeys(taught))


def _what_decides(asked: SweepPlan, plan: Plan, order: Sequence[str], crew: Crew) -> dict:
    """All that a study's scores follow from, as plain JSON."""
    weights = {}
    for strategy in {s.prior: s.name for s in plan.chosen}.values():
        weights |= crew.ask(weights_of, plan, strategy)
    told = {name: getattr(asked, name) for name in ("gt_field", "racing", "error_rate", "worth")}
    record = {name: value for name, value in plan.record().items() if name not in ("versions", "prefix")}
    ignored = None if asked.ignore_values is None else str(asked.ignore_values)
    lists = {"strategies": list(plan.strategies), "pictures": list(order)}
    return json.loads(json.dumps({**record, **weights, **told, **lists, "ignore_values": ignored}))


def _unchanged(view, earlier: Begun, fields: Sequence[str]) -> bool:
    """Whether all pictures of an earlier sweep, and their labels, are still what they were."""
    now = {sample.id: fingerprint(sample, fields) for sample in samples_by_page(view, list(earlier.sample_ids))}
    return now == dict(zip(earlier.sample_ids, earlier.seen, strict=True))


class _Scores:
    """The scores so far, and who still runs."""

    def __init__(self, asked: SweepPlan, plan: Plan, fields: Sequence[str], truth: str, total: int):
        self.asked, self.names, self.fields = asked, plan.strategies, fields
        self.truth, self.total = truth, total
        self.race = Race([1 + strategy.rounds for strategy in plan.chosen], total, asked.error_rate, asked.worth)
        self.looked_at: list[str] = []
        self.seen: list[str] = []
        self.files: list[str] = []
        self.ious: list[np.ndarray] = []
        self.calls: list[np.ndarray] = []
        self.left_out: list[str] = []
        self.new, self.seconds = 0, 0.0

    @property
    def running(self) -> list[int]:
        """The places of the strategies that still run."""
        return self.race.running

    @property
    def failed(self) -> int:
        """Pictures that couldn't be scored."""
        return len(self.left_out)

    def take_up(self, earlier: Begun) -> None:
        """Go on where an earlier one ended."""
        study, count = earlier.study, len(earlier.study.files)
        self.looked_at, self.seen, self.files = list(earlier.sample_ids), list(earlier.seen), list(study.files)
        self.ious, self.calls = list(study.ious.T), list(study.calls.T)
        self.seconds = study.seconds
        for stopped_after in sorted({int(n) for n in study.judged if n < count}):
            self.race.look(study.ious[:, :stopped_after])  # who stopped then stops again
        self.race.running = [i for i in range(len(self.names)) if study.judged[i] == count]

    def add(self, sample_id: str, picture: Swept) -> None:
        """One more picture; one that can't be read, or that a strategy fails on, is left out for all."""
        self.new += 1
        if picture.failed is not None:
            self.left_out.append(f"{picture.name}: {picture.failed.removeprefix('error: ').rstrip('.')}")
            return
        self.looked_at.append(sample_id)
        self.seen.append(picture.seen)
        self.files.append(picture.name)
        self.ious.append(picture.ious)
        self.calls.append(picture.calls)

    def left_of(self, order: Sequence[str]) -> list[str]:
        """The ids of pictures that aren't scored yet."""
        scored = set(self.looked_at)
        return [i for i in order if i not in scored]

    def look(self) -> None:
        """Whoever has nothing to win runs no more."""
        if self.asked.racing and len(self.ious) >= self.race.next_look:
            self.race.look(np.stack(self.ious, axis=1))

    def study(self) -> Study:
        ious, calls = (np.stack(rows, axis=1).round(DIGITS) for rows in (self.ious, self.calls))
        rate = self.asked.error_rate if self.asked.racing else None
        told = (self.names, ious, calls, tuple(self.files), rate, self.truth, self.total - self.failed)
        one = "1 picture was" if self.failed == 1 else f"{self.failed} pictures were"
        left_out = f"{one} left out; the first is {self.left_out[0]}." if self.failed else ""
        return Study(*told, self.seconds, self.asked.worth, left_out)


def _keep(dataset: fo.Dataset, prefix: str, scores: _Scores, same: dict, order: Sequence[str]) -> None:
    if scores.ious:
        with editing(dataset):
            ids = [*scores.looked_at, *scores.left_of(order)]
            save_study(dataset, prefix, scores.study(), same, ids, scores.seen)
