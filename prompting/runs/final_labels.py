"""A strategy's masks as a person's own labels, which stay when the strategy's results are removed.

The copy is plain: each sample's mask and instances as the strategy made them.
What they came from is kept as a registered run, ``<name>_labels``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

import fiftyone as fo
import fiftyone.core.collections as foc
from bson import ObjectId

from ..dataset import checks
from ..dataset.declaring import add_fields, set_targets
from ..dataset.lock import Hold, editing, run_lock
from ..dataset.names import LABELS, StrategyFields, instances_field, labels_key
from ..dataset.owned import own_fields
from ..dataset.pages import samples_by_page
from ..dataset.present import prefixes
from ..dataset.records import recorded
from ..dataset.storage import has_result
from ..errors import PromptingError, Stopped
from .progress import Pace, Progress


@dataclass(frozen=True)
class Takeover:
    """Which labels are written.

    Attributes:
        strategy: whose masks
        name, instances: the fields, a Segmentation and Detections with masks
        sample_ids: of the samples that get a label
        replaced: how many of them have one there already
        without: how many samples have no result of the strategy, and are left as they are
    """

    strategy: str
    name: str
    instances: str
    sample_ids: tuple[str, ...]
    replaced: int
    without: int

    def __str__(self) -> str:
        count = len(self.sample_ids)
        said = f"{count} {'sample has' if count == 1 else 'samples have'} the masks of {self.strategy!r} as labels"
        replaced = f", {self.replaced} of them in place of earlier ones" if self.replaced else ""
        without = f" {self.without} have no result of it and were left as they are." if self.without else ""
        return f"{said} in {self.name!r} and {self.instances!r}{replaced}.{without}"


def plan_takeover(
    samples: foc.SampleCollection, strategy: str, name: str, prefix: str = "sam2", overwrite: bool = False
) -> Takeover:
    """What :func:`use_as_labels` would write; nothing is written.

    Raises:
        PromptingError: what is wrong with the request
    """
    checks.check_collection(samples)
    samples = checks.with_all_fields(samples)
    dataset = samples._dataset
    strategy = checks.check_applied(dataset, prefix, strategy)
    _check_name(dataset, name, prefix)
    fields, instances = StrategyFields.of(prefix, strategy), instances_field(name)
    view = samples.match(has_result(fields)).exists(fields.mask)
    ids = view.values("id")
    if not ids:
        raise PromptingError(
            f"None of these {len(samples)} samples has a mask of {strategy!r}; apply it to them first."
        )
    replaced = len(_labelled(view, name))
    if replaced and not overwrite:
        raise PromptingError(
            f"{replaced} of {len(ids)} samples have a label in {name!r} or {instances!r}; replace them"
            " (overwrite=True), or choose another name.",
            "overwrite",
        )
    _check_classes(dataset, name, fields.mask, ids)
    return Takeover(strategy, name, instances, tuple(ids), replaced, len(samples) - len(ids))


def use_as_labels(
    samples: foc.SampleCollection, strategy: str, name: str, prefix: str = "sam2", overwrite: bool = False
) -> Iterator[Progress | Takeover]:
    """Copy a strategy's masks and instances into fields of a person's own, for the samples that have results.

    Where the strategy found nothing, the label says so: an empty mask, and no instances.

    Args:
        samples: a dataset or view
        strategy: its name
        name: the field for the masks, a Segmentation; the instances go to ``<name>_instances``
        prefix: of the strategies' fields
        overwrite: replace labels that samples have there already

    Yields:
        progress after each sample, and the :class:`Takeover` at the end

    Raises:
        PromptingError: before anything is written: no such results, a name that can't be used, labels that exist and
            weren't to be replaced
    """
    checks.check_collection(samples)
    with run_lock(samples._dataset, prefix, "writing labels") as hold:
        takeover = plan_takeover(samples, strategy, name, prefix, overwrite)
        yield from _copy(checks.with_all_fields(samples), takeover, prefix, hold)
    yield takeover


def _copy(samples: foc.SampleCollection, takeover: Takeover, prefix: str, hold: Hold) -> Iterator[Progress]:
    fields, total = StrategyFields.of(prefix, takeover.strategy), len(takeover.sample_ids)
    with editing(samples._dataset):
        _declare(samples._dataset, takeover, fields.mask)
        _record(samples._dataset, takeover, prefix)
    yield Progress(0, total, 0)
    pace = Pace(total)
    view = samples.select_fields([fields.mask, fields.instances, takeover.name, takeover.instances])
    for done, sample in enumerate(samples_by_page(view, takeover.sample_ids, autosave=True), start=1):
        found = sample[fields.instances]
        sample[takeover.name] = _copy_of(sample[fields.mask])
        sample[takeover.instances] = fo.Detections(
            detections=[_copy_of(detection) for detection in (found.detections if found else ())]
        )
        progress = Progress(done, total, 0, pace.left(done))
        hold.tell(done, total, progress.seconds_left)
        yield progress
        if hold.asked_to_stop.is_set() and done < total:
            raise Stopped(
                f"Stopped on request: {done} of {total} samples have their labels; to do all, take the masks over again"
                " and replace these (overwrite=True)."
            )


def _copy_of(label: fo.Label) -> fo.Label:
    """A label like it with an id of its own: what a person does to one isn't done to the other."""
    copy = label.copy()
    copy.id = str(ObjectId())
    return copy


def _check_name(dataset: fo.Dataset, name: str, prefix: str) -> None:
    """Refuse names that can't be a field's, or that are taken.

    Raises:
        PromptingError: which, and why
    """
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise PromptingError(
            f"{name!r} can't be a field's name: begin with a letter, and use letters, digits and _, such as 'labels'.",
            "name",
        )
    own = {field for one in {prefix, *prefixes(dataset)} for field in own_fields(dataset, one)}
    taken = next((field for field in (name, instances_field(name)) if field in own), None)
    if taken:
        raise PromptingError(
            f"{taken!r} is a field of the strategies' results, and would go with them; choose another name.", "name"
        )
    checks.check_type(dataset, name, fo.EmbeddedDocumentField, fo.Segmentation, "name")
    checks.check_type(dataset, instances_field(name), fo.EmbeddedDocumentField, fo.Detections, "name")
    key = labels_key(name)
    if key in dataset.list_runs() and dataset.get_run_info(key).config.method != LABELS:
        raise PromptingError(f"The dataset has a run {key!r} of another kind; choose another name.", "name")


def _labelled(view: foc.SampleCollection, name: str) -> foc.SampleCollection:
    """The samples that have a label in either field."""
    there = [field for field in (name, instances_field(name)) if view.has_sample_field(field)]
    if not there:
        return view.limit(0)
    return view.match(fo.ViewExpression.any([fo.ViewField(field).exists() for field in there]))


def _check_classes(dataset: fo.Dataset, name: str, mask: str, ids: list[str]) -> None:
    """Refuse to mix masks whose values mean different things.

    Raises:
        PromptingError: labels stay in other samples, of other classes
    """
    old, new = dataset.mask_targets.get(name), dataset.mask_targets.get(mask)
    if not dataset.has_sample_field(name) or old == new:
        return
    kept = len(dataset.exists(name).exclude(ids))
    if kept:
        raise PromptingError(
            f"{kept} other samples keep labels in {name!r} with the classes {_classes(old)}, and these masks have"
            f" {_classes(new)}; choose another name.",
            "name",
        )


def _classes(targets: dict | None) -> str:
    return ", ".join(f"{value}: {label}" for value, label in (targets or {}).items()) or "none"


def _declare(dataset: fo.Dataset, takeover: Takeover, mask: str) -> None:
    kinds = {takeover.name: fo.Segmentation, takeover.instances: fo.Detections}
    add_fields(dataset, {name: (fo.EmbeddedDocumentField, kind) for name, kind in kinds.items()})
    set_targets(dataset, takeover.name, dataset.mask_targets.get(mask) or {})


def _record(dataset: fo.Dataset, takeover: Takeover, prefix: str) -> None:
    """Which strategy, with which parameters; after what the field got from others before."""
    key = labels_key(takeover.name)
    earlier = dataset.get_run_info(key).config.sources if key in dataset.list_runs() else []
    source = {
        "strategy": takeover.strategy,
        "prefix": prefix,
        "samples": len(takeover.sample_ids),
        "taken": datetime.now(timezone.utc).isoformat(),
        "parameters": recorded(dataset, prefix, takeover.strategy),
    }
    config = dataset.init_run(
        method=LABELS, fields=[takeover.name, takeover.instances], sources=[*map(dict, earlier), source]
    )
    if key in dataset.list_runs():  # in place, as in records.register
        dataset.update_run_config(key, config)
    else:
        dataset.register_run(key, config)
