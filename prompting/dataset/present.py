"""Which strategies, under which prefixes, have results in a dataset."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.core.collections as foc

from ..prompts.strategies import STRATEGIES
from .names import RECORD, StrategyFields


def strategies_in(samples: foc.SampleCollection, prefix: str) -> list[str]:
    """The strategies that have fields in a dataset."""
    return [name for name in STRATEGIES if samples.has_sample_field(StrategyFields.of(prefix, name).status)]


def prefixes(dataset: fo.Dataset) -> list[str]:
    """The prefixes under which strategies were applied to a dataset."""
    found = {}
    for key in dataset.list_runs(method=RECORD):
        config = dataset.get_run_info(key).config
        if dataset.has_sample_field(StrategyFields.of(config.prefix, config.strategy).status):
            found[config.prefix] = None
    return sorted(found)
