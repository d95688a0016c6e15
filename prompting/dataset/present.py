"""Which strategies, under which prefixes, have results in a dataset: it says so itself, whoever opens it."""

from __future__ import annotations

from collections.abc import Iterable

import fiftyone as fo
import fiftyone.core.collections as foc

from ..prompts.strategies import STRATEGIES, find, in_order, strategy_of
from .names import RECORD, StrategyFields, strategies_named_by


def strategies_in(samples: foc.SampleCollection, prefix: str) -> list[str]:
    """The strategies that have fields in a dataset: the built-in ones in their order, then the others."""
    there = known_strategies(samples._dataset, prefix)
    return [name for name in there if samples.has_sample_field(StrategyFields.of(prefix, name).status)]


def known_strategies(dataset: fo.Dataset, prefix: str) -> list[str]:
    """All built-in strategies, and those others of which the dataset has anything: a record, a field, or a colour.

    Masks that were there already and were brought into an evaluation go by the names of their fields.

    A record says whose results it describes; where it stayed behind, as samples were copied, a field's name tells.
    """
    records = [config for config in _records(dataset) if config.prefix == prefix]
    others = [c.strategy for c in records if find(c.strategy) or hasattr(c, "masks_of")]
    scheme, groups = dataset.app_config.color_scheme, dataset.app_config.sidebar_groups or ()
    paths = [*dataset.get_field_schema(), *dataset.list_runs(), *dataset.list_evaluations()]
    paths += [entry.get("path") or "" for entry in (scheme and scheme.fields) or ()]
    paths += [path for group in groups for path in group.paths]
    return in_order([*STRATEGIES, *others, *(name for path in paths for name in strategies_named_by(path, prefix))])


def masks_there(dataset: fo.Dataset, prefix: str) -> list[str]:
    """The fields whose masks were brought into an evaluation beside the strategies."""
    return sorted(c.strategy for c in _records(dataset) if c.prefix == prefix and hasattr(c, "masks_of"))


def name_of(dataset: fo.Dataset, prefix: str, said: str) -> str:
    """The name that a name or a spelling means among a dataset's results.

    Raises:
        PromptingError: it means none
    """
    return said if said in masks_there(dataset, prefix) else strategy_of(said).name


def in_words(name: str) -> str:
    """What a row of the tables is, in a line."""
    strategy = find(name)
    return strategy.in_words() if strategy else f"masks that were there, in the field {name}"


def prefixes(dataset: fo.Dataset) -> list[str]:
    """The prefixes under which strategies were applied to a dataset."""
    return sorted(
        {
            config.prefix
            for config in _records(dataset)
            if dataset.has_sample_field(StrategyFields.of(config.prefix, config.strategy).status)
        }
    )


def _records(dataset: fo.Dataset) -> Iterable:
    return (dataset.get_run_info(key).config for key in dataset.list_runs(method=RECORD))
