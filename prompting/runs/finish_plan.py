"""What a person asks to have finished, checked, and what that comes to on some samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import fiftyone.core.collections as foc
from fiftyone import ViewExpression

from ..dataset import checks
from ..dataset.completeness import INSTANCES, MASK, require
from ..dataset.finals import Earlier
from ..dataset.label_fields import label_type_of
from ..dataset.learned_from import learned_from, without_references
from ..dataset.mask_files import MaskFiles
from ..dataset.names import FinalFields, StrategyFields
from ..dataset.present import strategies_in
from ..dataset.storage import failed
from ..errors import PromptingError, concerning
from ..final.expectation import FEWEST
from ..final.names import LEARNED, ONE, RULES
from ..plan import ERROR, OVERWRITE, SKIP, mask_folders
from .agreement import comparable
from .finishable import applied, check_classes, check_name, labelled, reviewed, with_results


@dataclass(frozen=True)
class FinishPlan:
    """What a person asks to have finished.

    Attributes:
        rule: by which a sample's label is chosen, one of :data:`prompting.final.names.RULES`
        strategies: from whose results; of a cascade in their order. With a truth none need be named: all then that find
            their prompts themselves, the best first
        gt_field: a truth that a part of the samples has: it teaches what to expect of the others; None: no truth
        name: the field for the masks, a Segmentation; others are called after it
        existing: what becomes of labels that are there: ``error``, ``skip`` keeps them and does the others,
            ``overwrite`` replaces those that nobody has reviewed
        reviewed: with ``overwrite``, also replace those that a person accepted or edited
        accept_from: labels of which at least so much is expected are accepted without a look; None: none is
        prefix: of the strategies' fields
        mask_dir, rel_dir: the folder for the masks, and which folders are made again in it, as in
            :class:`prompting.plan.Plan`
    """

    rule: str = ONE
    strategies: Sequence[str] = ()
    gt_field: str | None = None
    name: str = "labels"
    existing: str = ERROR
    reviewed: bool = False
    accept_from: float | None = None
    prefix: str = "sam2"
    mask_dir: str | None = None
    rel_dir: str | None = None

    def __post_init__(self) -> None:
        mask_dir, rel_dir = mask_folders(self.mask_dir, self.rel_dir)
        object.__setattr__(self, "mask_dir", mask_dir)
        object.__setattr__(self, "rel_dir", rel_dir)
        strategies = () if self.strategies is None else self.strategies
        if isinstance(strategies, str) or not isinstance(strategies, Iterable):  # one alone, a value too
            strategies = [strategies]
        object.__setattr__(self, "strategies", tuple(dict.fromkeys(strategies)))
        if self.rule not in RULES:
            raise PromptingError(f"Unknown rule {self.rule!r}; choose from {', '.join(RULES)}.", "rule")
        if self.rule == LEARNED and not self.gt_field:
            said = f"The rule {LEARNED!r} learns from samples that have a truth: name its field (gt_field)."
            raise PromptingError(said, "gt_field")
        if self.accept_from is not None:
            object.__setattr__(self, "accept_from", checks.check_iou(self.accept_from, "accept_from", "accept_from"))
            if not self.gt_field:
                raise PromptingError(
                    "What is expected of a label is calibrated on samples with a truth: name its field (gt_field), or"
                    " accept none.",
                    "accept_from",
                )
        if self.existing not in (ERROR, SKIP, OVERWRITE):
            choices = ", ".join((ERROR, SKIP, OVERWRITE))
            raise PromptingError(f"existing must be one of {choices}, not {self.existing!r}.", "existing")


@dataclass(frozen=True)
class Planned:
    """What a plan comes to on some samples.

    Attributes:
        plan: strategies by their names
        samples: all that were given, with all fields and whole labels
        looked_at: the strategies that are looked at, those of the plan among them
        sample_ids: of the samples that get a label
        teaching: the samples with a truth, which the others' labels are learned from; None without a truth
        there: id -> the label that it has, of those that get another one
        kept: how many other samples keep the one that they have
        without: how many samples lack a result, and are left as they are
        broken: how many of these lack it for a strategy failed there
        files: where masks go; None: into the samples' documents
    """

    plan: FinishPlan
    samples: foc.SampleCollection
    looked_at: tuple[str, ...]
    sample_ids: tuple[str, ...]
    teaching: foc.SampleCollection | None
    there: Mapping[str, Earlier]
    kept: int
    without: int
    broken: int
    files: MaskFiles | None

    @property
    def fields(self) -> FinalFields:
        """Of the labels."""
        return FinalFields.of(self.plan.name)


def plan_finish(samples: foc.SampleCollection, plan: FinishPlan) -> Planned:
    """What :func:`prompting.runs.finishing.finish` would write; nothing is written.

    Raises:
        PromptingError: what is wrong with the request
    """
    checks.check_collection(samples)
    samples = checks.with_whole_labels(samples, plan.gt_field)
    dataset = samples._dataset
    plan = _named(dataset, plan)
    check_name(dataset, plan.name, plan.prefix)
    files = MaskFiles.of(samples, plan.mask_dir, plan.rel_dir)
    names = _looked_at(samples, plan)
    checks.check_judge(plan.prefix, names, plan.gt_field)
    view = with_results(samples, plan.prefix, plan.strategies or names, plan.strategies and plan.rule)
    ids = view.values("id")
    if not ids:
        raise PromptingError(
            f"None of these {len(samples)} samples has a mask of {' and '.join(map(repr, names))}; apply"
            f" {'them' if len(names) > 1 else 'it'} to them first.",
            "strategies",
        )
    require(view, plan.prefix, names, [MASK, INSTANCES])
    teaching = _with_truth(view, plan, names) if plan.gt_field else None
    if teaching is not None and len(teaching) < FEWEST:
        raise PromptingError(
            f"{len(teaching)} of these samples have a label in {plan.gt_field!r} and results; to learn from them takes"
            f" {FEWEST} at least: label more, or finish without a truth.",
            "gt_field",
        )
    fields = FinalFields.of(plan.name)
    there = Earlier.of(labelled(view, fields), fields)
    if there and plan.existing == ERROR:
        raise PromptingError(
            f"{len(there)} of {len(ids)} samples have a label in {fields.mask!r} or {fields.instances!r}; keep those"
            f" and do the others (existing={SKIP!r}), replace them (existing={OVERWRITE!r}), or choose another name.",
            "existing",
        )
    keeping = there if plan.existing == SKIP else () if plan.reviewed else set(reviewed(view, fields).values("id"))
    todo = [sample_id for sample_id in ids if sample_id not in keeping]
    check_classes(dataset, plan.name, [StrategyFields.of(plan.prefix, one).mask for one in names], todo)
    of = [StrategyFields.of(plan.prefix, one) for one in plan.strategies or names]
    tried = samples.match(ViewExpression.any([failed(fields) for fields in of])).values("id")
    counts = len(ids) - len(todo), len(samples) - len(ids), len(set(tried) - set(ids))
    replaced = {one: there[one] for one in todo if one in there}
    return Planned(plan, samples, names, tuple(todo), teaching, replaced, *counts, files)


def _named(dataset, plan: FinishPlan) -> FinishPlan:
    """The plan with the strategies' own names.

    Raises:
        PromptingError: too many, none, or one that wasn't applied
    """
    if plan.rule == ONE and len(plan.strategies) > 1:
        said = f"The rule {ONE!r} takes one strategy, not {len(plan.strategies)}; choose another rule, or one."
        raise PromptingError(said, "strategies")
    if not plan.strategies and not plan.gt_field:
        raise PromptingError("Say which strategies' results are to become labels.", "strategies")
    if plan.gt_field and plan.gt_field in FinalFields.of(plan.name).everything:
        raise PromptingError("Labels can't be written over the truth that they are learned from.", "name")
    return replace(plan, strategies=tuple(checks.check_applied(dataset, plan.prefix, one) for one in plan.strategies))


def _looked_at(samples: foc.SampleCollection, plan: FinishPlan) -> tuple[str, ...]:
    """The plan's strategies; with a truth also the others that find their prompts and are there for the same samples:
    where all agree, a mask is likely good."""
    if not plan.gt_field:
        return plan.strategies
    with concerning("gt_field"):
        label_type_of(samples, plan.gt_field)
    own = plan.strategies or tuple(comparable(samples, plan.prefix)) or tuple(strategies_in(samples, plan.prefix)[:1])
    if not own:
        raise PromptingError(f"There are no results with the prefix {plan.prefix!r}; apply strategies first.", "prefix")
    there = with_results(samples, plan.prefix, own, plan.strategies and plan.rule)
    names, targets = list(own), samples._dataset.mask_targets
    count, classes = len(there), targets.get(StrategyFields.of(plan.prefix, own[0]).mask)
    others = comparable(samples, plan.prefix)
    taught = learned_from(samples._dataset, plan.prefix, others)
    for other in (name for name in others if taught.get(name, ()) is not None):  # None: by what nobody knows
        same = targets.get(StrategyFields.of(plan.prefix, other).mask) == classes
        if other not in names and same and len(applied(there, plan.prefix, [other])) == count:
            names.append(other)
    return tuple(names)


def _with_truth(samples: foc.SampleCollection, plan: FinishPlan, names: Sequence[str]) -> foc.SampleCollection:
    """The samples with a truth, but for the reference pictures that a strategy learned from: it does better on them."""
    with concerning("strategies"):
        there = samples.exists(plan.gt_field)
        otherwise = ", choose other strategies, or finish without a truth"
        return without_references(there, plan.prefix, names, otherwise)[0]
