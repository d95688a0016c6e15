"""Evaluating strategies: each picture read once, all strategies scored on the same pixels, and one table of all."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace

import fiftyone.core.collections as foc

from ..analysis.comparison import Comparison, Row
from ..dataset import appearance, checks
from ..dataset.judgements import save_comparison
from ..dataset.lock import Hold, editing, run_lock
from ..dataset.names import StrategyFields, comparison_key
from ..dataset.truth import read_truth
from ..errors import PromptingError, Stopped
from ..labels.targets import ignored_values
from ..prompts.strategies import is_automatic
from .agreement import comparable
from .bringing_in import bring_in
from .finishable import tell_unreviewed
from .instance_patches import evaluate_patches
from .scorable import (
    EvaluationPlan,
    check_earlier,
    chosen_baseline,
    chosen_rows,
    common_classes,
    scored_samples,
    without_taught,
)
from .scoring import declare_scores, keep_scores, score_pictures
from .teller import Teller


def evaluate(samples: foc.SampleCollection, *request, **settings) -> Comparison:
    """:func:`evaluate_steps` of an :class:`EvaluationPlan` of these, to its end: the table."""
    steps = evaluate_steps(samples, EvaluationPlan(*request, **settings))
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def evaluate_steps(samples: foc.SampleCollection, plan: EvaluationPlan) -> Iterator[tuple[int, int, str]]:
    """Evaluate strategies, all on the same samples: a generator of (pictures done, in all passes, what is done).

    Args:
        samples: a dataset or view
        plan: what to score

    Returns:
        the table, which is also kept in the dataset (:func:`prompting.dataset.judgements.load_comparison`)

    Raises:
        PromptingError: what was wrong with the request
        Stopped: somebody asked for it (:mod:`prompting.dataset.stopping`); nothing was evaluated then
    """
    ignored = ignored_values(plan.ignore_values)
    checks.check_collection(samples)
    samples = checks.with_all_fields(samples)
    with run_lock(samples._dataset, plan.prefix, "evaluating strategies") as hold:
        return (yield from _evaluate(samples, plan, ignored, hold))


def _evaluate(samples, plan: EvaluationPlan, ignored: Sequence[int] | None, hold: Hold):
    gt_field, prefix = plan.gt_field, plan.prefix
    strategies, fields = chosen_rows(samples, plan)
    names = [*strategies, *fields]
    baseline = chosen_baseline(names, plan.baseline)
    samples, taught = without_taught(samples, plan, names)
    view = scored_samples(samples, gt_field, strategies, prefix)
    tell_unreviewed(view, gt_field)
    classes = common_classes(samples._dataset, prefix, strategies)
    if not plan.overwrite:
        check_earlier(samples._dataset, view, names, prefix)
    if fields:
        try:
            refused = yield from bring_in(view, fields, classes, strategies[0], prefix, hold)
        except Stopped:
            raise Stopped("Stopped on request before anything was scored; evaluate again.") from None
        view = _without(view, refused) if refused else view
    agreeing = comparable(view, prefix)
    mask = StrategyFields.of(prefix, names[0]).mask
    teller = Teller(len(view), len(names), hold)
    try:
        truth = yield from _read_truth(view, gt_field, classes, ignored, mask, hold)
        scored = yield from score_pictures(view, names, prefix, truth, agreeing, teller)
    except Stopped:
        if teller.scored:
            _forget_another_truth(samples._dataset, prefix, gt_field)
        raise Stopped(
            f"Stopped on request: {teller.scored} of {len(view)} samples were scored; an earlier evaluation is as it"
            " was; evaluate again to have this one."
        ) from None
    reading = replace(truth.reading, instances=sum(scored.instances.values()))
    if scored.refused:
        view = _without(view, scored.refused)
    declare_scores(samples._dataset, names, prefix)
    rows, scores = [], {}
    for name in names:
        row, scores[name] = keep_scores(view, name, prefix, truth, scored)
        rows.append(row)
        yield teller.kept(name)
    _check_support(rows)
    comparison = replace(Comparison.of(rows, scores, baseline), truth=str(reading), references=taught)
    with editing(samples._dataset):
        appearance.arrange(samples._dataset, prefix)
        best = next((r for r in comparison.rows if is_automatic(r.strategy)), comparison.rows[0])
        appearance.show(samples._dataset, prefix, best.strategy, gt_field)
        save_comparison(samples._dataset, prefix, reading, ignored, comparison)
    if plan.patches and truth.has_instances:
        yield from evaluate_patches(view, names, prefix, truth, hold)
        with editing(samples._dataset):
            appearance.arrange(samples._dataset, prefix)
    yield 1, 1, "done"
    return comparison


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


def _forget_another_truth(dataset, prefix: str, gt_field: str) -> None:
    """After a stop: a table that speaks of another truth goes, for a part of the rendered truth is another by now."""
    earlier = comparison_key(prefix)
    with editing(dataset):
        if earlier in dataset.list_runs() and dataset.get_run_info(earlier).config.gt_field != gt_field:
            dataset.delete_run(earlier)


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


def _check_support(rows: Sequence[Row]) -> None:
    supports = {row.strategy: row.support for row in rows}
    if len(set(supports.values())) > 1:
        raise PromptingError(f"The strategies were scored on different numbers of pixels, {supports}: not comparable.")
