"""What happens to pictures that strategies are applied to, in this process or a worker elsewhere: read, run, write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import astuple, dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import fiftyone as fo
import fiftyone.core.collections as foc
import fiftyone.core.utils as fou
import numpy as np

from ..dataset import completeness, storage
from ..dataset.everywhere import these_samples
from ..dataset.mask_files import MaskFiles
from ..dataset.names import StrategyFields
from ..dataset.pages import samples_by_page
from ..dataset.saving import Writer, writing
from ..dataset.sent import Sent
from ..errors import PromptingError, Stopped
from ..pixels.images import read_bounded
from ..plan import Plan
from ..priors.base import Given, Picture
from ..prompts.strategy import FIELD
from ..results import NO_PROMPT, StrategyResult
from ..runner import Runner
from ..steps import Steps, ended
from .assembly import runner_steps, settled
from .crew import Outcome
from .threads import in_order

READ_AHEAD, WRITE_BEHIND = 4, 1


@dataclass(frozen=True)
class Cost:
    """What a strategy cost: a picture, and added up a run."""

    images: int = 0
    no_prompt: int = 0
    failed: int = 0
    decoder_calls: int = 0
    seconds: float = 0.0

    @classmethod
    def of(cls, result: StrategyResult) -> Cost:
        if result.label_map is None:
            return cls(failed=1)
        return cls(1, int(result.status == NO_PROMPT), 0, result.decoder_calls, result.seconds)

    def __add__(self, other: Cost) -> Cost:
        return Cost(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))

    def per_image(self) -> dict:
        images = self.images or None  # nothing is known of the cost where every picture failed
        return {
            "images": self.images,
            "images_without_prompt": self.no_prompt,
            "images_failed": self.failed,
            "seconds_per_image": images and self.seconds / images,
            "decoder_calls_per_image": images and self.decoder_calls / images,
        }


@dataclass(frozen=True)
class Applying:
    """The job of applying a plan; an outcome's value is what each strategy cost.

    Attributes:
        sent: the view and not its dataset: its slices of groups and its filters on the prompt field hold
        plan: without ``auto``
        given: what the dataset has for priors
        files: where masks go; None: into the samples' documents
    """

    sent: Sent
    plan: Plan
    given: Given
    files: MaskFiles | None = None

    def open(self, check: Callable[[], None]) -> _Pictures:
        """Load the models, and learn from references."""
        return ended(self.opening(check))

    def opening(self, check: Callable[[], None]) -> Steps[_Pictures]:
        """The same, which tells how far the learning is."""
        return _Pictures(self, (yield from runner_steps(self.plan, self.given, check)), check)

    def fail(self, items: Mapping[str, frozenset[str]], why: str) -> Iterator[Outcome]:
        """Give samples up: their status says why, where no earlier result is there."""
        samples = self.sent.samples()
        with writing(samples._dataset) as writer:
            for sample in samples_by_page(samples, list(items)):
                names = (name for name in self.plan.strategies if name not in items[sample.id])
                made = _Made(sample, tuple(StrategyResult.failure(name, why) for name in names))
                yield _write(made, self.plan, writer)


class _Pictures:
    """The work: ids of samples, each with the strategies that it can skip, are done batch by batch."""

    def __init__(self, job: Applying, runner: Runner, check: Callable[[], None]):
        self._sent, self._files, self._runner, self._check = job.sent, job.files, runner, check
        self.about: Plan = settled(job.plan, runner)
        self.refused: Mapping[str, str] = {}

    def do(self, items: Mapping[str, frozenset[str]]) -> Iterator[Outcome]:
        samples, plan = self._sent.samples(), self.about
        # only what is read travels: a dataset may hold much else
        fields = [StrategyFields.of(plan.prefix, strategy).status for strategy in plan.strategies]
        if plan.uses(FIELD):
            fields += [name for name in (plan.prompt_field, plan.points_field) if name]
        view = samples.select_fields(fields)
        parts = [tuple(StrategyFields.of(plan.prefix, strategy).types()) for strategy in plan.strategies]
        refuse = partial(_refuse, samples=samples, plan=plan)
        with ExitStack() as stack:
            writer = stack.enter_context(writing(samples._dataset, parts, refuse, self._files))
            self.refused = writer.refused
            read = partial(_read, plan=plan, skips=items)
            pictures = in_order(read, samples_by_page(view, list(items)), workers=2, most=plan.batch_size + READ_AHEAD)
            made = self._make(stack.enter_context(closing(pictures)), items)
            # labels are made and sent by one thread: the samples stay in order, and the context has one user
            write = partial(_write, plan=plan, writer=writer)
            written = in_order(write, made, workers=1, most=plan.batch_size + WRITE_BEHIND)
            yield from stack.enter_context(closing(written))

    def _make(self, read: Iterable[tuple[fo.Sample, object]], skips: Mapping[str, frozenset[str]]) -> Iterator[_Made]:
        """What the runner makes of the pictures, and a failure for each that can't be read, in the samples' order.

        It ends early where the run is asked to stop, so that all that was made is written and counted.
        """
        plan = self.about
        for batch in fou.iter_batches(read, plan.batch_size):
            pictures = [picture for _, picture in batch if isinstance(picture, Picture)]
            try:
                self._check()
                results = {result.key: result for result in self._runner.run(pictures, plan.batch_size)}
            except Stopped:
                return
            for sample, picture in batch:
                if isinstance(picture, Picture):
                    result = results[sample.id]
                    yield _Made(sample, result.results, result.heatmap)
                else:
                    names = (name for name in plan.strategies if name not in skips[sample.id])
                    yield _Made(sample, tuple(StrategyResult.failure(name, str(picture)) for name in names))


@dataclass(frozen=True)
class _Made:
    """All that goes into a sample: its results, and CLIP's map if it is wanted."""

    sample: fo.Sample
    results: tuple[StrategyResult, ...]
    heatmap: np.ndarray | None = None


def _read(sample: fo.Sample, plan: Plan, skips: Mapping[str, frozenset[str]]) -> tuple[fo.Sample, object]:
    """A sample with its picture, or with the error that reading it raised."""
    given = (plan.prompt_field, plan.points_field) if plan.uses(FIELD) else (None, None)
    label, points = (sample[name] if name else None for name in given)
    try:
        image, size = read_bounded(sample.filepath)
        return sample, Picture(sample.id, Path(sample.filepath).name, image, label, skips[sample.id], size, points)
    except PromptingError as error:
        return sample, error


def _write(made: _Made, plan: Plan, writer: Writer) -> Outcome:
    """Have everything written into the sample in one update; what each strategy cost."""
    made = _added(made, plan, writer)
    writer.flush_in_time()
    return Outcome(made.sample.id, {result.strategy: Cost.of(result) for result in made.results})


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
    writer.add(made.sample.id, chain(heatmaps, chain.from_iterable(found)), made.sample.filepath)


def _refuse(sample_id: str, names: Sequence[str], why: str, samples: foc.SampleCollection, plan: Plan) -> None:
    """Say in a sample why a strategy's result isn't there, where there is no earlier one."""
    for strategy in plan.strategies:
        fields = StrategyFields.of(plan.prefix, strategy)
        if fields.mask in names:
            without = these_samples(samples._dataset, sample_id).match(~completeness.whole(samples, fields))
            without.set_values(fields.status, {sample_id: why} if len(without) else {}, key_field="id", progress=False)
