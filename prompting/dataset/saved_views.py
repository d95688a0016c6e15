"""Views that the panel saves in a dataset, and how they are told from a person's own."""

from __future__ import annotations

import re

import fiftyone as fo
import fiftyone.core.collections as foc

from ..prompts.strategies import STRATEGIES

_NAME = "|".join(STRATEGIES)
EARLIER_TITLES = re.compile(
    rf"(({_NAME}) beats ({_NAME})|worst \d+ of ({_NAME})|({_NAME}) found no prompt|all strategies fail"
    r"|strategies disagree)( \(\d+\))?"
)
"""What earlier versions called them, who left no word in their descriptions."""


def keep(dataset: fo.Dataset, prefix: str, title: str, view: foc.SampleCollection) -> str:
    """Save a view under a name that is free, which is returned."""
    names, name, number = set(dataset.list_saved_views()), title, 2
    while name in names:
        name, number = f"{title} ({number})", number + 1
    dataset.save_view(name, view, description=_description(prefix))
    return name


def kept(dataset: fo.Dataset, prefix: str, alone: bool) -> list[str]:
    """The names of the views that :func:`keep` saved for a prefix.

    Args:
        dataset: the dataset
        prefix: of the strategies' fields
        alone: no other prefix has results, so that what earlier versions saved can only be this one's
    """
    return [name for name in dataset.list_saved_views() if _is_ours(dataset, name, prefix, alone)]


def _description(prefix: str) -> str:
    return f"Saved by the panel SAM 2 strategies, of the results with the prefix {prefix}"


def _is_ours(dataset: fo.Dataset, name: str, prefix: str, alone: bool) -> bool:
    description = dataset.get_saved_view_info(name)["description"]
    if description or not alone:
        return description == _description(prefix)
    if not EARLIER_TITLES.fullmatch(name):
        return False
    # a person may have called a view of their own so; those of the panel were some samples, in an order
    stages = next(doc.view_stages for doc in dataset._doc.saved_views if doc.name == name)
    return len(stages) == 1 and '"fiftyone.core.stages.Select"' in stages[0]
