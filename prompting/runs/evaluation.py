"""Evaluating strategies with FiftyOne's own segmentation evaluation, so that the App's panels show it.

``evaluate_segmentations`` has traps (each is a test of ours): without a
background in ``mask_targets`` false positives vanish, a sample without a mask
is skipped, so that a failing strategy looks better, and values that no target
names drop out. The truth is therefore rendered into one field with the
strategies' own values, and all must have been scored on the same pixels.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import fiftyone as fo
import fiftyone.core.collections as foc
import fiftyone.core.utils as fou
import numpy as np

from ..analysis.calibration import calibrate, rank_correlation
from ..analysis.comparison import Comparison, Row
from ..analysis.instances import match, pooled
from ..analysis.metrics import IGNORED, boundary_iou, image_iou, pooled_scores
from ..analysis.statistics import mean_interval
from ..dataset import appearance, checks
from ..dataset.completeness import INSTANCES, MASK, require
from ..dataset.lock import Hold, editing, run_lock
from ..dataset.pages import samples_by_page
from ..dataset.reading import Reading, label_type_of
from ..dataset.records import recorded
from ..dataset.storage import DONE, StrategyFields
from ..dataset.truth import Truth, read_truth, render_truth, truth_field
from ..errors import PromptingError, Stopped, concerning
from ..pixels.label_masks import instance_mask
from ..pixels.label_survey import ignored_values
from ..pixels.masks import resize_mask
from ..prompts.strategies import BASELINE, FIELD, STRATEGIES, strategies_named
from ..results import NO_PROMPT
from .agreement import agreement_field, comparable, measured
from .progress import Passes, time_left
from .threads import reports

IOU_METRIC = "@promptlab/sam2-prompting/iou"
BOUNDARY_METRIC = "@promptlab/sam2-prompting/boundary_iou"
BACKGROUND = "background"
METHOD = "sam2_comparison"
"""What FiftyOne's list of runs calls the table."""
SCORES = ("accuracy", "precision", "recall", "iou", "boundary_iou")
"""Of each picture: FiftyOne's own three, and the two metrics; each in ``<eval_key>_<score>``."""


def evaluation_key(prefix: str, strategy: str) -> str:
    """The eval_key of a strategy; per-image scores are in ``<key>_iou`` and ``<key>_boundary_iou``."""
    return f"{prefix}_eval_{strategy}"


def comparison_key(prefix: str) -> str:
    """The key of the registered run that keeps the table."""
    return f"{prefix}_comparison"


def strategies_in(samples: foc.SampleCollection, prefix: str) -> list[str]:
    """The strategies that have fields in a dataset."""
    return [name for name in STRATEGIES if samples.has_sample_field(StrategyFields.of(prefix, name).status)]


def evaluate(
    samples: foc.SampleCollection,
    gt_field: str,
    strategies: Sequence[str] | None = None,
    prefix: str = "sam2",
    baseline: str = BASELINE,
    overwrite: bool = False,
    ignore_values: Sequence[int] | None = None,
) -> Comparison:
    """Evaluate strategies, all on the same samples; see :func:`evaluate_steps` for a version that tells progress.

    Args:
        samples: a dataset or view
        gt_field: the truth, a Segmentation or Detections with instance masks; samples without it are left out
        strategies: which, by default all that have results
        prefix: of the strategies' fields
        baseline: what the differences refer to
        overwrite: replace an evaluation that covers samples outside ``samples``
        ignore_values: values of the truth's masks that count for nothing; by default those whose mask targets are
            called void, ignore or unlabeled, and 255 where no target names it and it isn't the only value besides 0

    Returns:
        the table, which is also kept in the dataset (:func:`load_comparison`)

    Raises:
        PromptingError: what was wrong with the request
    """
    steps = evaluate_steps(samples, gt_field, strategies, prefix, baseline, overwrite, ignore_values)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def evaluate_steps(
    samples: foc.SampleCollection,
    gt_field: str,
    strategies: Sequence[str] | None = None,
    prefix: str = "sam2",
    baseline: str = BASELINE,
    overwrite: bool = False,
    ignore_values: Sequence[int] | None = None,
) -> Iterator[tuple[int, int, str]]:
    """:func:`evaluate` as a generator of (pictures done, in all passes, what is done) that returns the table.

    Raises:
        PromptingError: what was wrong with the request
        Stopped: somebody asked for it (:mod:`prompting.dataset.stopping`); the table has the strategies that were
            finished
    """
    ignored = ignored_values(ignore_values)
    checks.check_collection(samples)
    samples = checks.with_all_fields(samples)
    with run_lock(samples._dataset, prefix, "evaluating strategies") as hold:
        return (yield from _evaluate(samples, gt_field, strategies, prefix, baseline, overwrite, ignored, hold))


RENDER, AGREE, SCORE, COUNT = "render", "agree", "score", "count"
"""The passes over the pictures: the truth, the agreement; for each strategy, our scores and FiftyOne's."""


class _Teller:
    """Tells how far an evaluation is, whoever listens, and ends it where it is asked to.

    Args:
        pictures: that are evaluated
        strategies: how many
        agreeing: whether the agreement is measured too
        hold: the run's lock
    """

    def __init__(self, pictures: int, strategies: int, agreeing: bool, hold: Hold):
        passes = {RENDER: pictures, SCORE: strategies * pictures, COUNT: strategies * pictures}
        self._passes, self._hold = Passes({**passes, **({AGREE: pictures} if agreeing else {})}), hold
        self._pictures = pictures

    def leave_out(self, pictures: int) -> None:
        """Some pictures take no further part."""
        self._pictures -= pictures

    def told(self, kind: str, done: int, doing: str) -> tuple[int, int, str]:
        """One more picture of a pass; it is the pass's ``done``-th.

        Raises:
            Stopped: somebody asked for it
        """
        self._hold.check()
        self._passes.advance(kind)
        left, passes = self._passes.left(), self._passes
        self._hold.tell(passes.done, passes.total, left)
        return passes.done, passes.total, f"{doing}, {done} of {self._pictures} samples{time_left(left)}"


def _evaluate(samples, gt_field: str, strategies, prefix: str, baseline: str, overwrite: bool, ignored, hold: Hold):
    names = _chosen(samples, strategies, prefix)
    baseline = _baseline(names, baseline)
    view = _scored_samples(samples, gt_field, names, prefix)
    classes = _common_classes(samples._dataset, prefix, names)
    if not overwrite:
        _check_earlier(samples._dataset, view, names, prefix)
    agreeing = comparable(view, prefix)
    mask = StrategyFields.of(prefix, names[0]).mask
    teller = _Teller(len(view), len(names), bool(agreeing), hold)
    rows, scores, reading = [], {}, None
    try:
        truth = yield from _read_truth(view, gt_field, classes, ignored, mask, hold)
        instances, refused = yield from _rendered(view, truth, names[0], prefix, teller)
        reading = replace(truth.reading, instances=instances)
        if refused:
            view = _without(view, refused)
            teller.leave_out(len(refused))
        if agreeing:
            for done, _ in enumerate(measured(view, prefix, agreeing), start=1):
                yield teller.told(AGREE, done, "measuring agreement")
        for name in names:
            row, scores[name] = yield from _evaluate_one(view, name, prefix, truth, teller)
            rows.append(row)
    except Stopped:
        _keep_what_is_whole(samples._dataset, prefix, gt_field, reading, ignored, rows, scores, baseline)
        raise Stopped(
            f"Stopped on request: {len(rows)} of {len(names)} strategies are evaluated"
            f"{' and in the table' if rows else ''}; evaluate again to have the others."
        ) from None
    _check_support(rows)
    comparison = replace(Comparison.of(rows, scores, baseline), truth=str(reading))
    with editing(samples._dataset):
        _save(samples._dataset, prefix, reading, ignored, comparison)
        appearance.arrange(samples._dataset, prefix)
        best = next((r for r in comparison.rows if STRATEGIES[r.strategy].prior != FIELD), comparison.rows[0])
        appearance.show(samples._dataset, prefix, best.strategy, gt_field)
    yield 1, 1, "done"
    return comparison


def _rendered(view, truth: Truth, strategy: str, prefix: str, teller: _Teller):
    """Render the truth; returns how many instances, and ids of samples without room for it."""
    steps, done = render_truth(view, truth, strategy, prefix), 0
    with closing(steps):
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                return stop.value
            done += 1
            yield teller.told(RENDER, done, "rendering the truth")


def _without(view, refused: Sequence[str]):
    """The view without samples whose truth could not be stored: left out for all strategies, with a warning."""
    first = view._dataset[refused[0]].filepath
    warnings.warn(
        f"{len(refused)} samples are left out, the first of them {first}: with the truth their documents would pass the"
        " 16 MB that MongoDB keeps for one; delete a strategy's fields to score them.",
        stacklevel=2,
    )
    view = view.exclude(refused)
    if not len(view):
        raise PromptingError("No sample's document has room for the truth; delete a strategy's fields, and try again.")
    return view


def _keep_what_is_whole(dataset, prefix: str, gt_field: str, reading, ignored, rows, scores, baseline: str) -> None:
    """After a stop: the table says of the strategies that were finished what their scores say."""
    with editing(dataset):
        earlier = comparison_key(prefix)
        if rows:
            comparison = replace(Comparison.of(rows, scores, baseline), truth=str(reading))
            _save(dataset, prefix, reading, ignored, comparison)
            appearance.arrange(dataset, prefix)
        elif earlier in dataset.list_runs() and dataset.get_run_info(earlier).config.gt_field != gt_field:
            dataset.delete_run(earlier)  # a part of the truth that it speaks of is another by now


def load_comparison(dataset: fo.Dataset, prefix: str = "sam2") -> Comparison | None:
    """The table of the latest evaluation, or None."""
    key = comparison_key(prefix)
    results = dataset.load_run_results(key) if key in dataset.list_runs() else None
    return Comparison.from_dict(results.table) if results else None  # none where it was killed before it wrote them


def truth_reading(dataset: fo.Dataset, prefix: str = "sam2") -> tuple[Reading | None, tuple[int, ...] | None]:
    """What the truth of the latest evaluation was understood as, and the ``ignore_values`` that it was given.

    Both are None where nothing was evaluated, or by an earlier version that recorded neither.
    """
    key = comparison_key(prefix)
    if key not in dataset.list_runs():
        return None, None
    config = dataset.get_run_info(key).config.serialize()
    reading, ignored = config.get("truth_reading"), config.get("ignore_values")
    return Reading.from_dict(reading) if reading else None, None if ignored is None else tuple(ignored)


def _read_truth(view, gt_field: str, classes: Sequence[str], ignored, size_field: str, hold: Hold):
    yield 0, 1, "reading the truth"
    reading = read_truth(view, gt_field, classes, ignored, size_field)
    while True:
        try:
            done, total = next(reading)
        except StopIteration as stop:
            return stop.value
        hold.check()
        yield 0, total, f"reading the truth, {done} of {total} samples"


def check_evaluation(
    samples: foc.SampleCollection,
    gt_field: str,
    strategies: Sequence[str] | None = None,
    prefix: str = "sam2",
    overwrite: bool = False,
    ignore_values: str | Sequence[int] | None = None,
) -> None:
    """Refuse what :func:`evaluate` would refuse, as far as the database alone tells: for forms, which ask often.

    Raises:
        PromptingError: what was wrong with the request
    """
    checks.check_collection(samples)
    samples = checks.with_all_fields(samples)
    with concerning("strategies"):
        names = _chosen(samples, strategies, prefix)
        _common_classes(samples._dataset, prefix, names)
    with concerning("ignore_values"):
        ignored_values(ignore_values)
    with concerning("gt_field"):
        label_type_of(samples, gt_field)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pictures that failed, once the evaluation runs
            view = _scored_samples(samples, gt_field, names, prefix)
    if not overwrite:
        _check_earlier(samples._dataset, view, names, prefix)


def _baseline(names: Sequence[str], wanted: str) -> str:
    """The baseline that was asked for; the default one, where it isn't evaluated, gives way to the first that is.

    Raises:
        PromptingError: another that isn't evaluated
    """
    if wanted in names:
        return wanted
    if wanted == BASELINE:
        return names[0]
    raise PromptingError(
        f"The baseline {wanted!r} is not among the strategies to evaluate; choose from {', '.join(names)}.", "baseline"
    )


def _chosen(samples: foc.SampleCollection, strategies: Sequence[str] | None, prefix: str) -> list[str]:
    there = strategies_in(samples, prefix)
    names = [strategy.name for strategy in strategies_named(strategies)] if strategies else there
    missing = [name for name in names if name not in there]
    if missing:
        raise PromptingError(f"There are no results of {missing[0]!r} with the prefix {prefix!r}; apply it first.")
    if not names:
        raise PromptingError(f"There are no results with the prefix {prefix!r}; apply strategies first.")
    return names


def classes_of(samples: foc.SampleCollection, prefix: str, names: Sequence[str] | None = None) -> list[str]:
    """The classes that strategies, by default all with results, were run with.

    Raises:
        PromptingError: there are no results, or they differ
    """
    return _common_classes(samples._dataset, prefix, _chosen(samples, names, prefix))


def _common_classes(dataset: fo.Dataset, prefix: str, names: Sequence[str]) -> list[str]:
    """The classes that the strategies were run with.

    Raises:
        PromptingError: they differ
    """
    targets = {name: dataset.mask_targets.get(StrategyFields.of(prefix, name).mask) or {} for name in names}
    first = targets[names[0]]
    for name, other in targets.items():
        if other != first:
            raise PromptingError(
                f"{names[0]!r} and {name!r} were run with different classes"
                f" ({list(first.values())} and {list(other.values())}) and can't be compared."
            )
    return [first[value] for value in sorted(first)]


def _scored_samples(samples: foc.SampleCollection, gt_field: str, names: Sequence[str], prefix: str):
    """The samples with a truth, which must all have a mask of every strategy.

    Pictures that no strategy could read are left out for all of them.
    """
    label_type_of(samples, gt_field)
    view = samples.exists(gt_field)
    if not len(view):
        raise PromptingError(f"None of the {len(samples)} samples has a label in {gt_field!r}.")
    statuses = {name: view.values(StrategyFields.of(prefix, name).status) for name in names}
    ids = view.values("id")
    unreadable = [
        sample_id
        for i, sample_id in enumerate(ids)
        if all((statuses[name][i] or "").startswith("error") for name in names)
    ]
    if unreadable:
        warnings.warn(f"{len(unreadable)} samples failed in every strategy and are left out.", stacklevel=2)
        view = view.exclude(unreadable)
        if not len(view):
            raise PromptingError("Every sample failed in every strategy; look at the status fields.")
    require(view, prefix, names, [MASK])
    if label_type_of(samples, gt_field) is fo.Detections:
        require(view, prefix, names, [INSTANCES])
    for name in names:
        missing = view.match(~fo.ViewField(StrategyFields.of(prefix, name).status).is_in(DONE)).values("filepath")
        if missing:
            raise PromptingError(
                f"{len(missing)} of {len(view)} samples have no mask of {name!r}, the first of them {missing[0]}; apply"
                " it to them (existing='skip' keeps the others) or evaluate a view without them.",
                "strategies",
            )
    return view


def _check_earlier(dataset: fo.Dataset, view, names: Sequence[str], prefix: str) -> None:
    """An eval_key used again on a smaller view would wipe the other samples' scores."""
    for name in names:
        key = evaluation_key(prefix, name)
        if key not in dataset.list_evaluations() or not dataset.has_sample_field(f"{key}_iou"):
            continue
        elsewhere = len(dataset.exists(f"{key}_iou").exclude(view.values("id")))
        if elsewhere:
            raise PromptingError(
                f"An earlier evaluation of {name!r} covers {elsewhere} samples that this view lacks and would lose"
                " their scores; evaluate them too, or choose overwrite=True.",
                "overwrite",
            )


def _evaluate_one(view, strategy: str, prefix: str, truth: Truth, teller: _Teller):
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


def _scores(view, strategy: str, prefix: str, truth: Truth, teller: _Teller):
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


def _check_support(rows: Sequence[Row]) -> None:
    supports = {row.strategy: row.support for row in rows}
    if len(set(supports.values())) > 1:
        raise PromptingError(f"The strategies were scored on different numbers of pixels, {supports}: not comparable.")


def _save(dataset: fo.Dataset, prefix: str, reading: Reading, ignored, comparison: Comparison) -> None:
    key = comparison_key(prefix)
    config = dataset.init_run(
        method=METHOD,
        prefix=prefix,
        gt_field=reading.field,
        baseline=comparison.baseline,
        ignore_values=None if ignored is None else list(ignored),
        truth_reading=reading.to_dict(),
    )
    dataset.register_run(key, config, overwrite=True)
    dataset.save_run_results(key, dataset.init_run_results(key, table=comparison.to_dict()), overwrite=True)


def replace_comparison(dataset: fo.Dataset, prefix: str, comparison: Comparison) -> None:
    """Keep another table of the same evaluation, which stays as old as it is."""
    key = comparison_key(prefix)
    config = dataset.get_run_info(key).config
    config.baseline = comparison.baseline
    dataset.update_run_config(key, config)
    dataset.save_run_results(key, dataset.init_run_results(key, table=comparison.to_dict()), overwrite=True)
