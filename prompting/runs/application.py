"""Applying strategies to a FiftyOne collection: check, read, run, write, record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import astuple, dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import fiftyone as fo
import fiftyone.core.collections as foc
import fiftyone.core.utils as fou
import numpy as np

from ..dataset import appearance, checks, completeness, records, storage
from ..dataset.lock import Hold, editing, run_lock
from ..dataset.names import StrategyFields, evaluation_key
from ..dataset.pages import samples_by_page
from ..dataset.references import read_references
from ..dataset.saving import Writer, writing
from ..errors import PromptingError, Stopped
from ..pixels.images import read_bounded
from ..plan import SKIP, Plan
from ..priors.base import Given, Picture
from ..prompts.strategy import FIELD
from ..results import NO_PROMPT, StrategyResult
from ..runner import Runner
from .assembly import build_runner, resolved, settle, settled, weights_of
from .progress import Pace, Progress
from .threads import in_order

READ_AHEAD, WRITE_BEHIND = 4, 1


def apply(samples: foc.SampleCollection, plan: Plan) -> Iterator[Progress]:
    """Apply a plan to a collection, one pass over the samples, and yield progress after each.

    Everything that can be known before work starts is checked before the first
    yield: nothing is written where a check fails.

    Args:
        samples: a dataset or view of images
        plan: what to do

    Raises:
        PromptingError: what was wrong with the request, or another run is writing the same fields
        Stopped: somebody asked for it (:mod:`prompting.dataset.stopping`); the samples that were done are whole
    """
    asked, plan = plan, resolved(plan)
    checks.check_collection(samples)
    samples = checks.with_all_fields(samples)
    with run_lock(samples._dataset, plan.prefix, "applying strategies") as hold:
        yield from _apply(samples, plan, asked, hold)


def _apply(samples: foc.SampleCollection, plan: Plan, asked: Plan, hold: Hold) -> Iterator[Progress]:
    try:
        plan, references = read_references(samples._dataset, plan, hold.check)
    except Stopped:
        raise Stopped("Stopped on request while the reference pictures were read; nothing was written.") from None
    checks.check_fields(samples, plan, settle)
    given = Given(checks.check_prompt_field(samples, plan), references)
    todo = completeness.undone(samples, plan)
    if not todo:
        yield Progress(0, 0, 0)
        return
    try:
        runner = build_runner(plan, given, hold.check)
    except Stopped:
        raise Stopped("Stopped on request while the models were loaded; nothing was written.") from None
    plan = settled(plan, runner)
    # again: what only now is known, of weights that had to be fetched, or from the loaded models
    checks.check_fields(samples, plan, settle)
    with editing(samples._dataset):
        storage.declare_fields(samples._dataset, plan)
        appearance.arrange(samples._dataset, plan.prefix)
        appearance.show(samples._dataset, plan.prefix, plan.strategies[0], replace=False)
        for strategy in plan.strategies:
            added = not _scored(samples._dataset, plan, strategy, todo)
            records.register(samples._dataset, plan, strategy, asked, added, weights_of(plan, strategy))
    hold.tell(0, len(todo))
    yield Progress(0, len(todo), 0)
    yield from _run(samples, plan, runner, todo, hold)


def _scored(dataset: fo.Dataset, plan: Plan, strategy: str, todo: Mapping[str, frozenset[str]]) -> bool:
    """Whether a strategy is applied again to a sample that has a score for it."""
    score = f"{evaluation_key(plan.prefix, strategy)}_iou"
    again = [sample_id for sample_id, done in todo.items() if strategy not in done]
    return dataset.has_sample_field(score) and len(dataset.select(again).exists(score)) > 0


def _run(
    samples: foc.SampleCollection, plan: Plan, runner: Runner, todo: Mapping[str, frozenset[str]], hold: Hold
) -> Iterator[Progress]:
    costs: dict[str, _Cost] = defaultdict(_Cost)
    done, failed = 0, 0
    pace = Pace(len(todo), plan.batch_size)
    # only what is read travels: a dataset may hold much else
    fields = [StrategyFields.of(plan.prefix, strategy).status for strategy in plan.strategies]
    if plan.uses(FIELD):
        fields += [name for name in (plan.prompt_field, plan.points_field) if name]
    # the view and not the dataset: its slices of groups and its filters on the prompt field hold
    view = samples.select_fields(fields)
    with ExitStack() as stack:
        parts = [tuple(StrategyFields.of(plan.prefix, strategy).types()) for strategy in plan.strategies]
        refuse = partial(_refuse, samples=samples, plan=plan)
        writer = stack.enter_context(writing(samples._dataset, parts, refuse))
        read = partial(_read, plan=plan, todo=todo)
        pictures = in_order(read, samples_by_page(view, list(todo)), workers=2, most=plan.batch_size + READ_AHEAD)
        made = _make(stack.enter_context(closing(pictures)), plan, runner, todo, hold)
        # labels are made and sent by one thread: the samples stay in order, and the context has one user
        write = partial(_write, plan=plan, writer=writer)
        written = in_order(write, made, workers=1, most=plan.batch_size + WRITE_BEHIND)
        for done, statistics in enumerate(stack.enter_context(closing(written)), start=1):
            for strategy, cost in statistics.items():
                costs[strategy] += cost
            failed += any(cost.failed for cost in statistics.values())
            progress = Progress(done, len(todo), failed + len(writer.refused), pace.left(done))
            hold.tell(done, len(todo), progress.seconds_left)
            yield progress
    if writer.refused:  # some of them by the last batch
        yield Progress(done, len(todo), failed + len(writer.refused))
    with editing(samples._dataset):
        # again: a process that takes no turns may have taken them away, and samples with their values can't be read
        storage.declare_fields(samples._dataset, plan)
        for strategy, cost in costs.items():
            records.add_cost(samples._dataset, plan.prefix, strategy, cost.per_image())
    if hold.asked_to_stop.is_set() and done < len(todo):
        raise Stopped(
            f"Stopped on request: {done} of {len(todo)} samples are done and whole; to do the others, apply the same"
            f" again with existing={SKIP!r}."
        )


@dataclass(frozen=True)
class _Made:
    """All that goes into a sample: its results, and CLIP's map if it is wanted."""

    sample: fo.Sample
    results: tuple[StrategyResult, ...]
    heatmap: np.ndarray | None = None


def _read(sample: fo.Sample, plan: Plan, todo: Mapping[str, frozenset[str]]) -> tuple[fo.Sample, object]:
    """A sample with its picture, or with the error that reading it raised."""
    given = (plan.prompt_field, plan.points_field) if plan.uses(FIELD) else (None, None)
    label, points = (sample[name] if name else None for name in given)
    try:
        image, size = read_bounded(sample.filepath)
        return sample, Picture(sample.id, Path(sample.filepath).name, image, label, todo[sample.id], size, points)
    except PromptingError as error:
        return sample, error


def _make(
    read: Iterable[tuple[fo.Sample, object]],
    plan: Plan,
    runner: Runner,
    todo: Mapping[str, frozenset[str]],
    hold: Hold,
) -> Iterator[_Made]:
    """What the runner makes of the pictures, and a failure for each that can't be read, in the samples' order.

    It ends early where the run is asked to stop, so that all that was made is written and counted.
    """
    for batch in fou.iter_batches(read, plan.batch_size):
        pictures = [picture for _, picture in batch if isinstance(picture, Picture)]
        try:
            hold.check()
            results = {result.key: result for result in runner.run(pictures, plan.batch_size)}
        except Stopped:
            return
        for sample, picture in batch:
            if isinstance(picture, Picture):
                result = results[sample.id]
                yield _Made(sample, result.results, result.heatmap)
            else:
                names = (name for name in plan.strategies if name not in todo[sample.id])
                yield _Made(sample, tuple(StrategyResult.failure(name, str(picture)) for name in names))


def _write(made: _Made, plan: Plan, writer: Writer) -> dict[str, _Cost]:
    """Have everything written into the sample in one update; what each strategy cost."""
    made = _added(made, plan, writer)
    writer.flush_in_time()
    return {result.strategy: _Cost.of(result) for result in made.results}


def _added(made: _Made, plan: Plan, writer: Writer) -> _Made:
    """What is put up for writing: masks are painted and compressed here, and a picture may find no memory for that."""
    try:
        _add(made, plan, writer)
        return made
    except Exception as error:
        from ..segmentation import memory

        if not memory.ran_out(error):
            raise
    failed = tuple(
        result if result.label_map is None else StrategyResult.without_memory(result.strategy, result.shape)
        for result in made.results
    )
    made = _Made(made.sample, failed)
    _add(made, plan, writer)
    return made


def _add(made: _Made, plan: Plan, writer: Writer) -> None:
    heatmaps = [] if made.heatmap is None else [storage.heatmap_value(made.heatmap, plan)]
    found = (storage.values(made.sample, result, plan) for result in made.results)
    writer.add(made.sample.id, chain(heatmaps, chain.from_iterable(found)))


def _refuse(sample_id: str, names: Sequence[str], why: str, samples: foc.SampleCollection, plan: Plan) -> None:
    """Say in a sample why a strategy's result isn't there, where there is no earlier one."""
    for strategy in plan.strategies:
        fields = StrategyFields.of(plan.prefix, strategy)
        if fields.mask in names:
            without = samples._dataset.select(sample_id).match(~completeness.whole(samples, fields))
            without.set_values(fields.status, {sample_id: why} if len(without) else {}, key_field="id", progress=False)


@dataclass(frozen=True)
class _Cost:
    """What a strategy cost: a picture, and added up a run."""

    images: int = 0
    no_prompt: int = 0
    failed: int = 0
    decoder_calls: int = 0
    seconds: float = 0.0

    @classmethod
    def of(cls, result: StrategyResult) -> _Cost:
        if result.label_map is None:
            return cls(failed=1)
        return cls(1, int(result.status == NO_PROMPT), 0, result.decoder_calls, result.seconds)

    def __add__(self, other: _Cost) -> _Cost:
        return _Cost(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))

    def per_image(self) -> dict:
        images = self.images or None  # nothing is known of the cost where every picture failed
        return {
            "images": self.images,
            "images_without_prompt": self.no_prompt,
            "images_failed": self.failed,
            "seconds_per_image": images and self.seconds / images,
            "decoder_calls_per_image": images and self.decoder_calls / images,
        }
