"""Applying strategies to a FiftyOne collection: check, read, run, write, record."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fiftyone as fo
import fiftyone.core.collections as foc
import fiftyone.core.utils as fou
import numpy as np

from . import appearance, checks, records, storage
from .assembly import build_runner
from .errors import PromptingError
from .images import read_bounded
from .lock import run_lock
from .plan import Plan
from .priors.base import Picture
from .progress import Progress
from .results import NO_PROMPT, StrategyResult
from .runner import Runner
from .strategies import FIELD

READ_AHEAD = 4
SAVE_EVERY_SECONDS = 1.0


def apply(samples: foc.SampleCollection, plan: Plan) -> Iterator[Progress]:
    """Apply a plan to a collection, one pass over the samples, and yield progress after each.

    Everything that can be known before work starts is checked before the first
    yield: nothing is written where a check fails.

    Args:
        samples: a dataset or view of images
        plan: what to do

    Raises:
        PromptingError: what was wrong with the request, or another run is writing the same fields
    """
    plan = plan.resolved()
    checks.check_collection(samples)
    samples = checks.with_all_fields(samples)
    with run_lock(samples._dataset, plan.prefix, "applying strategies"):
        yield from _apply(samples, plan)


def _apply(samples: foc.SampleCollection, plan: Plan) -> Iterator[Progress]:
    checks.check_fields(samples, plan)
    field_values = checks.check_prompt_field(samples, plan)
    todo = storage.undone(samples, plan)
    if not todo:
        yield Progress(0, 0, 0)
        return
    runner = build_runner(plan, field_values)
    storage.declare_fields(samples._dataset, plan)
    appearance.arrange(samples._dataset, plan.prefix)
    for strategy in plan.strategies:
        records.register(samples._dataset, plan, strategy)
    yield Progress(0, len(todo), 0)
    yield from _run(samples, plan, runner, todo)


def _run(
    samples: foc.SampleCollection, plan: Plan, runner: Runner, todo: Mapping[str, frozenset[str]]
) -> Iterator[Progress]:
    costs: dict[str, _Cost] = defaultdict(_Cost)
    done = failed = 0
    # only what is read or written travels: a dataset may hold much else
    fields = [plan.prompt_field] if plan.uses(FIELD) else []
    for strategy in plan.strategies:
        fields += storage.StrategyFields.of(plan.prefix, strategy).types()
    if plan.heatmap:
        fields.append(storage.heatmap_field(plan.prefix))
    # the view and not the dataset: its slices of groups and its filters on the prompt field hold
    view = samples.select(list(todo)).select_fields(fields)
    with view.save_context(batch_size=SAVE_EVERY_SECONDS, batching_strategy="latency") as context:
        for batch in fou.iter_batches(_read_ahead(view, plan, todo), plan.batch_size):
            readable = [(sample, picture) for sample, picture in batch if isinstance(picture, Picture)]
            results = {result.key: result for result in runner.run([p for _, p in readable], plan.batch_size)}
            for sample, picture in batch:
                size = None
                if isinstance(picture, Picture):
                    made, size = results[sample.id].results, picture.size
                    if results[sample.id].heatmap is not None:
                        storage.write_heatmap(sample, results[sample.id].heatmap, plan)
                else:
                    made = tuple(_failure(name, picture) for name in plan.strategies if name not in todo[sample.id])
                for result in made:
                    storage.write(sample, result, plan, size)
                    costs[result.strategy].add(result)
                context.save(sample)
                done += 1
                failed += any(result.mask is None for result in made)
                yield Progress(done, len(todo), failed)
    for strategy, cost in costs.items():
        records.register(samples._dataset, plan, strategy, cost.per_image())


class _Cost:
    """What a strategy cost in this run."""

    def __init__(self) -> None:
        self.images = self.no_prompt = self.failed = self.decoder_calls = 0
        self.seconds = 0.0

    def add(self, result: StrategyResult) -> None:
        if result.mask is None:
            self.failed += 1
            return
        self.images += 1
        self.seconds += result.seconds
        self.decoder_calls += result.decoder_calls
        self.no_prompt += result.status == NO_PROMPT

    def per_image(self) -> dict:
        images = self.images or None  # nothing is known of the cost where every picture failed
        return {
            "images": self.images,
            "images_without_prompt": self.no_prompt,
            "images_failed": self.failed,
            "seconds_per_image": images and self.seconds / images,
            "decoder_calls_per_image": images and self.decoder_calls / images,
        }


def _read_ahead(view, plan: Plan, todo: Mapping[str, frozenset[str]]) -> Iterator[tuple[fo.Sample, object]]:
    """(sample, picture or the error that reading it raised), in order, a few pictures ahead in threads."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        waiting: deque = deque()
        for sample in view.iter_samples():
            waiting.append((sample, pool.submit(_picture, sample, plan, todo[sample.id])))
            if len(waiting) > READ_AHEAD + plan.batch_size:
                sample, future = waiting.popleft()
                yield sample, future.result()
        while waiting:
            sample, future = waiting.popleft()
            yield sample, future.result()


def _picture(sample: fo.Sample, plan: Plan, skip: frozenset[str]) -> Picture | PromptingError:
    label = sample[plan.prompt_field] if plan.uses(FIELD) else None
    try:
        image, size = read_bounded(sample.filepath)
        return Picture(sample.id, Path(sample.filepath).name, image, label, skip, size)
    except PromptingError as error:
        return error


def _failure(strategy: str, error: PromptingError) -> StrategyResult:
    return StrategyResult(strategy, None, (), np.zeros(0), f"error: {error}", 0.0, 0)
