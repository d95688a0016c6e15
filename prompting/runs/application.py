"""Applying strategies to a FiftyOne collection: check, have the pictures done, record."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from functools import partial

import fiftyone as fo
import fiftyone.core.collections as foc

from ..dataset import appearance, checks, completeness, mask_sweep, records, storage
from ..dataset.everywhere import all_samples
from ..dataset.learned_from import to_record
from ..dataset.lock import Hold, editing, run_lock
from ..dataset.mask_files import MaskFiles
from ..dataset.names import StrategyFields, evaluation_key
from ..dataset.references import reference_steps, with_earlier
from ..dataset.sent import Sent, one_of_each_folder
from ..errors import Stopped
from ..plan import OVERWRITE, SKIP, Plan
from ..priors.base import Given
from ..prompts.strategy import FIELD
from .applying import Applying, Cost
from .assembly import resolved, settle, weights_of
from .crew import HERE, Crew, Engine, pace
from .progress import LEARNING, LOADING, LOOKING, Progress, beforehand


def apply(samples: foc.SampleCollection, plan: Plan, engine: Engine = HERE) -> Iterator[Progress]:
    """Apply a plan to a collection, one pass over the samples, and yield progress after each.

    Everything that can be known before work starts is checked before the first
    yield: nothing is written where a check fails.

    Args:
        samples: a dataset or view of images
        plan: what to do
        engine: who does it

    Raises:
        PromptingError: what was wrong with the request, or another run is writing the same fields
        Stopped: somebody asked for it (:mod:`prompting.dataset.stopping`); the samples that were done are whole
    """
    checks.check_collection(samples)
    samples = checks.with_all_fields(samples)
    with (
        run_lock(samples._dataset, plan.prefix, "applying strategies") as hold,
        engine.crew(samples._dataset, hold) as crew,
    ):
        yield from _apply(samples, crew.ask(resolved, plan), plan, crew, hold)


def _apply(samples: foc.SampleCollection, plan: Plan, asked: Plan, crew: Crew, hold: Hold) -> Iterator[Progress]:
    settled_there = partial(crew.ask, settle)
    try:
        reading = reference_steps(samples._dataset, plan, hold.check)
        plan, references = yield from beforehand(reading, LOOKING, hold)
    except Stopped:
        raise Stopped("Stopped on request while the reference pictures were read; nothing was written.") from None
    checks.check_fields(samples, plan, settled_there)
    given = Given(checks.check_prompt_field(samples, plan), references)
    if references:
        if references.doubt:
            warnings.warn(references.doubt, stacklevel=2)
        yield Progress(0, 0, 0, doing=LOADING)
    files = MaskFiles.of(samples, plan.mask_dir, plan.rel_dir)
    todo = completeness.undone(samples, plan)
    left = mask_sweep.leftovers(samples, plan, todo)
    if not todo:
        if left:
            mask_sweep.after_strategies(samples._dataset, plan.prefix, left, some=True)
        yield Progress(0, 0, 0)
        return
    try:
        if crew.many:
            crew.see([*_read(samples, plan, todo), *([files.made()] if files else [])])
        opening = crew.opening(Applying(Sent(samples), plan, given, files))
        plan = yield from beforehand(opening, LEARNING, hold)
    except Stopped:
        learning = hold.told.get("doing") == LEARNING
        during = "it learned from the reference pictures" if learning else "the models were loaded"
        raise Stopped(f"Stopped on request while {during}; nothing was written.") from None
    # again: what only now is known, of weights that had to be fetched, or from the loaded models
    checks.check_fields(samples, plan, settled_there)
    weights = {strategy: crew.ask(weights_of, plan, strategy) for strategy in plan.strategies}
    with editing(samples._dataset):
        storage.declare_fields(samples._dataset, plan)
        appearance.arrange(samples._dataset, plan.prefix)
        appearance.show(samples._dataset, plan.prefix, plan.strategies[0], replace=False)
        outdated = 0
        for strategy in plan.strategies:
            outdated += _outdate(samples._dataset, plan, strategy, todo, weights[strategy])
            added = not _scored(samples._dataset, plan, strategy, todo)
            whole = with_earlier(samples._dataset, plan, strategy)
            learned = to_record(samples._dataset, whole, strategy)
            records.register(samples._dataset, whole, strategy, asked, added, weights[strategy], learned)
    hold.tell(0, len(todo))
    yield Progress(0, len(todo), 0)
    rest = OVERWRITE if plan.existing == OVERWRITE and not outdated else SKIP
    yield from _run(samples, plan, crew, todo, hold, bool(left), bool(files), rest)


def _read(samples: foc.SampleCollection, plan: Plan, todo: Iterable[str]) -> list[str]:
    """A file of each folder that is read from: of pictures, and of prompts' masks. References are read by whoever
    learns from them, before anything is written."""
    prompts = one_of_each_folder(samples, todo, [plan.prompt_field]) if plan.uses(FIELD) else []
    return [*one_of_each_folder(samples, todo), *prompts]


def _outdate(
    dataset: fo.Dataset, plan: Plan, strategy: str, todo: Mapping[str, frozenset[str]], weights: Mapping[str, str]
) -> int:
    """Mark the results that are to be replaced, where the new record will not be theirs; how many."""
    if plan.existing != OVERWRITE or checks.why_not_beside(dataset, plan, weights, strategy)[1] is None:
        return 0
    again = (sample_id for sample_id, done in todo.items() if strategy not in done)
    return storage.outdate(dataset, StrategyFields.of(plan.prefix, strategy), again)


def _scored(dataset: fo.Dataset, plan: Plan, strategy: str, todo: Mapping[str, frozenset[str]]) -> bool:
    """Whether a strategy is applied again to a sample that has a score for it."""
    score = f"{evaluation_key(plan.prefix, strategy)}_iou"
    if not dataset.has_sample_field(score):
        return False
    again = {sample_id for sample_id, done in todo.items() if strategy not in done}
    return not again.isdisjoint(all_samples(dataset).exists(score).values("id"))  # a query holds 800,000 ids at most


def _run(
    samples: foc.SampleCollection,
    plan: Plan,
    crew: Crew,
    todo: Mapping[str, frozenset[str]],
    hold: Hold,
    left: bool,
    files: bool,
    rest: str,
) -> Iterator[Progress]:
    costs: dict[str, Cost] = defaultdict(Cost)
    done, failed = 0, 0
    rate = pace(crew, len(todo), plan.batch_size)
    with closing(crew.outcomes(todo, plan.batch_size)) as outcomes:
        for done, outcome in enumerate(outcomes, start=1):
            for strategy, cost in outcome.value.items():
                costs[strategy] += cost
            failed += any(cost.failed for cost in outcome.value.values())
            progress = Progress(done, len(todo), failed + len(crew.refused), rate.left(done), rate.each_second)
            hold.tell(done, len(todo), progress.seconds_left)
            yield progress
    if crew.refused:  # some of them by the last batch
        yield Progress(done, len(todo), failed + len(crew.refused))
    unnamed = left or (files and (crew.refused or crew.repeated))
    mask_sweep.after_strategies(samples._dataset, plan.prefix, plan.strategies, bool(unnamed))
    with editing(samples._dataset):
        # again: a process that takes no turns may have taken them away, and samples with their values can't be read
        storage.declare_fields(samples._dataset, plan)
        for strategy, cost in costs.items():
            records.add_cost(samples._dataset, plan.prefix, strategy, cost.per_image())
    if hold.asked_to_stop.is_set() and done < len(todo):
        kept = "the others keep their earlier results, of the same settings; to make those again too"
        raise Stopped(
            f"Stopped on request: {done} of {len(todo)} samples are done and whole;"
            f" {kept if rest == OVERWRITE else 'to do the others'}, apply the same again with existing={rest!r}.",
            rest,
        )
