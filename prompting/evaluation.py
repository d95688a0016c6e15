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

import fiftyone as fo
import fiftyone.core.collections as foc
import numpy as np

from . import checks
from .comparison import Comparison, Row
from .errors import PromptingError
from .metrics import mean_interval, pooled_scores
from .records import recorded
from .results import NO_PROMPT
from .storage import DONE, StrategyFields
from .strategies import BASELINE, STRATEGIES, strategies_named
from .truth import render_truth, truth_field, truth_renderer

IOU_METRIC = "@promptlab/sam2-prompting/iou"
BACKGROUND = "background"


def evaluation_key(prefix: str, strategy: str) -> str:
    """The eval_key of a strategy; per-image IoU is in the field ``<key>_iou``."""
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
) -> Comparison:
    """Evaluate strategies, all on the same samples; see :func:`evaluate_steps` for a version that tells progress.

    Args:
        samples: a dataset or view
        gt_field: the truth, a Segmentation or Detections with instance masks; samples without it are left out
        strategies: which, by default all that have results
        prefix: of the strategies' fields
        baseline: what the differences refer to
        overwrite: replace an evaluation that covers samples outside ``samples``

    Returns:
        the table, which is also kept in the dataset (:func:`load_comparison`)

    Raises:
        PromptingError: what was wrong with the request
    """
    steps = evaluate_steps(samples, gt_field, strategies, prefix, baseline, overwrite)
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
) -> Iterator[tuple[int, int, str]]:
    """:func:`evaluate` as a generator of (step, steps, what is being done) that returns the table."""
    checks.check_collection(samples)
    samples = checks.with_all_fields(samples)
    names = _chosen(samples, strategies, prefix)
    classes = _common_classes(samples._dataset, prefix, names)
    view = _scored_samples(samples, gt_field, names, prefix)
    if not overwrite:
        _check_earlier(samples._dataset, view, names, prefix)
    render = truth_renderer(view, gt_field, classes)
    yield 0, len(names) + 1, "rendering the truth"
    render_truth(view, gt_field, names[0], prefix, classes, render)
    rows = []
    for i, name in enumerate(names):
        yield i + 1, len(names) + 1, f"evaluating {name}"
        rows.append(_evaluate_one(view, name, prefix, classes))
    _check_support(rows)
    comparison = Comparison.of(rows, baseline)
    _save(samples._dataset, prefix, gt_field, comparison)
    yield len(names) + 1, len(names) + 1, "done"
    return comparison


def load_comparison(dataset: fo.Dataset, prefix: str = "sam2") -> Comparison | None:
    """The table of the latest evaluation, or None."""
    key = comparison_key(prefix)
    if key not in dataset.list_runs():
        return None
    return Comparison.from_dict(dataset.load_run_results(key).table)


def _chosen(samples: foc.SampleCollection, strategies: Sequence[str] | None, prefix: str) -> list[str]:
    there = strategies_in(samples, prefix)
    names = [strategy.name for strategy in strategies_named(strategies)] if strategies else there
    missing = [name for name in names if name not in there]
    if missing:
        raise PromptingError(f"There are no results of {missing[0]!r} with the prefix {prefix!r}; apply it first.")
    if not names:
        raise PromptingError(f"There are no results with the prefix {prefix!r}; apply strategies first.")
    return names


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
    checks.label_type_of(samples, gt_field)
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


def _evaluate_one(view, strategy: str, prefix: str, classes: Sequence[str]) -> Row:
    key, fields = evaluation_key(prefix, strategy), StrategyFields.of(prefix, strategy)
    results = view.evaluate_segmentations(
        fields.mask,
        gt_field=truth_field(prefix),
        eval_key=key,
        mask_targets={0: BACKGROUND, **{i + 1: name for i, name in enumerate(classes)}},
        custom_metrics={IOU_METRIC: {"values": list(range(1, len(classes) + 1))}},
        progress=False,
    )
    if IOU_METRIC not in (results.custom_metrics or {}):
        raise PromptingError(f"The metric {IOU_METRIC} is not there; install the plugin where FiftyOne finds it.")
    ious = view.values(f"{key}_iou")
    scores = pooled_scores(results.pixel_confusion_matrix)
    record = recorded(view._dataset, prefix, strategy) or {}
    low, high = mean_interval(ious) or (None, None)
    return Row(
        strategy=strategy,
        images=len(ious),
        support=int(results.pixel_confusion_matrix.sum()),
        mean_iou=float(np.mean(ious)),
        pooled_iou=scores["iou"],
        dice=scores["dice"],
        precision=scores["precision"],
        recall=scores["recall"],
        without_prompt=len(view.match(fo.ViewField(fields.status) == NO_PROMPT)),
        seconds=record.get("seconds_per_image"),
        decoder_calls=record.get("decoder_calls_per_image"),
        low=low,
        high=high,
    )


def _check_support(rows: Sequence[Row]) -> None:
    supports = {row.strategy: row.support for row in rows}
    if len(set(supports.values())) > 1:
        raise PromptingError(f"The strategies were scored on different numbers of pixels, {supports}: not comparable.")


def _save(dataset: fo.Dataset, prefix: str, gt_field: str, comparison: Comparison) -> None:
    key = comparison_key(prefix)
    config = dataset.init_run(method="sam2_comparison", prefix=prefix, gt_field=gt_field, baseline=comparison.baseline)
    dataset.register_run(key, config, overwrite=True)
    dataset.save_run_results(key, dataset.init_run_results(key, table=comparison.to_dict()), overwrite=True)
