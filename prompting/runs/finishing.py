"""Finishing labels: one for each sample, of what strategies made of it; it stays when their results go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import fiftyone as fo
import fiftyone.core.collections as foc
import numpy as np
from fiftyone import ViewField as F

from ..analysis.tables import Table
from ..dataset import checks, finals
from ..dataset.completeness import INSTANCES, MASK, require
from ..dataset.label_fields import label_type_of
from ..dataset.lock import Hold, editing, run_lock
from ..dataset.names import FinalFields, StrategyFields
from ..dataset.pages import samples_by_page
from ..dataset.present import strategies_in
from ..dataset.references import without_references
from ..dataset.saving import writing
from ..errors import PromptingError, Stopped, concerning
from ..final.candidates import Choice
from ..final.expectation import FEWEST
from ..final.names import LEARNED, ONE, RULES
from ..final.promise import ACCEPTED, Promise, promise
from ..final.rules import chooser
from ..final.trial import Trial
from ..plan import ERROR, OVERWRITE, SKIP
from .agreement import comparable
from .finishable import applied, check_classes, check_name, labelled, reviewed, tell_unreviewed, with_results
from .lessons import Learning, learn
from .progress import Pace, Progress, before_the_first


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
    """

    rule: str = ONE
    strategies: Sequence[str] = ()
    gt_field: str | None = None
    name: str = "labels"
    existing: str = ERROR
    reviewed: bool = False
    accept_from: float | None = None
    prefix: str = "sam2"

    def __post_init__(self) -> None:
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
class Finished:
    """Which labels are written; ``print`` it.

    Attributes:
        plan: what was asked for, strategies by their names
        sample_ids: of the samples that get a label
        replaced: how many of them have one there already
        kept: how many other samples keep the one that they have
        without: how many samples lack a result, and are left as they are
        looked_at: the strategies that are looked at, those of the plan among them
        trial: how all rules do on the samples with a truth; None without
        promises: how good the labels of the samples without a truth are, and those of them that were accepted for
            what is expected of them; none without any truth
    """

    plan: FinishPlan
    sample_ids: tuple[str, ...]
    replaced: int
    kept: int
    without: int
    looked_at: tuple[str, ...]
    trial: Trial | None = None
    promises: tuple[Promise, ...] = ()

    @property
    def promise(self) -> Promise | None:
        """How good the labels of the samples without a truth are; None without any truth."""
        return self.promises[0] if self.promises else None

    @property
    def name(self) -> str:
        """The masks' field."""
        return self.plan.name

    @property
    def instances(self) -> str:
        """The instances' field."""
        return FinalFields.of(self.plan.name).instances

    def __str__(self) -> str:
        count, strategies = len(self.sample_ids), self.plan.strategies
        of = ", ".join(strategies or self.looked_at)
        by = f"of {strategies[0]!r}" if self.plan.rule == ONE and strategies else f"by {self.plan.rule!r} of {of}"
        said = f"{count} {'sample has' if count == 1 else 'samples have'} labels {by}"
        replaced = f", {self.replaced} of them in place of earlier ones" if self.replaced else ""
        kept = f" {self.kept} keep the label that they have." if self.kept else ""
        without = f" {self.without} lack a result and were left as they are." if self.without else ""
        told = f"{said} in {self.name!r} and {self.instances!r}{replaced}.{kept}{without}"
        return "\n\n".join([told, *map(str, self.promises), *([str(self.trial)] if self.trial else [])])

    def tables(self) -> list[Table]:
        """What there is to read where there is a truth: what is promised, and how all rules do."""
        if self.trial is None:
            return []
        table = self.trial.table()
        first = str(replace(self, trial=None))
        return [replace(table, note=f"{first} {table.note}")]


def plan_finish(samples: foc.SampleCollection, plan: FinishPlan) -> Finished:
    """What :func:`finish` would write; nothing is written.

    Raises:
        PromptingError: what is wrong with the request
    """
    checks.check_collection(samples)
    samples = checks.with_all_fields(samples)
    dataset = samples._dataset
    plan = _named(dataset, plan)
    check_name(dataset, plan.name, plan.prefix)
    names = _looked_at(samples, plan)
    checks.check_judge(plan.prefix, names, plan.gt_field)
    view = with_results(samples, plan.prefix, plan.strategies or names)
    ids = view.values("id")
    if not ids:
        raise PromptingError(
            f"None of these {len(samples)} samples has a mask of {' and '.join(map(repr, names))}; apply"
            f" {'them' if len(names) > 1 else 'it'} to them first.",
            "strategies",
        )
    require(view, plan.prefix, names, [MASK, INSTANCES])
    taught = len(_with_truth(view, plan, names)) if plan.gt_field else FEWEST
    if taught < FEWEST:
        raise PromptingError(
            f"{taught} of these samples have a label in {plan.gt_field!r} and results; to learn from them takes"
            f" {FEWEST} at least: label more, or finish without a truth.",
            "gt_field",
        )
    fields = FinalFields.of(plan.name)
    there = set(labelled(view, fields).values("id"))
    if there and plan.existing == ERROR:
        raise PromptingError(
            f"{len(there)} of {len(ids)} samples have a label in {fields.mask!r} or {fields.instances!r}; keep those"
            f" and do the others (existing={SKIP!r}), replace them (existing={OVERWRITE!r}), or choose another name.",
            "existing",
        )
    keeping = there if plan.existing == SKIP else set() if plan.reviewed else set(reviewed(view, fields).values("id"))
    todo = [sample_id for sample_id in ids if sample_id not in keeping]
    check_classes(dataset, plan.name, [StrategyFields.of(plan.prefix, one).mask for one in names], todo)
    replaced = len(there & set(todo))
    return Finished(plan, tuple(todo), replaced, len(ids) - len(todo), len(samples) - len(ids), names)


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
    there, names, targets = with_results(samples, plan.prefix, own), list(own), samples._dataset.mask_targets
    count, classes = len(there), targets.get(StrategyFields.of(plan.prefix, own[0]).mask)
    for other in comparable(samples, plan.prefix):
        same = targets.get(StrategyFields.of(plan.prefix, other).mask) == classes
        if other not in names and same and len(applied(there, plan.prefix, [other])) == count:
            names.append(other)
    return tuple(names)


def finish(samples: foc.SampleCollection, plan: FinishPlan) -> Iterator[Progress | Finished]:
    """Choose each sample's label and write it: all fields of a sample together, so that none is half finished.

    Where strategies found nothing, the label says so: an empty mask, and no instances.

    Args:
        samples: a dataset or view
        plan: what to do

    Yields:
        progress after each sample, and what was :class:`Finished` at the end

    Raises:
        PromptingError: before anything is written: no such results, a name that can't be used, labels that exist and
            weren't to be replaced
        Stopped: somebody asked for it; the samples that were done are whole
    """
    checks.check_collection(samples)
    with run_lock(samples._dataset, plan.prefix, "finishing labels") as hold:
        finished, learning = plan_finish(samples, plan), None
        samples = checks.with_all_fields(samples)
        if plan.gt_field:
            tell_unreviewed(samples, plan.gt_field)
            learning = yield from _learn(samples, finished, hold)
        yield from _write(samples, finished, learning, hold)
        if learning:
            finished = replace(finished, trial=learning.trial, promises=_promises(samples, finished, learning))
            told = finished.trial, finished.promises, learning.expectation
            with editing(samples._dataset):
                finals.save_findings(samples._dataset, plan.name, *told)
    yield finished


def _learn(samples: foc.SampleCollection, finished: Finished, hold: Hold) -> Iterator[Progress]:
    """What the samples with a truth teach; before the first label is written."""
    plan, names = finished.plan, finished.looked_at
    view = with_results(_with_truth(samples, plan, names), plan.prefix, names)
    steps = learn(view, plan.rule, plan.strategies, names, plan.gt_field, plan.prefix, hold)
    try:
        return (yield from before_the_first(steps, len(finished.sample_ids)))
    except Stopped:
        raise Stopped("Stopped on request before any label was written; finish again.") from None


def _with_truth(samples: foc.SampleCollection, plan: FinishPlan, names: Sequence[str]) -> foc.SampleCollection:
    """The samples with a truth, but for the reference pictures that a strategy learned from: it does better on them."""
    return without_references(samples.exists(plan.gt_field), plan.prefix, names)[0]


def _promises(samples: foc.SampleCollection, finished: Finished, learning: Learning) -> tuple[Promise, ...]:
    """How good the labels are that are there now and have no truth; and those of them that were accepted."""
    field, enough = FinalFields.of(finished.name).expected_iou, finished.plan.accept_from
    values = samples.match(~F(finished.plan.gt_field).exists()).values(field)
    elsewhere = np.array([one for one in values if one is not None], float)
    true, expected = learning.expectation.true, learning.expectation.held_out
    told = [promise(true, expected, elsewhere)]
    if enough is not None:  # labelled pictures that would have been accepted are a random draw of all such
        good = expected >= enough
        told.append(promise(true[good], expected[good], elsewhere[elsewhere >= enough], ACCEPTED))
    return tuple(told)


def _write(
    samples: foc.SampleCollection, finished: Finished, learning: Learning | None, hold: Hold
) -> Iterator[Progress]:
    plan, total, names = finished.plan, len(finished.sample_ids), finished.looked_at
    fields, dataset = FinalFields.of(plan.name), samples._dataset
    choose = learning.choose if learning else chooser(plan.rule, plan.strategies)
    with editing(dataset):
        finals.declare(dataset, fields, StrategyFields.of(plan.prefix, names[0]).mask)
        finals.record(dataset, plan.name, plan.prefix, plan.rule, plan.strategies or names, total)
    hold.tell(0, total)
    yield Progress(0, total, 0)
    pace = Pace(total)
    scores = [StrategyFields.of(plan.prefix, one).score for one in names]
    there = [name for name in scores if dataset.has_sample_field(name)]
    view = samples.select_fields([*finals.fields_read(dataset, plan.prefix, names), *there])
    with writing(dataset) as writer:
        for done, sample in enumerate(samples_by_page(view, finished.sample_ids), start=1):
            found = finals.found_in(sample, plan.prefix, names)
            choice = choose(sample.id, found)
            if choice is not None:
                expected = (
                    learning.expected(sample.id, choice, found) if learning else _guess(sample, choice, plan, there)
                )
                accepted = plan.accept_from is not None and expected >= plan.accept_from
                writer.write(sample.id, finals.values(sample, choice, fields, plan.prefix, expected, accepted))
            progress = Progress(done, total, len(writer.refused), pace.left(done))
            hold.tell(done, total, progress.seconds_left)
            yield progress
            if hold.asked_to_stop.is_set() and done < total:
                raise Stopped(
                    f"Stopped on request: {done} of {total} samples have their labels; to do the others, finish the"
                    f" same again with existing={SKIP!r}."
                )


def _guess(sample: fo.Sample, choice: Choice, plan: FinishPlan, there: Sequence[str]) -> float | None:
    """SAM 2's own guess, the mean of the instances: without any truth that is all there is."""
    if choice.candidates is not None:
        known = [one.predicted_iou for one in choice.candidates if one.predicted_iou is not None]
        return float(np.mean(known)) if known else None
    score = StrategyFields.of(plan.prefix, choice.sources[0]).score
    return sample[score] if score in there else None
