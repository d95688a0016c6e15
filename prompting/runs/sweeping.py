"""What happens to pictures that strategies are swept over, in one process or a worker elsewhere; nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import fiftyone as fo
import numpy as np

from ..analysis.metrics import Target
from ..dataset.pages import samples_by_page
from ..dataset.sent import Sent
from ..dataset.studies import fingerprint
from ..dataset.truth import Truth
from ..errors import PromptingError, Stopped
from ..pixels.images import read_bounded
from ..plan import Plan
from ..priors.base import Given, Picture
from ..prompts.strategies import strategies_named
from ..prompts.strategy import FIELD
from ..results import PictureResult
from ..runner import Runner
from ..steps import Steps, ended
from .assembly import runner_steps
from .crew import Outcome


@dataclass(frozen=True, eq=False)
class Swept:
    """What was found on a picture.

    Attributes:
        name: its file's
        failed: why it can't be scored; None where it was
        ious, calls: (S,) of each strategy of the plan, NaN of those that don't run any more
        seen: what tells that the picture and its labels are still the same
    """

    name: str
    failed: str | None = None
    ious: np.ndarray | None = None
    calls: np.ndarray | None = None
    seen: str = ""


@dataclass(frozen=True)
class Sweeping:
    """The job of sweeping strategies; an outcome's value is :class:`Swept`.

    Attributes:
        sent: the samples
        plan: without ``auto``
        given: what the dataset has for priors
        truth: against which they are scored
        fields: what decides a picture's scores besides its file
    """

    sent: Sent
    plan: Plan
    given: Given
    truth: Truth
    fields: tuple[str, ...]

    def open(self, check: Callable[[], None]) -> _Sweeper:
        """Load the models, and learn from references."""
        return ended(self.opening(check))

    def opening(self, check: Callable[[], None]) -> Steps[_Sweeper]:
        """The same, which tells how far the learning is."""
        return _Sweeper(self, (yield from runner_steps(self.plan, self.given, check)), check)

    def fail(self, items: Mapping[str, tuple[int, ...]], why: str) -> Iterator[Outcome]:
        """One that nobody could do is left out for all."""
        for sample in samples_by_page(self.sent.samples(), list(items)):
            yield Outcome(sample.id, Swept(Path(sample.filepath).name, why))


class _Sweeper:
    """The work: ids of samples, each with the places of the strategies that still run."""

    about = None
    refused: Mapping[str, str] = {}

    def __init__(self, job: Sweeping, runner: Runner, check: Callable[[], None]):
        self._job, self._runner, self._check = job, runner, check

    def do(self, items: Mapping[str, tuple[int, ...]]) -> Iterator[Outcome]:
        plan, pictures, samples = self._job.plan, [], {}
        running = next(iter(items.values()))
        self._runner.strategies = tuple(strategies_named([plan.strategies[i] for i in running]))
        try:
            for sample in samples_by_page(self._job.sent.samples(), list(items)):
                self._check()
                samples[sample.id] = sample
                try:
                    pictures.append(_picture(sample, plan))
                except PromptingError as error:
                    yield Outcome(sample.id, Swept(Path(sample.filepath).name, str(error)))
            for result in self._runner.run(pictures, plan.batch_size):
                yield Outcome(result.key, self._scored(samples[result.key], result, running))
        except Stopped:
            return

    def _scored(self, sample: fo.Sample, result: PictureResult, running: tuple[int, ...]) -> Swept:
        name, truth = Path(sample.filepath).name, self._job.truth
        failed = next((one.status for one in result.results if one.label_map is None), None)
        if failed is not None:
            return Swept(name, failed)
        drawn = truth.drawn(sample[truth.field], *result.results[0].shape)
        target = Target(drawn.label_map, range(1, len(truth.classes) + 1))
        ious, calls = (np.full(len(self._job.plan.strategies), np.nan) for _ in range(2))
        known: dict[tuple, float] = {}
        for i, one in zip(running, result.results, strict=True):
            key = tuple((prompt.label, prompt.said) for prompt in one.prompts), one.predicted_iou.tobytes()
            if key not in known:  # many say the same of a picture
                known[key] = target.iou(one.mask)
            ious[i], calls[i] = known[key], one.decoder_calls
        return Swept(name, None, ious, calls, fingerprint(sample, self._job.fields))


def _picture(sample: fo.Sample, plan: Plan) -> Picture:
    given = (plan.prompt_field, plan.points_field) if plan.uses(FIELD) else (None, None)
    label, points = (sample[name] if name else None for name in given)
    image, size = read_bounded(sample.filepath)
    return Picture(sample.id, Path(sample.filepath).name, image, label, frozenset(), size, points)
