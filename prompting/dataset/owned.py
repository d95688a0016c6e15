"""What in a dataset is the plugin's own, by the names that its own functions give and by nothing else.

A field that merely begins with the prefix is a person's, and so is one of such
a name but of another type, into which the plugin would refuse to write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import fiftyone as fo
from bson import DBRef

from ..prompts.strategies import STRATEGIES
from ..runs import evaluation, explanation
from ..runs.agreement import agreement_field
from ..runs.error_overlay import overlay_field
from ..runs.evaluation import SCORES, comparison_key, evaluation_key
from ..runs.explanation import robustness_key
from . import records
from .records import run_key
from .storage import StrategyFields, error_field, heatmap_field
from .truth import count_field, size_field, truth_field

LABELS, NUMBER = fo.EmbeddedDocumentField, fo.FloatField


def strategy_fields(prefix: str, strategy: str) -> dict[str, tuple]:
    """One strategy's: name -> (field type, embedded document type or None)."""
    return {
        **StrategyFields.of(prefix, strategy).types(),
        **{f"{evaluation_key(prefix, strategy)}_{score}": (NUMBER, None) for score in SCORES},
        error_field(prefix, strategy): (LABELS, fo.DynamicEmbeddedDocument),
    }


def shared_fields(prefix: str) -> dict[str, tuple]:
    """Those of all strategies together, in the same form."""
    return {
        heatmap_field(prefix): (LABELS, fo.Heatmap),
        truth_field(prefix): (LABELS, fo.Segmentation),
        overlay_field(prefix): (LABELS, fo.Segmentation),
        count_field(prefix): (fo.IntField, None),
        size_field(prefix): (NUMBER, None),
        agreement_field(prefix): (NUMBER, None),
    }


def own_fields(prefix: str, strategy: str | None = None) -> dict[str, tuple]:
    """All fields of a prefix that any version may have written, or those of one strategy alone."""
    if strategy is not None:
        return strategy_fields(prefix, strategy)
    every = {name: kind for one in STRATEGIES for name, kind in strategy_fields(prefix, one).items()}
    return every | shared_fields(prefix)


def fields_there(dataset: fo.Dataset, prefix: str, strategy: str | None = None) -> list[str]:
    """Those of :func:`own_fields` that the dataset has."""
    own = own_fields(prefix, strategy)
    there = {name: dataset.get_field(name) for name in own}
    return [name for name, f in there.items() if (type(f), getattr(f, "document_type", None)) == own[name]]


def own_names(dataset: fo.Dataset, prefix: str, strategy: str | None = None) -> set[str]:
    """Those of :func:`own_fields` that the dataset has, or that nobody has: not those that are a person's."""
    there = set(fields_there(dataset, prefix, strategy))
    return {name for name in own_fields(prefix, strategy) if name in there or not dataset.has_sample_field(name)}


def evaluations_there(dataset: fo.Dataset, prefix: str, strategy: str | None = None) -> list[str]:
    """The keys of the strategies' evaluations that the dataset has."""
    keys = {
        evaluation_key(prefix, name): StrategyFields.of(prefix, name).mask
        for name in ([strategy] if strategy else STRATEGIES)
    }
    there = [
        key
        for key in dataset.list_evaluations()
        if key in keys and getattr(dataset.get_evaluation_info(key).config, "pred_field", None) == keys[key]
    ]
    return sorted([*there, *_half_deleted(dataset._doc.evaluations, keys)])


def runs_there(dataset: fo.Dataset, prefix: str, strategy: str | None = None) -> list[str]:
    """The keys of the registered runs that the dataset has: records, the table, the curves."""
    methods = {run_key(prefix, name): records.METHOD for name in ([strategy] if strategy else STRATEGIES)}
    if strategy is None:
        methods |= {comparison_key(prefix): evaluation.METHOD, robustness_key(prefix): explanation.METHOD}
    there = [
        key for key in dataset.list_runs() if key in methods and dataset.get_run_info(key).config.method == methods[key]
    ]
    return sorted([*there, *_half_deleted(dataset._doc.runs, methods)])


def _half_deleted(references: Mapping, keys: Iterable[str]) -> list[str]:
    """Those of our keys whose run is gone and whose reference isn't: FiftyOne was killed between the two."""
    return [key for key in keys if isinstance(references.get(key), DBRef)]


def prefixes_left(dataset: fo.Dataset) -> list[str]:
    """Every prefix of which the dataset has a record, with results or without."""
    infos = (dataset.get_run_info(key).config for key in dataset.list_runs())
    ours = {records.METHOD, evaluation.METHOD, explanation.METHOD}
    return sorted({config.prefix for config in infos if config.method in ours})
