"""All samples of a dataset, in whichever slice: a grouped dataset shows its active slice alone."""

from __future__ import annotations

from collections.abc import Iterable

import fiftyone as fo
import fiftyone.core.collections as foc
import fiftyone.core.media as fom


def all_samples(dataset: fo.Dataset) -> foc.SampleCollection:
    """All samples: of a grouped dataset those of all slices, as FiftyOne itself takes them to copy and to clear."""
    return dataset.select_group_slices(_allow_mixed=True) if dataset.media_type == fom.GROUP else dataset


def these_samples(dataset: fo.Dataset, ids: str | Iterable[str]) -> foc.SampleCollection:
    """The samples of these ids, in whichever slice."""
    return all_samples(dataset).select(ids)
