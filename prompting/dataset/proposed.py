"""Which pictures were proposed to be labelled next: with their truth they are no random draw, and speak for no others.

They are kept in the record of the order of labelling, which a ranking that draws none makes too.
"""

from __future__ import annotations

from collections.abc import Iterable

import fiftyone as fo

from .names import NEXT, next_key
from .registering import put_run


def proposed(dataset: fo.Dataset) -> frozenset[str]:
    """The ids of all samples that were, whatever the prefix of the results that they were ranked by."""
    found = (dataset.get_run_info(key).config for key in dataset.list_runs(method=NEXT))
    return frozenset(one for config in found for one in getattr(config, "proposed", None) or ())


def proposed_by(dataset: fo.Dataset, prefix: str) -> list[str]:
    """The same of one prefix, in the order in which they were."""
    key = next_key(prefix)
    there = key in dataset.list_runs(method=NEXT)
    return list(getattr(dataset.get_run_info(key).config, "proposed", None) or ()) if there else []


def note_proposed(dataset: fo.Dataset, prefix: str, ids: Iterable[str]) -> None:
    """Some more are; the caller holds the dataset's document.

    Raises:
        PromptingError: the record's key is somebody else's
    """
    key, every = next_key(prefix), list(dict.fromkeys([*proposed_by(dataset, prefix), *ids]))
    if key in dataset.list_runs(method=NEXT):
        config = dataset.get_run_info(key).config
        config.proposed = every
    else:
        config = dataset.init_run(method=NEXT, prefix=prefix, a=None, b=None, gt_field=None, proposed=every)
    put_run(dataset, key, config)
