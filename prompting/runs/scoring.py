"""All strategies' scores: each picture is read once, with its truth and all masks, and judged by every measure.

FiftyOne's evaluation then registers what its panels show. It has traps (each is a test of ours): without a
background in ``mask_targets`` false positives vanish, a sample without a mask
is skipped, so that a failing strategy looks better, and values that no target
names drop out. The truth is therefore rendered into one field with the
strategies' own values, and all must have been scored on the same pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import fiftyone as fo
import fiftyone.core.evaluation as foe
import fiftyone.core.utils as fou
import numpy as np

from ..analysis.average_precision import Ranked, average_precision, rank
from ..analysis.calibration import calibrate, rank_correlation
from ..analysis.comparison import Row
from ..analysis.instances import Matches, match, pairwise_iou, pooled
from ..analysis.metrics import Scores, Target, pooled_scores
from ..analysis.statistics import mean_interval
from ..dataset.declaring import add_fields
from ..dataset.everywhere import all_samples
from ..dataset.labels import PRIOR_CONFIDENCE
from ..dataset.lock import editing
from ..dataset.mask_files import MaskFiles
from ..dataset.names import (
    SCORES,
    StrategyFields,
    agreement_field,
    count_field,
    evaluation_key,
    size_field,
    truth_field,
)
from ..dataset.pages import samples_by_page
from ..dataset.records import recorded
from ..dataset.saving import writing
from ..dataset.sent import Sent, one_of_each_folder
from ..dataset.truth import Drawn, Truth, declare_truth, without_room
from ..errors import PromptingError, Stopped
from ..labels.instances import instance_window
from ..labels.stored import label_map_of
from ..pixels.masks import intersection, resize_mask, union
from ..results import NO_PROMPT
from .agreement import AgreementOf
from .counted import Count, CountedEvaluationConfig, scores_of
from .crew import Crew, Outcome
from .teller import Teller

IOU_METRIC = "@promptlab/sam2-prompting/iou"
BOUNDARY_METRIC = "@promptlab/sam2-prompting/boundary_iou"
BACKGROUND = "background"


@dataclass
class Scored:
    """What was found on the pictures, by the samples' ids in the view's order.

    Attributes:
        instances: how many the truth has
        scores, counts, matches, ranked: of each strategy, by its name: of each picture; the last two class by class
        refused: ids of samples whose documents had no room for the truth: they are in none of the others
    """

    instances: dict[str, int]
    scores: dict[str, dict[str, Scores]]
    counts: dict[str, dict[str, Count]]
    matches: dict[str, dict[str, list[Matches]]]
    ranked: dict[str, dict[str, list[Ranked]]]
    refused: list[str] = field(default_factory=list)

    @classmethod
    def nothing(cls, strategies: Sequence[str]) -> Scored:
        """Before the first picture."""
        return cls({}, *({name: {} for name in strategies} for _ in range(4)))

    def add(self, sample_id: str, picture: OnePicture) -> None:
        """One more picture."""
        self.instances[sample_id] = picture.instances
        for name in self.scores:
            self.scores[name][sample_id], self.counts[name][sample_id] = picture.scores[name], picture.counts[name]
            if picture.matched:
                self.matches[name][sample_id], self.ranked[name][sample_id] = picture.matched[name]

    def arrange(self, sample_ids: Sequence[str]) -> None:
        """Have all pictures in this order: sums are rounded by it."""
        for kind in (self.scores, self.counts, self.matches, self.ranked):
            for name, of_pictures in kind.items():
                kind[name] = {one: of_pictures[one] for one in sample_ids if one in of_pictures}
        self.instances = {one: self.instances[one] for one in sample_ids if one in self.instances}

    def leave_out(self, sample_ids: Sequence[str]) -> None:
        """Forget some pictures."""
        self.refused = list(sample_ids)
        for of_each in (
            self.instances,
            *(o for kind in (self.scores, self.counts, self.matches, self.ranked) for o in kind.values()),
        ):
            for sample_id in sample_ids:
                of_each.pop(sample_id, None)


@dataclass(frozen=True)
class OnePicture:
    """What was found on one picture; see :class:`Scored`.

    Attributes:
        matched: strategy -> its instances against the truth's, and as they are ranked, class by class
    """

    instances: int
    scores: Mapping[str, Scores]
    counts: Mapping[str, Count]
    matched: Mapping[str, tuple[list[Matches], list[Ranked]]]


def score_pictures(
    view,
    strategies: Sequence[str],
    prefix: str,
    truth: Truth,
    agreeing: Sequence[str],
    teller: Teller,
    crew: Crew,
    files: MaskFiles | None = None,
):
    """Render the truth, measure the agreement and score all strategies, picture by picture: nothing of an earlier
    evaluation is taken away. A generator that returns what was :class:`Scored`.

    Args:
        view: the samples
        strategies: all have a mask of each sample
        prefix: of the fields
        truth: in whose classes they are scored
        agreeing: the strategies whose agreement is measured
        teller: of progress
        crew: who does it
        files: where the truth's masks go; None: into the samples' documents
    """
    dataset, scored = view._dataset, Scored.nothing(strategies)
    with editing(dataset):
        declare_truth(dataset, truth, prefix)
        if agreeing:
            add_fields(dataset, {agreement_field(prefix): (fo.FloatField, None)})
    job, ids = Scoring(Sent(view), tuple(strategies), prefix, truth, tuple(agreeing), files), view.values("id")
    if crew.many:
        crew.see([*one_of_each_folder(view, ids, job.fields(dataset)), *([files.made()] if files else [])])
    crew.open(job)
    with closing(crew.outcomes(dict.fromkeys(ids))) as outcomes:
        for outcome in outcomes:
            scored.add(outcome.sample_id, outcome.value)
            yield teller.told()
    if len(scored.instances) < len(ids):
        teller.check()
    scored.arrange(ids)
    scored.leave_out(without_room(view, prefix, crew.refused))
    return scored


@dataclass(frozen=True)
class Scoring:
    """The job of scoring strategies; an outcome's value is :class:`OnePicture`.

    Attributes:
        sent: the samples
        strategies, prefix, truth, agreeing, files: as in :func:`score_pictures`
    """

    sent: Sent
    strategies: tuple[str, ...]
    prefix: str
    truth: Truth
    agreeing: tuple[str, ...]
    files: MaskFiles | None = None

    def open(self, check: Callable[[], None]) -> _Scorer:
        """Nothing has to be loaded."""
        return _Scorer(self, check)

    def fail(self, items: Mapping, why: str) -> Iterator[Outcome]:
        """One that nobody could score would be missing from all tables."""
        for sample_id in items:
            path = self.sent.samples()._dataset[sample_id].filepath
            raise PromptingError(f"{path} could not be scored: {why}; or leave it out of the view.")
        yield from ()

    def fields(self, dataset: fo.Dataset) -> list[str]:
        """What is read of a sample."""
        of = [StrategyFields.of(self.prefix, name) for name in self.strategies]
        agreement = AgreementOf(dataset, self.prefix, self.agreeing)
        read = dict.fromkeys([self.truth.field, *agreement.fields, *(fields.mask for fields in of)])
        if self.truth.has_instances:
            read |= dict.fromkeys(fields.instances for fields in of)
        return list(read)


class _Scorer:
    """The work: each picture's truth is rendered, and all strategies are scored on it."""

    about = None

    def __init__(self, job: Scoring, check: Callable[[], None]):
        self._job, self._check = job, check
        self.refused: Mapping[str, str] = {}

    def do(self, items: Mapping[str, None]) -> Iterator[Outcome]:
        job, prefix, truth = self._job, self._job.prefix, self._job.truth
        view = job.sent.samples()
        dataset = view._dataset
        agreement = AgreementOf(dataset, prefix, job.agreeing)
        of = {name: StrategyFields.of(prefix, name) for name in job.strategies}
        read = view.select_fields(job.fields(dataset))
        with writing(dataset, parts=[[truth_field(prefix)]], files=job.files) as writer:
            self.refused = writer.refused
            for sample in samples_by_page(read, list(items)):
                try:
                    self._check()
                except Stopped:
                    return
                shape = label_map_of(sample[of[job.strategies[0]].mask]).shape
                drawn = truth.drawn(sample[truth.field], *shape)
                rendered = fo.Segmentation(mask=drawn.label_map)
                values = {
                    truth_field(prefix): rendered,
                    count_field(prefix): len(drawn.instances),
                    size_field(prefix): drawn.size,
                }
                if job.agreeing:
                    values[agreement_field(prefix)] = agreement.of(sample)
                writer.write(sample.id, values, sample.filepath)
                yield Outcome(sample.id, _score(sample, drawn, rendered, of, truth))


def _score(
    sample: fo.Sample, drawn: Drawn, rendered: fo.Segmentation, of: Mapping[str, StrategyFields], truth: Truth
) -> OnePicture:
    """Score all strategies on one picture."""
    target = Target(drawn.label_map, range(1, len(truth.classes) + 1))
    picture = OnePicture(len(drawn.instances), {}, {}, {})
    for name, fields in of.items():
        label = sample[fields.mask]
        scores = target.score(resize_mask(label_map_of(label), *drawn.label_map.shape))
        picture.scores[name] = scores
        picture.counts[name] = Count(scores.confusion, rendered.id, label.id)
        if truth.has_instances:
            found = sample[fields.instances].detections
            picture.matched[name] = matched(found, drawn, truth.classes)
    return picture


def matched(found: Sequence[fo.Detection], drawn: Drawn, classes: Sequence[str]) -> tuple[list[Matches], list[Ranked]]:
    """A strategy's instances against the truth's in one picture, class by class: one to one, and as COCO ranks them.

    A crowd excuses those of its own class alone, and where it lies behind other people too, as COCO has it.
    """
    matches, ranked = [], []
    for name in classes:
        those = [detection for detection in found if detection.label == name]
        masks = [instance_window(detection, *drawn.label_map.shape) for detection in those]
        there = [mask for label, mask in drawn.instances if label == name]
        crowds = [mask for label, mask in drawn.crowds if label == name]
        ious = pairwise_iou(masks, there)
        matches.append(match(masks, there, union(crowds) if crowds else None, ious=ious))
        shared = [max((intersection(mask, crowd) for crowd in crowds), default=0) for mask in masks]
        in_crowd = [pixels / max(1, mask.area) for pixels, mask in zip(shared, masks, strict=True)]
        ranked.append(rank(ious, [sureness(detection) for detection in those], in_crowd))
    return matches, ranked


def sureness(detection: fo.Detection) -> float:
    """By what instances are ranked: the predicted IoU times the prior's confidence, as far as they are known."""
    known = (detection.confidence, detection.get_attribute_value(PRIOR_CONFIDENCE, None))
    return float(np.prod([value for value in known if value is not None]))


def keep_scores(view, strategy: str, prefix: str, truth: Truth, scored: Scored) -> tuple[Row, np.ndarray]:
    """Put a strategy's scores into the dataset as an evaluation of FiftyOne's; its row and each picture's IoU.

    Args:
        view: the samples that were scored
        strategy: its name
        prefix: of the fields
        truth: that it was scored against
        scored: of each picture

    Raises:
        PromptingError: samples were added or deleted meanwhile, or FiftyOne doesn't find the plugin's metrics
    """
    dataset, key, fields = view._dataset, evaluation_key(prefix, strategy), StrategyFields.of(prefix, strategy)
    scores, counts = scored.scores[strategy], scored.counts[strategy]
    if view.values("id") != list(scores):
        raise PromptingError("Samples were added or deleted while they were evaluated; evaluate again.")
    values = list(range(1, len(truth.classes) + 1))
    _make_room(dataset, key, list(scores))
    with writing(dataset) as writer:
        for sample_id, of_picture in scores.items():
            all_scores = {
                **scores_of(of_picture.confusion),
                "iou": of_picture.iou,
                "boundary_iou": of_picture.boundary_iou,
            }
            writer.write(sample_id, {f"{key}_{score}": all_scores[score] for score in SCORES})
    metric = {"values": values, "stored": True}
    # to find a metric, FiftyOne reads and imports all plugins anew, unless they are kept
    with fou.SetAttributes(fo.config, show_progress_bars=False, plugins_cache_enabled=True):
        results = view.evaluate_segmentations(
            fields.mask,
            gt_field=truth_field(prefix),
            eval_key=key,
            mask_targets={0: BACKGROUND, **dict(zip(values, truth.classes))},
            method=CountedEvaluationConfig,
            custom_metrics={IOU_METRIC: metric, BOUNDARY_METRIC: metric},
            counts=list(counts.values()),
        )
    for metric in (IOU_METRIC, BOUNDARY_METRIC):
        if metric not in (results.custom_metrics or {}):
            raise PromptingError(f"The metric {metric} is not there; install the plugin where FiftyOne finds it.")
    ious = np.array([of_picture.iou for of_picture in scores.values()], float)
    boundaries = [of_picture.boundary_iou for of_picture in scores.values()]
    return _row(view, strategy, prefix, truth, results, ious, boundaries, scored), ious


def _row(view, strategy: str, prefix: str, truth: Truth, results, ious: np.ndarray, boundaries, scored: Scored) -> Row:
    fields, pooled_of = StrategyFields.of(prefix, strategy), pooled_scores(results.pixel_confusion_matrix)
    record = recorded(view._dataset, prefix, strategy) or {}
    low, high = mean_interval(ious) or (None, None)
    matches = [one for of_picture in scored.matches[strategy].values() for one in of_picture]
    by_class = list(zip(*scored.ranked[strategy].values()))
    return Row(
        strategy=strategy,
        images=len(ious),
        support=int(results.pixel_confusion_matrix.sum()),
        mean_iou=float(np.mean(ious)),
        low=low,
        high=high,
        boundary_iou=float(np.mean(boundaries)),
        pooled_iou=pooled_of["iou"],
        dice=pooled_of["dice"],
        precision=pooled_of["precision"],
        recall=pooled_of["recall"],
        without_prompt=len(view.match(fo.ViewField(fields.status) == NO_PROMPT)),
        seconds=record.get("seconds_per_image"),
        decoder_calls=record.get("decoder_calls_per_image"),
        instances=pooled(matches, average_precision(by_class)) if truth.has_instances else None,
        calibration=calibrate(_floats(view, fields.score), ious),
        agreement_correlation=rank_correlation(_floats(view, agreement_field(prefix)), ious),
    )


def declare_scores(dataset: fo.Dataset, strategies: Sequence[str], prefix: str) -> None:
    """Add the fields of the strategies' scores: FiftyOne would do it one by one, with no lock."""
    with editing(dataset):
        keys = [evaluation_key(prefix, name) for name in strategies]
        add_fields(dataset, {f"{key}_{score}": (fo.FloatField, None) for key in keys for score in SCORES})


def _make_room(dataset: fo.Dataset, key: str, sample_ids: Sequence[str]) -> None:
    """Take an earlier evaluation away: FiftyOne would do it with no lock.

    Fields that all get new values stay: to delete and to declare them again takes FiftyOne a second or two.
    """
    if key not in dataset.list_evaluations():
        return
    with editing(dataset):
        iou = f"{key}_iou"
        others = dataset.has_sample_field(iou) and len(
            set(all_samples(dataset).exists(iou).values("id")).difference(sample_ids)
        )
        foe.EvaluationMethod.delete_run(dataset, key, cleanup=bool(others))
        add_fields(dataset, {f"{key}_{score}": (fo.FloatField, None) for score in SCORES})


def _floats(view, field: str) -> np.ndarray:
    """A field's values, NaN where a sample has none or the field isn't there."""
    if not view.has_sample_field(field):
        return np.full(len(view), np.nan)
    return np.array(view.values(field), float)
