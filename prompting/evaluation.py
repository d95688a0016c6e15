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
from dataclasses import replace

import fiftyone as fo
import fiftyone.core.collections as foc
import numpy as np

from . import appearance, checks
from .agreement import agreement_field, comparable, measure_steps
from .analysis.calibration import calibrate, rank_correlation
from .analysis.instances import InstanceScores, match, pooled
from .analysis.statistics import mean_interval
from .comparison import Comparison, Row
from .errors import PromptingError
from .label_masks import instance_mask
from .label_survey import ignored_values
from .lock import editing, run_lock
from .metrics import IGNORED, pooled_scores
from .reading import Reading, label_type_of
from .records import recorded
from .results import NO_PROMPT
from .storage import DONE, StrategyFields
from .strategies import BASELINE, FIELD, STRATEGIES, strategies_named
from .truth import Truth, read_truth, render_truth, truth_field

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
    """:func:`evaluate` as a generator of (step, steps, what is being done) that returns the table."""
    ignored = ignored_values(ignore_values)
    checks.check_collection(samples)
    samples = checks.with_all_fields(samples)
    with run_lock(samples._dataset, prefix, "evaluating strategies"):
        return (yield from _evaluate(samples, gt_field, strategies, prefix, baseline, overwrite, ignored))


def _evaluate(samples, gt_field: str, strategies, prefix: str, baseline: str, overwrite: bool, ignored):
    names = _chosen(samples, strategies, prefix)
    classes = _common_classes(samples._dataset, prefix, names)
    view = _scored_samples(samples, gt_field, names, prefix)
    if not overwrite:
        _check_earlier(samples._dataset, view, names, prefix)
    agreeing = comparable(view, prefix)
    steps = len(names) + 1 + bool(agreeing)
    yield 0, steps, "reading the truth"
    truth = yield from _read_truth(view, gt_field, classes, ignored, StrategyFields.of(prefix, names[0]).mask, steps)
    yield 0, steps, "rendering the truth"
    reading = replace(truth.reading, instances=render_truth(view, truth, names[0], prefix))
    if agreeing:
        yield 1, steps, "measuring agreement"
        for _ in measure_steps(view, prefix):
            pass
    rows = []
    for i, name in enumerate(names):
        yield steps - len(names) + i, steps, f"evaluating {name}"
        rows.append(_evaluate_one(view, name, prefix, truth))
    _check_support(rows)
    scores = {name: np.array(view.values(f"{evaluation_key(prefix, name)}_iou"), float) for name in names}
    comparison = replace(Comparison.of(rows, scores, baseline), truth=str(reading))
    with editing(samples._dataset):
        _save(samples._dataset, prefix, reading, ignored, comparison)
        appearance.arrange(samples._dataset, prefix)
        best = next((r for r in comparison.rows if STRATEGIES[r.strategy].prior != FIELD), comparison.rows[0])
        appearance.show(samples._dataset, prefix, best.strategy, gt_field)
    yield steps, steps, "done"
    return comparison


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


def _read_truth(view, gt_field: str, classes: Sequence[str], ignored, size_field: str, steps: int):
    reading = read_truth(view, gt_field, classes, ignored, size_field)
    while True:
        try:
            done, total = next(reading)
        except StopIteration as stop:
            return stop.value
        yield 0, steps, f"reading the truth: {done} of {total} samples"


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
    for name in names:
        missing = len(view) - len(view.match(fo.ViewField(StrategyFields.of(prefix, name).status).is_in(DONE)))
        if missing:
            raise PromptingError(
                f"{missing} of {len(view)} samples have no mask of {name!r}; apply it to them (existing='skip' keeps"
                " the others) or evaluate a view without them."
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
                " their scores; evaluate them too, or pass overwrite=True."
            )


def _evaluate_one(view, strategy: str, prefix: str, truth: Truth) -> Row:
    key, fields = evaluation_key(prefix, strategy), StrategyFields.of(prefix, strategy)
    values = list(range(1, len(truth.classes) + 1))
    _make_room(view._dataset, key)
    results = view.evaluate_segmentations(
        fields.mask,
        gt_field=truth_field(prefix),
        eval_key=key,
        mask_targets={0: BACKGROUND, **dict(zip(values, truth.classes))},
        custom_metrics={IOU_METRIC: {"values": values}, BOUNDARY_METRIC: {"values": values}},
        progress=False,
    )
    for metric in (IOU_METRIC, BOUNDARY_METRIC):
        if metric not in (results.custom_metrics or {}):
            raise PromptingError(f"The metric {metric} is not there; install the plugin where FiftyOne finds it.")
    ious = np.array(view.values(f"{key}_iou"), float)
    scores = pooled_scores(results.pixel_confusion_matrix)
    record = recorded(view._dataset, prefix, strategy) or {}
    low, high = mean_interval(ious) or (None, None)
    return Row(
        strategy=strategy,
        images=len(ious),
        support=int(results.pixel_confusion_matrix.sum()),
        mean_iou=float(np.mean(ious)),
        low=low,
        high=high,
        boundary_iou=float(np.mean(view.values(f"{key}_boundary_iou"))),
        pooled_iou=scores["iou"],
        dice=scores["dice"],
        precision=scores["precision"],
        recall=scores["recall"],
        without_prompt=len(view.match(fo.ViewField(fields.status) == NO_PROMPT)),
        seconds=record.get("seconds_per_image"),
        decoder_calls=record.get("decoder_calls_per_image"),
        instances=_match_instances(view, strategy, prefix, truth) if truth.has_instances else None,
        calibration=calibrate(_floats(view, fields.score), ious),
        agreement_correlation=rank_correlation(_floats(view, agreement_field(prefix)), ious),
    )


def _make_room(dataset: fo.Dataset, key: str) -> None:
    """Take an earlier evaluation away and declare the fields of a new one: FiftyOne would do both, with no lock."""
    with editing(dataset):
        if key in dataset.list_evaluations():
            dataset.delete_evaluation(key)
        for score in SCORES:
            dataset.add_sample_field(f"{key}_{score}", fo.FloatField)


def _match_instances(view, strategy: str, prefix: str, truth: Truth) -> InstanceScores:
    """The strategy's instances against the truth's, picture by picture and class by class."""
    field = StrategyFields.of(prefix, strategy).instances
    matches = []
    for sample in view.select_fields([field, truth.field, truth_field(prefix)]).iter_samples():
        label_map = sample[truth_field(prefix)].get_mask()
        regions = truth.regions(sample[truth.field], *label_map.shape)
        for name in truth.classes:
            found = [instance_mask(d, *label_map.shape) for d in sample[field].detections if d.label == name]
            there = [region.mask for region in regions if region.label == name]
            matches.append(match(found, there, label_map == IGNORED))
    return pooled(matches)


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
