"""By what the pictures can be sliced: what the truth says of them, and a person's own fields."""

from __future__ import annotations

import fiftyone as fo
import numpy as np

from .choices import COUNT, SIZE


def plain_fields(dataset: fo.Dataset, prefix: str) -> list[str]:
    """The samples' plain fields, and the labels of their classifications; not the plugin's own."""
    from ...prompting.dataset.owned import own_fields

    kinds = (fo.StringField, fo.BooleanField, fo.IntField, fo.FloatField)
    own = own_fields(dataset, prefix)
    schema = {name: field for name, field in dataset.get_field_schema().items() if name not in own}
    plain = [name for name, field in schema.items() if isinstance(field, kinds) and name not in ("id", "filepath")]
    classified = (n for n, f in schema.items() if getattr(f, "document_type", None) is fo.Classification)
    return [*plain, *(f"{name}.label" for name in classified)]


def values_of(dataset: fo.Dataset, findings, by: str) -> list:
    """A value for each sample of the findings, in their order."""
    if by == SIZE:
        return np.round(100 * findings.size, 1).tolist()
    if by == COUNT:
        return [None if value != value else int(value) for value in findings.instances.tolist()]
    ids, values = dataset.values(["id", by])
    of = dict(zip(ids, values))
    return [of[sample_id] for sample_id in findings.sample_ids]


def compared_fields(dataset: fo.Dataset, prefix: str, *strategies: str) -> list[str]:
    """What tells strategies apart on a picture: their masks, their IoU as tags, and the truth."""
    from ...prompting.dataset.names import StrategyFields, evaluation_key, truth_field

    masks = [StrategyFields.of(prefix, strategy).mask for strategy in strategies]
    scores = [f"{evaluation_key(prefix, strategy)}_iou" for strategy in strategies]
    return [path for path in (*masks, truth_field(prefix), *scores) if dataset.has_field(path)]
