"""What can be scored together: which strategies, in which classes, on which samples."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import fiftyone as fo
import fiftyone.core.collections as foc

from ..dataset import checks
from ..dataset.completeness import INSTANCES, MASK, require
from ..dataset.everywhere import all_samples
from ..dataset.finals import final_names
from ..dataset.label_fields import label_type_of
from ..dataset.learned_from import learned_from, without_references
from ..dataset.masks_there import check_field
from ..dataset.names import (
    FinalFields,
    StrategyFields,
    comparison_key,
    count_field,
    evaluation_key,
    size_field,
    truth_field,
)
from ..dataset.present import masks_there, name_of, strategies_in
from ..dataset.storage import DONE
from ..errors import PromptingError, concerning
from ..labels.targets import ignored_values
from ..prompts.strategies import BASELINE, in_order


@dataclass(frozen=True)
class EvaluationPlan:
    """What a person asks to have scored.

    Attributes:
        gt_field: the truth, a Segmentation or Detections with instance masks; samples without it are left out
        strategies: which, by default all that have results
        prefix: of the strategies' fields
        baseline: what the differences refer to
        overwrite: replace an evaluation that covers other samples too
        ignore_values: values of the truth's masks that count for nothing, as numbers or as a person writes them; by
            default those whose mask targets are called void, ignore or unlabeled, and 255 where no target names it and
            it isn't the only value besides 0
        fields: masks that were there already, Segmentations or Detections with masks: each is a row by its name. Where
            no strategies are named, those that were evaluated before are too, and with None finished labels
        patches: also register FiftyOne's own evaluation of instances, where the truth has some
        include_references: also score the pictures that a strategy learned from, on which it is better than on others
        in_files: what is rendered beside masks in files goes into files of the same folder, and not into the database
    """

    gt_field: str
    strategies: Sequence[str] | None = None
    prefix: str = "sam2"
    baseline: str = BASELINE
    overwrite: bool = False
    ignore_values: str | Sequence[int] | None = None
    fields: Sequence[str] | None = None
    patches: bool = False
    include_references: bool = False
    in_files: bool = True

    def __post_init__(self) -> None:
        for name in ("strategies", "fields"):
            object.__setattr__(self, name, _listed(name, getattr(self, name)))


@dataclass(frozen=True)
class Scorable:
    """What an evaluation scores, and what becomes of earlier scores.

    Attributes:
        strategies, fields: the rows: strategies, and fields with masks that were there already
        view: the samples that are scored
        left_out: the ids of those samples with a truth that aren't, for a row learned from them
        lost: row -> how many samples have a score of an earlier evaluation, and would have none
        taught: how many of the scored samples a row learned from, for that was asked for; None: nobody knows how many
    """

    strategies: list[str]
    fields: list[str]
    view: foc.SampleCollection
    left_out: tuple[str, ...]
    lost: Mapping[str, int]
    taught: int | None = 0

    @property
    def names(self) -> list[str]:
        """All rows."""
        return [*self.strategies, *self.fields]

    def check(self, overwrite: bool) -> None:
        """Refuse to lose scores: an eval_key used again on a smaller view wipes those of other samples.

        Raises:
            PromptingError: there are some to lose
        """
        for name, count in () if overwrite else self.lost.items():
            raise PromptingError(
                f"An earlier evaluation of {name!r} covers {count} samples that this view lacks and would lose"
                " their scores; evaluate them too, or choose overwrite=True.",
                "overwrite",
            )


def scorable(samples: foc.SampleCollection, plan: EvaluationPlan) -> Scorable:
    """What evaluating would score; the run, its check and its form ask here, and nowhere else.

    Reference pictures that a row learned from are left out for all rows, so that all are scored on the same pictures. A
    score that such a picture has from before is not lost but replaced: by the table, which says what it leaves out.

    Args:
        samples: a dataset or view, with all fields
        plan: what is asked for

    Raises:
        PromptingError: what was wrong with the request
    """
    with concerning("strategies"):
        names, fields = chosen_rows(samples, plan)
        common_classes(samples._dataset, plan.prefix, names)
    with concerning("gt_field"):
        label_type_of(samples, plan.gt_field)
        view, left_out, taught = _without_taught(samples, plan, [*names, *fields])
        view = scored_samples(view, plan.gt_field, names, plan.prefix)
    scored, rows = view.values("id"), [*names, *fields]
    lost = _lost(samples._dataset, [*scored, *taught], rows, plan.prefix)
    known = _known_among(samples._dataset, scored, rows, plan.prefix) if plan.include_references else 0
    return Scorable(names, fields, view, left_out, lost, known)


def check_evaluation(samples: foc.SampleCollection, plan: EvaluationPlan) -> Scorable:
    """Refuse what evaluating would refuse, as far as the database alone tells: for forms, which ask often.

    Raises:
        PromptingError: what was wrong with the request; but for scores to lose: see :meth:`Scorable.check`
    """
    checks.check_collection(samples)
    with concerning("ignore_values"):
        ignored_values(plan.ignore_values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pictures that failed, once the evaluation runs
        return scorable(checks.with_all_fields(samples), plan)


def _without_taught(samples: foc.SampleCollection, plan: EvaluationPlan, names: Sequence[str]):
    """The samples without those that a row learned from; the ids of the latter that have a truth here, and of all."""
    if plan.include_references:
        return samples, (), ()
    with concerning("include_references"):
        view, taught = without_references(samples, plan.prefix, names, ", or choose include_references=True")
    there = samples.exists(plan.gt_field)
    left_out = tuple(there.select(list(taught)).values("id")) if taught else ()
    if left_out and not len(view.exists(plan.gt_field)):
        raise PromptingError(
            f"All {len(left_out)} samples with a label in {plan.gt_field!r} are reference pictures, which strategies"
            " learned from; label others, or choose include_references=True.",
            "include_references",
        )
    return view, left_out, taught


def _known_among(dataset: fo.Dataset, scored: Sequence[str], rows: Sequence[str], prefix: str) -> int | None:
    """How many of these samples a row learned from; None where nobody knows of one."""
    of = learned_from(dataset, prefix, rows).values()
    return None if None in of else len({one for ids in of for one in ids}.intersection(scored))


def _lost(dataset: fo.Dataset, kept: Sequence[str], names: Sequence[str], prefix: str) -> dict[str, int]:
    """Row -> how many samples but these have a score of it."""
    scores = {name: evaluation_key(prefix, name) for name in names}
    there = set(dataset.list_evaluations())
    scores = {name: f"{key}_iou" for name, key in scores.items() if key in there}
    counts = {
        n: len(set(all_samples(dataset).exists(iou).values("id")).difference(kept))
        for n, iou in scores.items()
        if dataset.has_field(iou)
    }
    return {name: count for name, count in counts.items() if count}


def _listed(name: str, given) -> list | None:
    """One name, or several, as a list."""
    if given is None or isinstance(given, list):
        return given
    if isinstance(given, str) or hasattr(given, "spelling"):
        return [given]
    if not isinstance(given, Iterable):
        raise PromptingError(f"{name} must be a list of names, not {given!r}.", name)
    return list(given)


def chosen_rows(samples: foc.SampleCollection, plan: EvaluationPlan) -> tuple[list[str], list[str]]:
    """The strategies to score, and the fields with masks that were there already.

    Raises:
        PromptingError: no strategy, one without results, or a field that can't be a row
    """
    dataset = samples._dataset
    brought = [name for name in masks_there(dataset, plan.prefix) if dataset.has_sample_field(name)]
    fields = list(plan.fields or ())
    if plan.fields is None and not plan.strategies:
        fields = finished_rows(samples, plan.gt_field, plan.prefix)
    names = chosen_strategies(samples, plan.strategies, plan.prefix)
    if not plan.strategies:  # a row of an earlier evaluation may be the truth of this one
        names = [name for name in names if name != plan.gt_field]
    fields = list(dict.fromkeys([*fields, *(name for name in names if name in brought)]))
    names = [name for name in names if name not in fields]
    for field in fields:
        if field == plan.gt_field:
            raise PromptingError(f"{field!r} is the truth, and no row beside itself; leave it out of fields.", "fields")
        check_field(samples, plan.prefix, field)
    checks.check_judge(plan.prefix, names, plan.gt_field)
    truth = truth_field(plan.prefix), count_field(plan.prefix), size_field(plan.prefix)
    checks.check_strangers(dataset, truth, size_field(plan.prefix), comparison_key(plan.prefix))
    if not names:
        raise PromptingError(
            "Masks that are there are compared with strategies: choose one of those too.", "strategies"
        )
    return names, fields


def finished_rows(samples: foc.SampleCollection, gt_field: str, prefix: str) -> list[str]:
    """The finished labels that every sample with a truth has: rows where nobody says which fields are to be some."""
    view, rows = samples.exists(gt_field) if samples.has_sample_field(gt_field) else samples, []
    for name in final_names(samples._dataset):
        if gt_field not in FinalFields.of(name).everything and len(view.exists(name)) == len(view):
            with suppress(PromptingError):  # of a name that means something else among rows
                check_field(samples, prefix, name)
                rows.append(name)
    return rows


def chosen_strategies(samples: foc.SampleCollection, strategies: Sequence[str] | None, prefix: str) -> list[str]:
    there = strategies_in(samples, prefix)
    asked = [strategies] if isinstance(strategies, str) else strategies
    names = in_order(name_of(samples._dataset, prefix, said) for said in asked) if asked else there
    missing = [name for name in names if name not in there]
    if missing:
        raise PromptingError(f"There are no results of {missing[0]!r} with the prefix {prefix!r}; apply it first.")
    if not names:
        raise PromptingError(f"There are no results with the prefix {prefix!r}; apply strategies first.")
    return names


def chosen_baseline(names: Sequence[str], wanted: str) -> str:
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


def classes_of(samples: foc.SampleCollection, prefix: str, names: Sequence[str] | None = None) -> list[str]:
    """The classes that strategies, by default all with results, were run with.

    Raises:
        PromptingError: there are no results, or they differ
    """
    return common_classes(samples._dataset, prefix, chosen_strategies(samples, names, prefix))


def common_classes(dataset: fo.Dataset, prefix: str, names: Sequence[str]) -> list[str]:
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


def scored_samples(samples: foc.SampleCollection, gt_field: str, names: Sequence[str], prefix: str):
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
