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
from ..dataset.mask_sweep import sweep
from ..dataset.names import StrategyFields, comparison_key
from ..dataset.rendered import files_beside, folders_of
from ..dataset.truth import read_truth
from ..errors import PromptingError, Stopped
from ..labels.targets import ignored_values
from ..prompts.strategies import is_automatic
from .agreement import comparable
from .bringing_in import bring_in
from .crew import HERE, Engine
from .finishable import tell_unreviewed
from .instance_patches import evaluate_patches
from .scorable import EvaluationPlan, chosen_baseline, common_classes, scorable
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


def evaluate_steps(
    samples: foc.SampleCollection, plan: EvaluationPlan, engine: Engine = HERE
) -> Iterator[tuple[int, int, str]]:
    """Evaluate strategies, all on the same samples: a generator of (pictures done, in all passes, what is done).

    Args:
        samples: a dataset or view
        plan: what to score
        engine: who scores the pictures

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
        return (yield from _evaluate(samples, plan, ignored, hold, engine))


def _evaluate(samples, plan: EvaluationPlan, ignored: Sequence[int] | None, hold: Hold, engine: Engine):
    gt_field, prefix = plan.gt_field, plan.prefix
    asked = scorable(samples, plan)
    strategies, fields, names, view = asked.strategies, asked.fields, asked.names, asked.view
    baseline = chosen_baseline(names, plan.baseline)
    asked.check(plan.overwrite)
    tell_unreviewed(view, gt_field)
    classes = common_classes(samples._dataset, prefix, strategies)
    files = files_beside(view, prefix, strategies) if plan.in_files else None
    left = bool(folders_of(samples._dataset, prefix, fields))  # files that this evaluation replaces
    if fields:
        try:
            refused = yield from bring_in(view, fields, classes, strategies[0], prefix, hold, files)
        except Stopped:
            raise Stopped("Stopped on request before anything was scored; evaluate again.") from None
        view = _without(view, refused) if refused else view
    agreeing = comparable(view, prefix)
    mask = StrategyFields.of(prefix, names[0]).mask
    teller = Teller(len(view), len(names), hold)
    try:
        truth = yield from _read_truth(view, gt_field, classes, ignored, mask, hold)
        with engine.crew(samples._dataset, hold) as crew:
            scored = yield from score_pictures(view, names, prefix, truth, agreeing, teller, crew, files)
            left = left or (files is not None and (crew.repeated or bool(scored.refused)))
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
    told = {"truth": str(reading), "references": len(asked.left_out), "taught": asked.taught}
    comparison = replace(Comparison.of(rows, scores, baseline), **told)
    with editing(samples._dataset):
        appearance.arrange(samples._dataset, prefix)
        best = next((r for r in comparison.rows if is_automatic(r.strategy)), comparison.rows[0])
        appearance.show(samples._dataset, prefix, best.strategy, gt_field)
        save_comparison(samples._dataset, prefix, reading, ignored, comparison)
    if plan.patches and truth.has_instances:
        yield from evaluate_patches(view, names, prefix, truth, hold, files)
        with editing(samples._dataset):
            appearance.arrange(samples._dataset, prefix)
    if left:
        sweep(samples._dataset, folders_of(samples._dataset, prefix, fields))
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
