"""One strategy's scores: our metrics picture by picture, then FiftyOne's evaluation, so that its panels show them.

``evaluate_segmentations`` has traps (each is a test of ours): without a
background in ``mask_targets`` false positives vanish, a sample without a mask
is skipped, so that a failing strategy looks better, and values that no target
names drop out. The truth is therefore rendered into one field with the
strategies' own values, and all must have been scored on the same pixels.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import fiftyone as fo
import fiftyone.core.utils as fou
import numpy as np

from ..analysis.calibration import calibrate, rank_correlation
from ..analysis.comparison import Row
from ..analysis.instances import match, pooled
from ..analysis.metrics import boundary_iou, image_iou, pooled_scores
from ..analysis.statistics import mean_interval
from ..dataset.lock import editing
from ..dataset.names import SCORES, StrategyFields, agreement_field, evaluation_key, truth_field
from ..dataset.pages import samples_by_page
from ..dataset.records import recorded
from ..dataset.truth import Truth
from ..errors import PromptingError, Stopped
from ..labels.instances import instance_mask
from ..pixels.masks import IGNORED, resize_mask
from ..results import NO_PROMPT
from .teller import COUNT, SCORE, Teller
from .threads import reports

IOU_METRIC = "@promptlab/sam2-prompting/iou"
BOUNDARY_METRIC = "@promptlab/sam2-prompting/boundary_iou"
BACKGROUND = "background"


def score_strategy(view, strategy: str, prefix: str, truth: Truth, teller: Teller):
    """Score one strategy; returns its row and each picture's IoU."""
    key, fields = evaluation_key(prefix, strategy), StrategyFields.of(prefix, strategy)
    values = list(range(1, len(truth.classes) + 1))
    scored = yield from _scores(view, strategy, prefix, truth, teller)
    _make_room(view._dataset, key)
    for name, of_each in (("iou", scored.iou), ("boundary_iou", scored.boundary_iou)):
        view._dataset.set_values(f"{key}_{name}", of_each, key_field="id", progress=False)
    metric = {"values": values, "stored": True}

    def evaluate_segmentations(report):
        # FiftyOne would draw its own bar besides, where it may
        with fou.SetAttributes(fo.config, show_progress_bars=False):
            return view.evaluate_segmentations(
                fields.mask,
                gt_field=truth_field(prefix),
                eval_key=key,
                mask_targets={0: BACKGROUND, **dict(zip(values, truth.classes))},
                custom_metrics={IOU_METRIC: metric, BOUNDARY_METRIC: metric},
                progress=lambda bar: report(bar.iteration),
            )

    results, done = None, 0
    try:
        with closing(reports(evaluate_segmentations)) as steps:
            while results is None:
                try:
                    reached = next(steps)
                except StopIteration as stop:
                    results = stop.value
                while done < reached:
                    done += 1
                    yield teller.told(COUNT, done, f"evaluating {strategy}")
    except Stopped:
        with editing(view._dataset):  # half of it is scored
            view._dataset.delete_evaluation(key)
        raise
    if view.values("id") != list(scored.iou):
        raise PromptingError("Samples were added or deleted while they were evaluated; evaluate again.")
    for metric in (IOU_METRIC, BOUNDARY_METRIC):
        if metric not in (results.custom_metrics or {}):
            raise PromptingError(f"The metric {metric} is not there; install the plugin where FiftyOne finds it.")
    ious = np.array(list(scored.iou.values()), float)
    scores = pooled_scores(results.pixel_confusion_matrix)
    record = recorded(view._dataset, prefix, strategy) or {}
    low, high = mean_interval(ious) or (None, None)
    row = Row(
        strategy=strategy,
        images=len(ious),
        support=int(results.pixel_confusion_matrix.sum()),
        mean_iou=float(np.mean(ious)),
        low=low,
        high=high,
        boundary_iou=float(np.mean(list(scored.boundary_iou.values()))),
        pooled_iou=scores["iou"],
        dice=scores["dice"],
        precision=scores["precision"],
        recall=scores["recall"],
        without_prompt=len(view.match(fo.ViewField(fields.status) == NO_PROMPT)),
        seconds=record.get("seconds_per_image"),
        decoder_calls=record.get("decoder_calls_per_image"),
        instances=pooled(scored.matches) if truth.has_instances else None,
        calibration=calibrate(_floats(view, fields.score), ious),
        agreement_correlation=rank_correlation(_floats(view, agreement_field(prefix)), ious),
    )
    return row, ious


def _make_room(dataset: fo.Dataset, key: str) -> None:
    """Take an earlier evaluation away and declare the fields of a new one: FiftyOne would do both, with no lock."""
    with editing(dataset):
        if key in dataset.list_evaluations():
            dataset.delete_evaluation(key)
        for score in SCORES:
            dataset.add_sample_field(f"{key}_{score}", fo.FloatField)


@dataclass(frozen=True)
class _Scored:
    """A strategy's scores of each picture, by the samples' ids in the view's order, and how its instances match."""

    iou: dict[str, float]
    boundary_iou: dict[str, float]
    matches: list


def _scores(view, strategy: str, prefix: str, truth: Truth, teller: Teller):
    """Score a strategy picture by picture, before anything of an earlier evaluation is taken away."""
    fields, scored = StrategyFields.of(prefix, strategy), _Scored({}, {}, [])
    values = range(1, len(truth.classes) + 1)
    read = [fields.mask, truth_field(prefix), *([fields.instances, truth.field] if truth.has_instances else [])]
    for done, sample in enumerate(samples_by_page(view.select_fields(read), view.values("id")), start=1):
        target = sample[truth_field(prefix)].get_mask()
        predicted = resize_mask(sample[fields.mask].get_mask(), *target.shape)
        scored.iou[sample.id] = image_iou(predicted, target, values)
        scored.boundary_iou[sample.id] = boundary_iou(predicted, target, values)
        if truth.has_instances:
            scored.matches.extend(_matches(sample, fields, truth, target))
        yield teller.told(SCORE, done, f"evaluating {strategy}")
    return scored


def _matches(sample: fo.Sample, fields: StrategyFields, truth: Truth, target: np.ndarray) -> list:
    """The strategy's instances against the truth's in one picture, class by class."""
    regions, matches = truth.regions(sample[truth.field], *target.shape), []
    for name in truth.classes:
        found = [instance_mask(d, *target.shape) for d in sample[fields.instances].detections if d.label == name]
        there = [region.mask for region in regions if region.label == name]
        matches.append(match(found, there, target == IGNORED))
    return matches


def _floats(view, field: str) -> np.ndarray:
    """A field's values, NaN where a sample has none or the field isn't there."""
    if not view.has_sample_field(field):
        return np.full(len(view), np.nan)
    return np.array(view.values(field), float)
