"""Masks that a dataset had already: another model's, say, told in the strategies' own values, to stand beside them.

They are rendered, as the truth is, into fields like a strategy's: all that reads a strategy's results reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

import fiftyone as fo
import numpy as np

from ..errors import PromptingError
from ..labels.encoding import Encoding
from ..labels.instances import instance_window, is_crowd
from ..labels.reading import Reading
from ..pixels.masks import IGNORED, Window, paint
from ..pixels.regions import components
from ..prompts.strategies import find
from ..results import NO_PROMPT, OK, StrategyResult
from ..segmentation.prompt import Prompt
from ..spelling import begins_fields, spelled
from . import labels
from .checks import check_strangers, check_type
from .declaring import add_fields, set_targets
from .everywhere import all_samples
from .label_fields import label_type_of
from .names import (
    EDITED,
    RECORD,
    FinalFields,
    StrategyFields,
    comparison_key,
    next_key,
    robustness_key,
    run_key,
    study_key,
)
from .owned import shared_fields, strategy_fields
from .present import known_strategies
from .records import recorded
from .registering import put_run

UNSURE = 1.0
"""The confidence of an instance whose label has none: it neither yields to another nor is doubted."""
COSTS = ("seconds_per_image", "decoder_calls_per_image")


class MasksThere:
    """A field's labels as results like a strategy's.

    Args:
        reading: what the labels were understood as
        finished: the fields of finished labels, where they are some: those have instances of their own
    """

    def __init__(self, reading: Reading, finished: FinalFields | None = None):
        self.field, self.classes, self.finished = reading.field, reading.classes, finished
        self._of_instances = reading.kind == fo.Detections.__name__
        self._encoding = reading.encoding or Encoding()
        self._value_of = {name: i + 1 for i, name in enumerate(self.classes)}

    @property
    def fields_read(self) -> tuple[str, ...]:
        """What :meth:`of` reads of a sample."""
        return (self.field, self.finished.instances, self.finished.status) if self.finished else (self.field,)

    def of(self, sample: fo.Sample, height: int, width: int) -> StrategyResult:
        """One picture's: nothing where there is no label, and the surer instance on top. Crowds and void are nothing.

        A Segmentation's instances are its connected parts; finished labels are what the strategies gave, mask and
        instances with both confidences.
        """
        label, status = sample[self.field], OK
        label_map = None if label is None or self._of_instances else self._label_map(label, height, width)
        if self.finished:
            found = self._instances(sample[self.finished.instances], height, width)
            # a copy of a strategy's result in which its prior found nothing; else a person took the last one away
            status = OK if found or sample[self.finished.status] == EDITED else NO_PROMPT
        elif self._of_instances:
            found = self._instances(label, height, width)
        else:
            found = self._parts(label_map)
        names, masks = [one.label for one in found], [one.mask for one in found]
        sure = np.array([one.sure for one in found], np.float32)
        if label_map is None:
            label_map = paint(masks, sure, [self._value_of[name] for name in names], (height, width))
        prior = tuple(one.prior for one in found)
        return StrategyResult(
            self.field, label_map, tuple(map(Prompt, names)), sure, status, 0.0, 0, masks, prior_confidence=prior
        )

    def _label_map(self, label: fo.Segmentation, height: int, width: int) -> np.ndarray:
        label_map = self._encoding.label_map(label, height, width, self._value_of)
        return np.where(label_map == IGNORED, 0, label_map).astype(np.uint8)

    def _parts(self, label_map: np.ndarray | None) -> list[_One]:
        if label_map is None:
            return []
        return [
            _One(name, Window.of(part), UNSURE)
            for name, value in self._value_of.items()
            for part in components(label_map == value, 0.0)
        ]

    def _instances(self, label: fo.Detections | None, height: int, width: int) -> list[_One]:
        found = []
        for detection in label.detections if label else ():
            name = spelled(detection.label, self.classes)
            if name is None or is_crowd(detection):
                continue
            mask = instance_window(detection, height, width)
            if mask is not None and mask.any():
                sure = detection.confidence
                sure = UNSURE if sure is None or not np.isfinite(sure) else float(sure)
                found.append(_One(name, mask, sure, detection.get_attribute_value(labels.PRIOR_CONFIDENCE, None)))
        return found


@dataclass(frozen=True)
class _One:
    """An instance: its class, its mask, and how sure the model (the predicted IoU) and the prior were of it."""

    label: str
    mask: Window
    sure: float
    prior: float | None = None


def fields_written(prefix: str, field: str, finished: bool = False) -> dict[str, tuple]:
    """What is written of a field: name -> (field type, embedded document type); of finished labels a score too."""
    fields, types = StrategyFields.of(prefix, field), StrategyFields.of(prefix, field).types()
    written = (fields.mask, fields.instances, fields.status, *((fields.score,) if finished else ()))
    return {name: types[name] for name in written}


def check_field(samples, prefix: str, field: str) -> None:
    """Refuse what can't stand beside the strategies, as far as the fields tell.

    Raises:
        PromptingError: no such field, of another type, or of a name that means something else here
    """
    if label_type_of(samples, field) not in (fo.Segmentation, fo.Detections):
        raise PromptingError(f"{field!r} must be a Segmentation or Detections with instance masks.", "fields")
    dataset = samples._dataset
    others = [name for name in known_strategies(dataset, prefix) if name != field]
    taken = {
        *shared_fields(prefix),
        comparison_key(prefix),
        robustness_key(prefix),
        study_key(prefix),
        next_key(prefix),
    }
    for name in others:
        taken |= {*strategy_fields(prefix, name), run_key(prefix, name)}
    own = {*strategy_fields(prefix, field), run_key(prefix, field)}
    if find(field) or own & taken or field in taken or not begins_fields(field):
        raise PromptingError(
            f"The masks of {field!r} can't have a row of that name, which can't begin names of fields or means"
            f" something else here; give them another: dataset.clone_sample_field({field!r}, 'other_model').",
            "fields",
        )
    written, key = fields_written(prefix, field), run_key(prefix, field)
    for name, (field_type, document_type) in written.items():
        check_type(dataset, name, field_type, document_type)
    other = f"give the masks of {field!r} another name: dataset.clone_sample_field({field!r}, 'other_model')"
    check_strangers(dataset, written, StrategyFields.of(prefix, field).status, key, other)


def declare(dataset: fo.Dataset, prefix: str, masks: MasksThere) -> None:
    """Add a row's fields, and the record by which it is known; the caller holds the dataset's document."""
    add_fields(dataset, fields_written(prefix, masks.field, masks.finished is not None))
    targets = {i + 1: name for i, name in enumerate(masks.classes)}
    set_targets(dataset, StrategyFields.of(prefix, masks.field).mask, targets)
    key, now = run_key(prefix, masks.field), datetime.now(timezone.utc).isoformat()
    config = dataset.init_run(
        method=RECORD,
        strategy=masks.field,
        masks_of=masks.field,
        prefix=prefix,
        classes=list(masks.classes),
        applied=now,
        replaced=now,
        **(_cost(dataset, prefix, masks.finished) if masks.finished else {}),
    )
    put_run(dataset, key, config)


def _cost(dataset: fo.Dataset, prefix: str, finished: FinalFields) -> dict[str, float]:
    """What finished labels cost an image: that of their strategy, where all are of one whose record is still there."""
    sources = all_samples(dataset).distinct(finished.source)
    record = recorded(dataset, prefix, sources[0]) if len(sources) == 1 else None
    return {name: record[name] for name in COSTS if name in record} if record else {}


def values(result: StrategyResult, prefix: str, finished: bool = False) -> dict[str, object]:
    """A picture's: field name -> what is written."""
    fields = StrategyFields.of(prefix, result.strategy)
    written = {
        fields.mask: fo.Segmentation(mask=result.mask),
        fields.instances: labels.instances(result),
        fields.status: result.status,
    }
    return {**written, fields.score: result.score} if finished else written
