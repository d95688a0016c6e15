"""What can be finished: under which name, of which samples, and which labels are there already."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import fiftyone as fo
import fiftyone.core.collections as foc
from fiftyone import ViewField as F

from ..dataset import checks
from ..dataset.declared import strangers
from ..dataset.everywhere import all_samples
from ..dataset.finals import ACCEPTED_BY, EXPECTATION, final_names
from ..dataset.names import ACCEPTED, EDITED, LABELS, FinalFields, StrategyFields, labels_key
from ..dataset.owned import own_fields
from ..dataset.present import prefixes
from ..dataset.storage import failed, has_result
from ..errors import PromptingError
from ..final.names import CASCADE
from ..prompts.strategies import find


def with_results(
    samples: foc.SampleCollection, prefix: str, names: Sequence[str], rule: str | None = None
) -> foc.SampleCollection:
    """The samples that have what a rule needs of strategies, and of which one at least has a result.

    Args:
        samples: a dataset or view
        prefix: of the strategies' fields
        names: of the strategies; of a cascade in their order
        rule: a cascade needs those up to the first that found anything; any other, all
    """
    of = [StrategyFields.of(prefix, name) for name in names]
    some = samples.match(fo.ViewExpression.any([_done(fields) for fields in of]))
    if rule != CASCADE or not of:
        return applied(some, prefix, names)
    needed = _tried(of[-1])
    for fields in reversed(of[:-1]):
        needed = _found(fields) | (_tried(fields) & needed)
    return some.match(needed)


def applied(samples: foc.SampleCollection, prefix: str, names: Sequence[str]) -> foc.SampleCollection:
    """The samples that all strategies were applied to.

    One that failed counts as applied: it has been tried. A result whose mask is gone is none.
    """
    return samples.match(fo.ViewExpression.all([_tried(StrategyFields.of(prefix, name)) for name in names]))


def _tried(fields: StrategyFields) -> fo.ViewExpression:
    return _done(fields) | failed(fields)


def _found(fields: StrategyFields) -> fo.ViewExpression:
    return _done(fields) & (F(f"{fields.instances}.detections").length() > 0)


def _done(fields: StrategyFields) -> fo.ViewExpression:
    return has_result(fields) & F(fields.mask).exists()


def labelled(view: foc.SampleCollection, fields: FinalFields) -> foc.SampleCollection:
    """The samples that have a label already."""
    there = [field for field in (fields.mask, fields.instances) if view.has_sample_field(field)]
    return view.match(fo.ViewExpression.any([F(field).exists() for field in there])) if there else view.limit(0)


def reviewed(view: foc.SampleCollection, fields: FinalFields) -> foc.SampleCollection:
    """The samples whose label a person accepted or edited: not those accepted for what is expected of them."""
    if not view.has_sample_field(fields.status):
        return view.limit(0)
    by_nobody = F(f"{fields.mask}.{ACCEPTED_BY}") == EXPECTATION
    return view.match(F(fields.status).is_in((ACCEPTED, EDITED)) & ~((F(fields.status) == ACCEPTED) & by_nobody))


def tell_unreviewed(samples: foc.SampleCollection, gt_field: str) -> None:
    """Warn of finished labels as a truth that no person decided on: they are copies of a strategy's masks."""
    name = next((one for one in final_names(samples._dataset) if gt_field in FinalFields.of(one).everything), None)
    if name is None:
        return
    view = samples.exists(gt_field)
    copies = len(view) - len(reviewed(view, FinalFields.of(name)))
    if copies:
        status = FinalFields.of(name).status
        warnings.warn(
            f"{copies} labels of {name!r} were accepted or edited by nobody: as a truth they make the strategy perfect"
            f" that they are of. Review them, or leave them out: match(F({status!r}) != 'to review').",
            stacklevel=2,
        )


def check_name(dataset: fo.Dataset, name: str, prefix: str) -> None:
    """Refuse names that can't be a field's, or that are taken.

    Raises:
        PromptingError: which, and why
    """
    checks.check_name(name)
    if find(name):
        raise PromptingError(
            f"{name!r} is what a strategy is called, here and in every table; choose another name.", "name"
        )
    fields = FinalFields.of(name)
    own = {field for one in {prefix, *prefixes(dataset)} for field in own_fields(dataset, one)}
    taken = next((field for field in fields.everything if field in own), None)
    if taken:
        raise PromptingError(
            f"{taken!r} is a field of the strategies' results, and would go with them; choose another name.", "name"
        )
    for field, (field_type, document_type) in fields.types().items():
        checks.check_type(dataset, field, field_type, document_type, "name")
    if theirs := strangers(dataset, name):
        raise PromptingError(
            f"{theirs[0]!r} is a field of your own, into which labels called {name!r} would be written; choose another"
            " name.",
            "name",
        )
    key = labels_key(name)
    if key in dataset.list_runs() and dataset.get_run_info(key).config.method != LABELS:
        raise PromptingError(f"The dataset has a run {key!r} of another kind; choose another name.", "name")


def check_classes(dataset: fo.Dataset, name: str, masks: Sequence[str], ids: Sequence[str]) -> None:
    """Refuse to mix masks whose values mean different things.

    Args:
        dataset: of the labels
        name: of their field
        masks: the strategies' fields
        ids: of the samples that get a label

    Raises:
        PromptingError: the strategies' classes differ, or labels stay in other samples, of other classes
    """
    old, new = dataset.mask_targets.get(name), dataset.mask_targets.get(masks[0])
    for mask in masks[1:]:
        other = dataset.mask_targets.get(mask)
        if other != new:
            raise PromptingError(
                f"{masks[0]!r} has the classes {_classes(new)}, and {mask!r} {_classes(other)}: they can't become one"
                " label.",
                "strategies",
            )
    if not dataset.has_sample_field(name) or old == new:
        return
    kept = len(set(all_samples(dataset).exists(name).values("id")).difference(ids))
    if kept:
        raise PromptingError(
            f"{kept} other samples keep labels in {name!r} with the classes {_classes(old)}, and these masks have"
            f" {_classes(new)}; choose another name.",
            "name",
        )


def _classes(targets: dict | None) -> str:
    return ", ".join(f"{value}: {label}" for value, label in (targets or {}).items()) or "none"
