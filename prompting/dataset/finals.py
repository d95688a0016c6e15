"""Finished labels in a dataset: what they are chosen from, their fields, and the record of what they came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from functools import cache, partial

import fiftyone as fo
import fiftyone.core.collections as foc
import numpy as np
from bson import ObjectId

from ..analysis.comparison import Comparison, Row
from ..final.candidates import Candidate, Choice, Found
from ..final.expectation import Expectation
from ..final.promise import Promise
from ..final.trial import Trial
from ..labels.instances import instance_window
from ..labels.stored import label_map_of
from ..pixels.masks import paint
from ..prompts.strategies import find
from .declared import to_declare
from .declaring import add_fields, set_targets
from .everywhere import all_samples
from .labels import PRIOR_CONFIDENCE
from .names import ACCEPTED, LABELS, TO_REVIEW, FinalFields, StrategyFields, labels_key
from .records import is_unswept, mask_dirs, recorded
from .registering import put_run
from .storage import DONE

SOURCE = "source"
"""What each instance of a final label carries beside what its strategy gave it."""


ACCEPTED_BY, EXPECTATION = "accepted_by", "expected IoU"
"""What a mask carries that was accepted for what is expected of it, and that no person looked at."""
ACCEPTED_FROM = "accepted_from"
"""The expected IoU from which on it was, whoever looked at it since."""
MADE_BY = "made_by"
"""What a mask carries of the finishing that made it: by which rule, in which order, taught by which truths."""


@dataclass(frozen=True)
class Earlier:
    """A label that a sample has, to be known again: whoever replaces it, or decides on it, changes one of these.

    Attributes:
        mask_id: None where there is no mask
        status: None where there is none
    """

    mask_id: str | None = None
    status: str | None = None

    @classmethod
    def of(cls, view: foc.SampleCollection, fields: FinalFields) -> dict[str, Earlier]:
        """Of samples that all have a label, by their ids."""
        ids = view.values("id")
        masks, statuses = (
            view.values(path) if view.has_sample_field(field) else [None] * len(ids)
            for field, path in ((fields.mask, f"{fields.mask}.id"), (fields.status, fields.status))
        )
        return {one: cls(mask, status) for one, mask, status in zip(ids, masks, statuses, strict=True)}

    def condition(self, fields: FinalFields) -> dict[str, object]:
        """What MongoDB finds of a sample that still has this label."""
        mask = {fields.mask: None} if self.mask_id is None else {f"{fields.mask}._id": ObjectId(self.mask_id)}
        return {**mask, fields.status: self.status}


def unlabelled(fields: FinalFields) -> dict[str, None]:
    """What MongoDB finds of a sample that has no label."""
    return {fields.mask: None, fields.instances: None}


def final_names(dataset: fo.Dataset) -> list[str]:
    """The names of the finished labels that a dataset has, with a status each sample, in alphabetical order."""
    infos = (dataset.get_run_info(key).config for key in dataset.list_runs(method=LABELS))
    names = {config.fields[0] for config in infos}
    return sorted(name for name in names if dataset.has_sample_field(FinalFields.of(name).status))


def contenders(dataset: fo.Dataset, comparison: Comparison) -> list[Row]:
    """The rows of a table that can win, the best first: what was finished from the others is no better than itself."""
    finished = set(final_names(dataset))
    return [row for row in comparison.rows if row.strategy not in finished]


def fields_read(dataset: fo.Dataset, prefix: str, names: Sequence[str]) -> list[str]:
    """What :func:`found_in` reads of a sample."""
    of = [StrategyFields.of(prefix, name) for name in names]
    read = [name for fields in of for name in (fields.mask, fields.instances, fields.status)]
    return read + [fields.boxes for fields in of if dataset.has_sample_field(fields.boxes)]


def found_in(sample: fo.Sample, prefix: str, names: Sequence[str]) -> list[Found]:
    """What strategies made of a sample, in the order of their names; all masks at the size of the first one's."""
    of = {name: StrategyFields.of(prefix, name) for name in names}
    done = [name for name, fields in of.items() if sample[fields.status] in DONE and sample[fields.mask] is not None]
    measure = cache(lambda: label_map_of(sample[of[done[0]].mask]).shape[:2])
    found = []
    for name, fields in of.items():
        instances = sample[fields.instances] if name in done else None
        read = partial(_candidates, sample, fields, name, measure) if instances else tuple
        found.append(Found(name, name in done, len(instances.detections) if instances else 0, read, measure))
    return found


def _candidates(sample: fo.Sample, fields: StrategyFields, name: str, measure: Callable) -> Iterator[Candidate]:
    height, width = measure()
    given = sample[fields.boxes] if sample.has_field(fields.boxes) else None
    prompts = {box.index: box for box in given.detections} if given else {}
    for place, detection in enumerate(sample[fields.instances].detections):
        mask = instance_window(detection, height, width)
        if mask is not None and mask.any():
            sure = detection.get_attribute_value(PRIOR_CONFIDENCE, None)
            fit = _iou_of_boxes(detection, prompts[detection.index]) if detection.index in prompts else None
            yield Candidate(name, place, detection.label, mask, detection.confidence, sure, fit)


def _iou_of_boxes(one: fo.Detection, other: fo.Detection) -> float:
    a, b = (np.array(label.bounding_box, float) for label in (one, other))
    sides = np.minimum(a[:2] + a[2:], b[:2] + b[2:]) - np.maximum(a[:2], b[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    return shared / max(float(np.prod(a[2:]) + np.prod(b[2:])) - shared, 1e-12)


def values(
    sample: fo.Sample,
    choice: Choice,
    fields: FinalFields,
    prefix: str,
    expected: float | None,
    accepted_from: float | None = None,
    made_by: str | None = None,
) -> dict[str, object]:
    """All that is written of a sample, together: field name -> value. Labels are copies, with ids of their own.

    Args:
        sample: with the strategies' results
        choice: what becomes its label
        fields: of the label
        prefix: of the strategies' fields
        expected: IoU of the mask; None where nothing is known
        accepted_from: what is enough for nobody to need look at it; None: nothing is
        made_by: of the finishing, that what is promised of its labels is of no others
    """
    accepted = accepted_from is not None and expected is not None and expected >= accepted_from
    of = {name: StrategyFields.of(prefix, name) for name in choice.sources}
    first = of[choice.sources[0]]
    if choice.candidates is None:
        found = sample[first.instances]
        taken = [(choice.sources[0], detection) for detection in (found.detections if found else ())]
        mask = _copy_of(sample[first.mask])
    else:
        taken = [(one.source, sample[of[one.source].instances].detections[one.place]) for one in choice.candidates]
        mask = fo.Segmentation(mask=label_map(sample, choice, prefix))
    if accepted:
        mask[ACCEPTED_BY], mask[ACCEPTED_FROM] = EXPECTATION, accepted_from
    if made_by is not None:
        mask[MADE_BY] = made_by
    return {
        fields.mask: mask,
        fields.instances: fo.Detections(detections=[_instance(detection, source) for source, detection in taken]),
        fields.source: ", ".join(choice.sources),
        fields.expected_iou: expected,
        fields.status: ACCEPTED if accepted else TO_REVIEW,
    }


def label_map(sample: fo.Sample, choice: Choice, prefix: str) -> np.ndarray:
    """The (H, W) label map of a choice, in the strategies' values."""
    mask_field = StrategyFields.of(prefix, choice.sources[0]).mask
    mask = label_map_of(sample[mask_field])
    if choice.candidates is None:
        return mask
    value_of = {label: int(value) for value, label in sample.dataset.mask_targets[mask_field].items()}
    shape = choice.candidates[0].mask.shape if choice.candidates else mask.shape[:2]
    masks, sure = [one.mask for one in choice.candidates], [one.sureness for one in choice.candidates]
    return paint(masks, sure, [value_of[one.label] for one in choice.candidates], shape)


def _instance(detection: fo.Detection, source: str) -> fo.Detection:
    copy = _copy_of(detection)
    copy[SOURCE] = source
    return copy


def _copy_of(label: fo.Segmentation | fo.Detection) -> fo.Label:
    """A label like it with an id of its own: what a person does to one isn't done to the other, nor to its file."""
    copy = label.copy()
    copy.id = str(ObjectId())
    if copy.mask_path:
        copy.mask, copy.mask_path = label_map_of(label), None
    return copy


def save_findings(
    dataset: fo.Dataset, name: str, trial: Trial, promises: Sequence[Promise], expectation: Expectation
) -> None:
    """Keep what the labelled samples taught, beside the record; the caller holds the dataset's document."""
    key = labels_key(name)
    told = dict(
        trial=trial.to_dict(),
        promises=[asdict(one) for one in promises],
        expected=expectation.held_out.round(6).tolist(),
        true=expectation.true.round(6).tolist(),
    )
    dataset.save_run_results(key, dataset.init_run_results(key, **told), overwrite=True)


@dataclass(frozen=True)
class Findings:
    """What finishing labels found on the samples with a truth.

    Attributes:
        trial: all rules
        promises: how good the labels without a truth are, and those of them that were accepted
        expected, true: (L,) what was expected of each labelled sample's label by a model that didn't see it, and what
            it is
    """

    trial: Trial
    promises: tuple[Promise, ...]
    expected: np.ndarray
    true: np.ndarray


def load_findings(dataset: fo.Dataset, name: str) -> Findings | None:
    """What :func:`save_findings` kept; None where there was no truth."""
    key = labels_key(name)
    results = dataset.load_run_results(key) if key in dataset.list_runs() else None
    if results is None:
        return None
    trial, promises = Trial.from_dict(results.trial), tuple(Promise(**one) for one in results.promises)
    return Findings(trial, promises, np.array(results.expected, float), np.array(results.true, float))


def declare(dataset: fo.Dataset, fields: FinalFields, mask_field: str) -> None:
    """Add the fields that a dataset lacks; values mean what they mean in a strategy's masks."""
    told = {f"{fields.instances}.detections.{name}": kind for name, kind in _ATTRIBUTES.items()}  # the sidebar filters
    add_fields(dataset, {**fields.types(), **told})
    set_targets(dataset, fields.mask, dataset.mask_targets.get(mask_field) or {})


_ATTRIBUTES = {
    SOURCE: (fo.StringField, None),
    PRIOR_CONFIDENCE: (fo.FloatField, None),
}


def sources_told(dataset: fo.Dataset, name: str) -> list[str]:
    """The strategies that labels came from, as their samples tell, whether their record is there or stayed behind; none
    where no labels were finished into this name."""
    fields = FinalFields.of(name)
    if not all(isinstance(dataset.get_field(one), fo.StringField) for one in (fields.source, fields.status)):
        return []
    said = all_samples(dataset).distinct(fields.source)
    return sorted(filter(find, {one.strip() for told in said for one in told.split(",")}))


def _without_record(dataset: fo.Dataset, name: str, prefix: str) -> list[dict]:
    """The sources of labels whose record stayed behind; none where there are no labels yet."""
    told = {"prefix": prefix, "samples": None, "taken": None, "rule": None, "parameters": None}
    return [{"strategy": one, **told} for one in sources_told(dataset, name)]


def record(
    dataset: fo.Dataset,
    name: str,
    prefix: str,
    rule: str,
    strategies: Sequence[str],
    samples: int,
    mask_dir: str | None = None,
) -> None:
    """Keep what labels came from, strategy by strategy, after what the field got before, and which fields are ours.

    Before :func:`declare`: what the dataset lacks now is ours.

    Args:
        dataset: of the labels
        name: of their field
        prefix: of the strategies' fields
        rule: by which they were chosen
        strategies: from whose results
        samples: how many get labels
        mask_dir: the folder that their masks go to; None: the database
    """
    key, now = labels_key(name), datetime.now(timezone.utc).isoformat()
    there = key in dataset.list_runs()
    earlier = dataset.get_run_info(key).config.sources if there else _without_record(dataset, name, prefix)
    told = {"prefix": prefix, "samples": samples, "taken": now, "rule": rule}
    sources = [
        {"strategy": strategy, **told, "parameters": recorded(dataset, prefix, strategy)} for strategy in strategies
    ]
    every = list(FinalFields.of(name).everything)
    dirs = sorted({*mask_dirs(dataset, [key]), *([mask_dir] if mask_dir else [])})
    own = to_declare(dataset, name)
    on_disk = {"mask_dirs": dirs, "unswept": bool(mask_dir) or is_unswept(dataset, key)} if dirs else {}
    config = dataset.init_run(
        method=LABELS,
        fields=every,
        prefix=prefix,
        rule=rule,
        strategies=list(strategies),
        sources=[*map(dict, earlier), *sources],
        **on_disk,
        **({} if own is None else {"declared": own}),
    )
    put_run(dataset, key, config)
