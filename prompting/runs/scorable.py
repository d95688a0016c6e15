"""What can be scored together: which strategies, in which classes, on which samples."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import fiftyone as fo
import fiftyone.core.collections as foc

from ..dataset import checks
from ..dataset.completeness import INSTANCES, MASK, require
from ..dataset.finals import final_names
from ..dataset.label_fields import label_type_of
from ..dataset.masks_there import check_field
from ..dataset.names import FinalFields, StrategyFields, evaluation_key
from ..dataset.present import masks_there, name_of, strategies_in
from ..dataset.references import without_references
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

    def __post_init__(self) -> None:
        for name in ("strategies", "fields"):
            object.__setattr__(self, name, _listed(name, getattr(self, name)))


def check_evaluation(samples: foc.SampleCollection, plan: EvaluationPlan) -> None:
    """Refuse what evaluating would refuse, as far as the database alone tells: for forms, which ask often.

    Raises:
        PromptingError: what was wrong with the request
    """
    checks.check_collection(samples)
    samples = checks.with_all_fields(samples)
    with concerning("strategies"):
        names, fields = chosen_rows(samples, plan)
        common_classes(samples._dataset, plan.prefix, names)
    with concerning("ignore_values"):
        ignored_values(plan.ignore_values)
    with concerning("gt_field"):
        label_type_of(samples, plan.gt_field)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pictures that failed, once the evaluation runs
            view, _ = without_taught(samples, plan, names)
            view = scored_samples(view, plan.gt_field, names, plan.prefix)
    if not plan.overwrite:
        check_earlier(samples._dataset, view, [*names, *fields], plan.prefix)


def without_taught(
    samples: foc.SampleCollection, plan: EvaluationPlan, names: Sequence[str]
) -> tuple[foc.SampleCollection, int]:
    """The samples without the reference pictures that one of the strategies learned from, and how many of these have a
    truth: they are left out for all, so that all are scored on the same pictures.

    Raises:
        PromptingError: there are no others with a truth
    """
    if plan.include_references or not samples.has_sample_field(plan.gt_field):
        return samples, 0
    _, count = without_references(samples.exists(plan.gt_field), plan.prefix, names)
    if count and count == len(samples.exists(plan.gt_field)):
        raise PromptingError(
            f"All {count} samples with a label in {plan.gt_field!r} are reference pictures, which strategies learned"
            " from; label others, or choose include_references=True.",
            "include_references",
        )
    return without_references(samples, plan.prefix, names)[0], count


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


def check_earlier(dataset: fo.Dataset, view, names: Sequence[str], prefix: str) -> None:
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


def would_lose_scores(samples: foc.SampleCollection, gt_field: str, names: Sequence[str], prefix: str) -> bool:
    """Whether an earlier evaluation of any of these strategies covers samples that these lack."""
    try:
        check_earlier(samples._dataset, samples.exists(gt_field), names, prefix)
    except PromptingError:
        return True
    return False
