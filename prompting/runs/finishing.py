"""Finishing labels: one for each sample, of what strategies made of it; it stays when their results go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace

import fiftyone.core.collections as foc
import numpy as np
from fiftyone import ViewField as F

from ..dataset import checks, finals, mask_sweep
from ..dataset.lock import Hold, editing, run_lock
from ..dataset.names import StrategyFields, labels_key
from ..dataset.proposed import proposed
from ..dataset.records import is_unswept
from ..dataset.sent import Sent, one_of_each_folder
from ..errors import Stopped
from ..final.promise import ACCEPTED, Promise, promise
from ..plan import OVERWRITE, SKIP
from .crew import HERE, Crew, Engine, pace
from .finish_plan import FinishPlan, Planned, plan_finish
from .finishable import tell_unreviewed
from .finished import Finished
from .labelling import MEANWHILE, NOTHING, Labelling
from .lessons import Learning, learn
from .progress import LEARNING_LABELLED, Progress, beforehand


def finish(samples: foc.SampleCollection, plan: FinishPlan, engine: Engine = HERE) -> Iterator[Progress | Finished]:
    """Choose each sample's label and write it: all fields of a sample together, so that none is half finished.

    Where strategies found nothing, the label says so: an empty mask, and no instances.

    Args:
        samples: a dataset or view
        plan: what to do
        engine: who looks at the labelled samples, and labels all

    Yields:
        progress after each sample, and what was :class:`Finished` at the end

    Raises:
        PromptingError: before anything is written: no such results, a name that can't be used, labels that exist and
            weren't to be replaced
        Stopped: somebody asked for it; the samples that were done are whole
    """
    checks.check_collection(samples)
    dataset = samples._dataset
    with run_lock(dataset, plan.prefix, "finishing labels") as hold:
        planned = plan_finish(samples, plan)
        if plan.gt_field:
            tell_unreviewed(planned.samples, plan.gt_field)
        with engine.crew(dataset, hold) as crew:
            learning = yield from _ready(planned, crew, hold)
            left = bool(planned.there) or is_unswept(dataset, labels_key(plan.name))
            finished = yield from _label(planned, crew, hold)
            unnamed = left or finished.meanwhile or finished.failed or crew.repeated
        mask_sweep.after_labels(dataset, plan.name, bool(unnamed))
        if learning:
            promises = _promises(planned, learning)
            finished = replace(finished, trial=learning.trial, promises=promises)
            with editing(dataset):
                finals.save_findings(dataset, plan.name, learning.trial, promises, learning.expectation)
    yield finished


def _ready(planned: Planned, crew: Crew, hold: Hold) -> Iterator[Progress]:
    """All that comes before the first label is written; what the samples with a truth teach."""
    plan, names, learning = planned.plan, planned.looked_at, None
    try:
        if crew.many:
            of = [StrategyFields.of(plan.prefix, name) for name in names]
            read = [*filter(None, [plan.gt_field]), *(field for one in of for field in (one.mask, one.instances))]
            there = one_of_each_folder(planned.samples, planned.sample_ids, read)
            crew.see([*there, *([planned.files.made()] if planned.files else [])])
        if plan.gt_field:
            steps = learn(planned.teaching, plan, names, crew, hold)
            learning = yield from beforehand(steps, LEARNING_LABELLED, hold)
        crew.open(Labelling(Sent(planned.samples), plan, names, learning, planned.files))
    except Stopped:
        raise Stopped("Stopped on request before any label was written; finish again.") from None
    return learning


def _label(planned: Planned, crew: Crew, hold: Hold) -> Iterator[Progress]:
    """What was finished: without the samples that somebody gave a label, or decided on, after they were planned."""
    plan, total, names = planned.plan, len(planned.sample_ids), planned.looked_at
    dataset = planned.samples._dataset
    with editing(dataset):
        finals.record(dataset, plan.name, plan.prefix, plan.rule, plan.strategies or names, total, plan.mask_dir)
        finals.declare(dataset, planned.fields, StrategyFields.of(plan.prefix, names[0]).mask)
    hold.tell(0, total)
    yield Progress(0, total, 0)
    said, failed, rate = {}, 0, pace(crew, total)
    items = {one: planned.there.get(one) for one in planned.sample_ids}
    with closing(crew.outcomes(items)) as outcomes:
        for outcome in outcomes:
            said[outcome.sample_id] = outcome.value
            failed += outcome.value not in (None, NOTHING, MEANWHILE)
            done = len(said)
            progress = Progress(done, total, failed + len(crew.refused), rate.left(done), rate.each_second)
            hold.tell(done, total, progress.seconds_left)
            yield progress
    if hold.asked_to_stop.is_set() and len(said) < total:
        rest = OVERWRITE if plan.existing == OVERWRITE else SKIP
        kept = "the others keep those that they have, or have none; to do them" if rest == OVERWRITE else ""
        raise Stopped(
            f"Stopped on request: {len(said)} of {total} samples have their labels; {kept or 'to do the others'},"
            f" finish the same again with existing={rest!r}.",
            rest,
        )
    return _finished(planned, {**said, **crew.refused})


def _finished(planned: Planned, said: Mapping[str, str | None]) -> Finished:
    """What became of the samples: id -> None, or why it has no label of this run."""
    ids = tuple(one for one in planned.sample_ids if one in said and said[one] is None)
    lacking = {one: said[one] for one in planned.sample_ids if said.get(one)}
    reasons = list(lacking.values())
    failed = {one: why for one, why in lacking.items() if why not in (NOTHING, MEANWHILE)}
    meanwhile, why = reasons.count(MEANWHILE), ""
    if failed:
        first = next(iter(failed))
        why = f"{planned.samples[first].filepath}, {failed[first].removeprefix('error: ')}"
    return Finished(
        planned.plan,
        ids,
        replaced=sum(one in planned.there for one in ids),
        kept=planned.kept + meanwhile,
        without=planned.without + reasons.count(NOTHING),
        broken=planned.broken + reasons.count(NOTHING),
        looked_at=planned.looked_at,
        meanwhile=meanwhile,
        failed=len(failed),
        why=why,
    )


def _promises(planned: Planned, learning: Learning) -> tuple[Promise, ...]:
    """How good the labels are that this finishing made and that have no truth; and those that it accepted.

    Of others nothing is known: what is expected of them was learned from other truths, or of another rule's masks.
    """
    fields, enough = planned.fields, planned.plan.accept_from
    there = planned.samples.match(~F(planned.plan.gt_field).exists()).exists(fields.mask)
    ours = there.match(F(f"{fields.mask}.{finals.MADE_BY}") == learning.made_by).exists(fields.expected_iou)
    elsewhere = np.array(ours.values(fields.expected_iou), float)
    true, expected = learning.expectation.true, learning.expectation.held_out
    chosen = proposed(planned.samples._dataset)
    asked = np.array([one in chosen for one in learning.held_out], bool)
    told = [replace(promise(true, expected, elsewhere, proposed=asked), besides=len(there) - len(elsewhere))]
    if enough is not None:  # labelled pictures that would have been accepted are a random draw of all such
        good = expected >= enough
        accepted = ours.match(F(f"{fields.mask}.{finals.ACCEPTED_FROM}") == enough).values(fields.expected_iou)
        told.append(promise(true[good], expected[good], np.array(accepted, float), ACCEPTED, proposed=asked[good]))
    return tuple(told)
