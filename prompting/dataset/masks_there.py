"""Masks that a dataset had already: another model's, say, told in the strategies' own values, to stand beside them.

They are rendered, as the truth is, into fields like a strategy's: all that reads a strategy's results reads them.
"""

from __future__ import annotations

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
from ..results import OK, StrategyResult
from ..segmentation.prompt import Prompt
from ..spelling import begins_fields, spelled
from . import labels
from .checks import check_type
from .declaring import add_fields, set_targets
from .label_fields import label_type_of
from .names import RECORD, StrategyFields, comparison_key, next_key, robustness_key, run_key, study_key
from .owned import shared_fields, strategy_fields
from .present import known_strategies
from .registering import put_run

UNSURE = 1.0
"""The confidence of an instance whose label has none: it neither yields to another nor is doubted."""


class MasksThere:
    """A field's labels as results like a strategy's.

    Args:
        reading: what the labels were understood as
    """

    def __init__(self, reading: Reading):
        self.field, self.classes = reading.field, reading.classes
        self._of_instances = reading.kind == fo.Detections.__name__
        self._encoding = reading.encoding or Encoding()
        self._value_of = {name: i + 1 for i, name in enumerate(self.classes)}

    def of(self, label: fo.Label | None, height: int, width: int) -> StrategyResult:
        """One picture's: nothing where there is no label, and the surer instance on top. Crowds and void are nothing.

        A Segmentation's instances are its connected parts.
        """
        found = [] if label is None else self._found(label, height, width)
        sure = np.array([confidence for *_, confidence in found], np.float32)
        masks, names = [mask for _, mask, _ in found], [name for name, *_ in found]
        mask = paint(masks, sure, [self._value_of[name] for name in names], (height, width))
        return StrategyResult(self.field, mask, tuple(map(Prompt, names)), sure, OK, 0.0, 0, masks)

    def _found(self, label: fo.Label, height: int, width: int) -> list[tuple[str, Window, float]]:
        if not self._of_instances:
            label_map = self._encoding.label_map(label, height, width, self._value_of)
            label_map = np.where(label_map == IGNORED, 0, label_map)
            return [
                (name, Window.of(part), UNSURE)
                for name, value in self._value_of.items()
                for part in components(label_map == value, 0.0)
            ]
        found = []
        for detection in label.detections:
            name = spelled(detection.label, self.classes)
            if name is None or is_crowd(detection):
                continue
            mask = instance_window(detection, height, width)
            if mask is not None and mask.any():
                sure = detection.confidence
                found.append((name, mask, UNSURE if sure is None or not np.isfinite(sure) else float(sure)))
        return found


def fields_written(prefix: str, field: str) -> dict[str, tuple]:
    """What is written of a field: name -> (field type, embedded document type)."""
    fields, types = StrategyFields.of(prefix, field), StrategyFields.of(prefix, field).types()
    return {name: types[name] for name in (fields.mask, fields.instances, fields.status)}


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
    for name, (field_type, document_type) in fields_written(prefix, field).items():
        check_type(dataset, name, field_type, document_type)


def declare(dataset: fo.Dataset, prefix: str, masks: MasksThere) -> None:
    """Add a row's fields, and the record by which it is known; the caller holds the dataset's document."""
    add_fields(dataset, fields_written(prefix, masks.field))
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
    )
    put_run(dataset, key, config)


def values(result: StrategyResult, prefix: str) -> dict[str, object]:
    """A picture's: field name -> what is written."""
    fields = StrategyFields.of(prefix, result.strategy)
    return {
        fields.mask: fo.Segmentation(mask=result.mask),
        fields.instances: labels.instances(result),
        fields.status: result.status,
    }
