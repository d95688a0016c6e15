"""Sweeping many strategies over labelled pictures: each is encoded once, and nothing but the study is stored."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import fiftyone as fo
import fiftyone.core.collections as foc
import numpy as np

from ..analysis.metrics import Target
from ..analysis.racing import ERROR_RATE, behind
from ..analysis.study import Study
from ..dataset import checks
from ..dataset.lock import Hold, editing, run_lock
from ..dataset.pages import samples_by_page
from ..dataset.studies import begun, save_study
from ..dataset.truth import Truth, read_truth
from ..errors import PromptingError, Stopped
from ..labels.targets import ignored_values
from ..pixels.images import read_bounded
from ..plan import Plan
from ..priors.base import Picture
from ..prompts.strategies import strategies_named
from ..prompts.strategy import FIELD
from ..results import PictureResult
from .assembly import build_runner, resolved, weights_of
from .progress import Pace, Progress, before_the_first

BATCH = 8
"""After so many pictures it is looked who is behind, and the study is kept."""
LEAST = 5
"""Pictures below which there is nothing to choose by."""


@dataclass(frozen=True)
class SweepPlan:
    """What a person asks to have swept.

    Attributes:
        plan: the strategies, their classes, models and seed
        gt_field: the truth, a Segmentation or Detections with instance masks; samples without it are left out
        racing: stop strategies that are behind by more than chance
        error_rate: of the race, see :mod:`prompting.analysis.racing`
        ignore_values: as in an evaluation
    """

    plan: Plan
    gt_field: str
    racing: bool = True
    error_rate: float = ERROR_RATE
    ignore_values: str | Sequence[int] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.error_rate, (int, float)) or not 0 < self.error_rate < 0.5:
            said = f"error_rate must lie between 0 and 0.5, not {self.error_rate!r}."
            raise PromptingError(said, "error_rate")


def sweep(samples: foc.SampleCollection, asked: SweepPlan) -> Iterator[Progress | Study]:
    """Score all strategies of a plan, and yield progress after each picture, and the study at the end.

    Pictures are looked at in a shuffled order, that of the plan's seed. A sweep of the same that was stopped is taken
    up where it ended.

    Args:
        samples: a dataset or view
        asked: what to sweep

    Raises:
        PromptingError: what was wrong with the request
        Stopped: somebody asked for it; what was scored is kept
    """
    plan = resolved(asked.plan)
    ignored = ignored_values(asked.ignore_values)
    checks.check_collection(samples)
    samples = checks.with_all_fields(samples)
    with run_lock(samples._dataset, plan.prefix, "sweeping strategies") as hold:
        yield from _sweep(samples, asked, plan, ignored, hold)


def _sweep(samples, asked: SweepPlan, plan: Plan, ignored, hold: Hold) -> Iterator[Progress | Study]:
    dataset, names = samples._dataset, plan.strategies
    view = samples.exists(asked.gt_field) if samples.has_sample_field(asked.gt_field) else samples
    truth = yield from before_the_first(read_truth(view, asked.gt_field, plan.classes, ignored), len(view))
    if len(view) < LEAST:
        raise PromptingError(f"A sweep needs at least {LEAST} pictures with a label in {asked.gt_field!r}.")
    encoding = checks.check_prompt_field(view, plan)
    runner = build_runner(plan, encoding, hold.check)
    order = [str(i) for i in np.random.default_rng(plan.seed).permutation(view.values("id"))]
    same = _what_decides(asked, plan, order)
    earlier = begun(dataset, plan.prefix, same)
    race = _Race(names, asked.error_rate if asked.racing else None, str(truth.reading), len(order))
    if earlier is not None:
        race.take_up(*earlier)
    todo = race.left_of(order)
    pace, total = Pace(len(todo), BATCH), len(order)
    fields = [asked.gt_field, *((plan.prompt_field, plan.points_field) if plan.uses(FIELD) else ())]
    hold.tell(total - len(todo), total)
    yield Progress(total - len(todo), total, race.failed)
    chosen = view.select_fields(list(dict.fromkeys(filter(None, fields))))
    for start in range(0, len(todo), BATCH):
        batch, began = todo[start : start + BATCH], time.perf_counter()
        runner.strategies = tuple(strategies_named([names[i] for i in race.running]))
        try:
            for sample, result in _results(runner, chosen, batch, plan, hold):
                race.add(sample, result, truth, asked.gt_field)
                done = total - len(todo) + race.new
                progress = Progress(done, total, race.failed, pace.left(race.new))
                hold.tell(done, total, progress.seconds_left)
                yield progress
        except Stopped:
            _keep(dataset, plan.prefix, race, same, order)
            raise Stopped(
                f"Stopped on request: {len(race.looked_at)} of {total} pictures are scored, and kept; sweep the same"
                " again to have the others."
            ) from None
        race.seconds += time.perf_counter() - began
        race.stop_those_behind()
        _keep(dataset, plan.prefix, race, same, order)
    if not race.looked_at:
        raise PromptingError("No picture could be read and scored; look at the files.")
    yield race.study()


def _what_decides(asked: SweepPlan, plan: Plan, order: Sequence[str]) -> dict:
    """All that a study's scores follow from, as plain JSON."""
    weights = {}
    for strategy in {s.prior: s.name for s in plan.chosen}.values():
        weights |= weights_of(plan, strategy)
    told = {"gt_field": asked.gt_field, "racing": asked.racing, "error_rate": asked.error_rate, "pictures": list(order)}
    record = {name: value for name, value in plan.record().items() if name not in ("versions", "prefix")}
    ignored = None if asked.ignore_values is None else str(asked.ignore_values)
    strategies = list(plan.strategies)
    return json.loads(json.dumps({**record, **weights, **told, "ignore_values": ignored, "strategies": strategies}))


def _results(runner, view, batch: Sequence[str], plan: Plan, hold: Hold) -> Iterator[tuple[fo.Sample, PictureResult]]:
    """What the runner makes of some samples; None of one whose file can't be read."""
    pictures, samples = [], {}
    for sample in samples_by_page(view, list(batch)):
        hold.check()
        samples[sample.id] = sample
        label, points = (
            sample[name] if name and plan.uses(FIELD) else None for name in (plan.prompt_field, plan.points_field)
        )
        try:
            image, size = read_bounded(sample.filepath)
        except PromptingError:
            yield sample, None
            continue
        name = Path(sample.filepath).name
        pictures.append(Picture(sample.id, name, image, label, frozenset(), size, points))
    for result in runner.run(pictures, plan.batch_size):
        yield samples[result.key], result


class _Race:
    """The scores so far, and who still runs."""

    def __init__(self, names: Sequence[str], error_rate: float | None, truth: str, total: int):
        self.names, self.error_rate, self.truth, self.total = tuple(names), error_rate, truth, total
        self.running, self.looked_at, self.files = list(range(len(names))), [], []
        self.ious: list[np.ndarray] = []
        self.calls: list[np.ndarray] = []
        self.failed, self.new, self.seconds = 0, 0, 0.0

    def take_up(self, study: Study, order: Sequence[str]) -> None:
        """Go on where an earlier one ended."""
        count = len(study.files)
        self.looked_at, self.files = list(order[:count]), list(study.files)
        self.ious, self.calls = list(study.ious.T), list(study.calls.T)
        self.seconds = study.seconds
        self.running = [i for i in range(len(self.names)) if not np.isnan(study.ious[i]).any()]

    def add(self, sample: fo.Sample, result: PictureResult | None, truth: Truth, gt_field: str) -> None:
        """Score a picture; one that can't be read is left out for all."""
        self.new += 1
        if result is None:
            self.failed += 1
            return
        shape = next((one.shape for one in result.results if one.label_map is not None), None)
        if shape is None:
            self.failed += 1
            return
        drawn = truth.drawn(sample[gt_field], *shape)
        target = Target(drawn.label_map, range(1, len(truth.classes) + 1))
        nothing = np.zeros(shape, np.uint8)
        ious, calls = np.full(len(self.names), np.nan), np.full(len(self.names), np.nan)
        known: dict[tuple, float] = {}
        for i, one in zip(self.running, result.results, strict=True):
            key = tuple((prompt.label, prompt.said) for prompt in one.prompts), one.predicted_iou.tobytes()
            if key not in known:  # many say the same of a picture
                known[key] = target.iou(nothing if one.label_map is None else one.mask)
            ious[i], calls[i] = known[key], one.decoder_calls
        self.looked_at.append(sample.id)
        self.files.append(Path(sample.filepath).name)
        self.ious.append(ious)
        self.calls.append(calls)

    def left_of(self, order: Sequence[str]) -> list[str]:
        """The ids of pictures that aren't scored yet."""
        scored = set(self.looked_at)
        return [i for i in order if i not in scored]

    def stop_those_behind(self) -> None:
        """Whoever is behind by more than chance runs no more."""
        if self.error_rate is None or not self.ious:
            return
        scored = np.stack(self.ious, axis=1)[self.running]
        stopped = behind(scored, len(self.names), self.error_rate)
        self.running = [i for i, stops in zip(self.running, stopped) if not stops]

    def study(self) -> Study:
        ious, calls = (np.stack(rows, axis=1) for rows in (self.ious, self.calls))
        told = (self.names, ious, calls, tuple(self.files), self.error_rate, self.truth, self.total - self.failed)
        return Study(*told, self.seconds)


def _keep(dataset: fo.Dataset, prefix: str, race: _Race, same: dict, order: Sequence[str]) -> None:
    if race.ious:
        with editing(dataset):
            save_study(dataset, prefix, race.study(), same, [*race.looked_at, *race.left_of(order)])
