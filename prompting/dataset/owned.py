"""What in a dataset is the plugin's own, by the names that its own functions give and by nothing else.

A field that merely begins with the prefix is a person's, and so is one of such
a name but of another type, or alone with nothing that we write with it: into
these the plugin would refuse to write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import fiftyone as fo
from bson import DBRef

from . import names
from .declared import declared
from .everywhere import all_samples
from .names import FinalFields, StrategyFields
from .present import known_strategies

LABELS, NUMBER = fo.EmbeddedDocumentField, fo.FloatField

EARLIER = {(LABELS, fo.Classification): (LABELS, fo.DynamicEmbeddedDocument)}
"""A type -> what earlier versions wrote in its place."""


def strategy_fields(prefix: str, strategy: str) -> dict[str, tuple]:
    """One strategy's: name -> (field type, embedded document type or None)."""
    return {
        **StrategyFields.of(prefix, strategy).types(),
        **{f"{names.evaluation_key(prefix, strategy)}_{score}": (NUMBER, None) for score in names.SCORES},
        **{f"{names.patches_key(prefix, strategy)}_{count}": (fo.IntField, None) for count in names.COUNTS},
        names.error_field(prefix, strategy): (LABELS, fo.Classification),
    }


def shared_fields(prefix: str) -> dict[str, tuple]:
    """Those of all strategies together, in the same form."""
    return {
        names.heatmap_field(prefix): (LABELS, fo.Heatmap),
        names.truth_field(prefix): (LABELS, fo.Segmentation),
        names.overlay_field(prefix): (LABELS, fo.Segmentation),
        names.objects_field(prefix): (LABELS, fo.Detections),
        names.count_field(prefix): (fo.IntField, None),
        names.size_field(prefix): (NUMBER, None),
        names.agreement_field(prefix): (NUMBER, None),
    }


def strangers(dataset: fo.Dataset, fields: Iterable[str], declared_with: str, key: str) -> list[str]:
    """Those of these fields that hold something which is a person's, though their names are ones that we give.

    Args:
        dataset: the dataset
        fields: that we would write
        declared_with: one that we declare with them, and that a person would hardly have too
        key: of the run that says they are ours; it stays behind where samples are copied
    """
    if dataset.has_sample_field(declared_with) or key in dataset.list_runs():
        return []
    there = (name for name in fields if dataset.has_sample_field(name))
    return [name for name in there if len(all_samples(dataset).exists(name).limit(1))]


def own_fields(dataset: fo.Dataset, prefix: str, strategy: str | None = None) -> dict[str, tuple]:
    """All fields of a prefix that any version may have written to a dataset, or those of one strategy alone."""
    each = known_strategies(dataset, prefix) if strategy is None else [strategy]
    of = {
        names.run_key(prefix, one): (StrategyFields.of(prefix, one).mask, strategy_fields(prefix, one)) for one in each
    }
    if strategy is None:
        of[names.comparison_key(prefix)] = names.truth_field(prefix), shared_fields(prefix)
    own, runs = {}, dataset.list_runs()
    for key, (mask, fields) in of.items():
        alone = key not in runs and [name for name in fields if dataset.has_sample_field(name)] == [mask]
        own |= {name: kind for name, kind in fields.items() if not (alone and name == mask)}
    return own


def fields_there(dataset: fo.Dataset, prefix: str, strategy: str | None = None) -> list[str]:
    """Those of :func:`own_fields` that the dataset has."""
    return of_their_types(dataset, own_fields(dataset, prefix, strategy))


def of_their_types(dataset: fo.Dataset, own: Mapping[str, tuple]) -> list[str]:
    """Those of these fields, as :func:`strategy_fields` has them, that a dataset has, and of the type that we give."""
    there = {name: dataset.get_field(name) for name in own}
    kinds = {name: (type(field), getattr(field, "document_type", None)) for name, field in there.items()}
    return [name for name, kind in kinds.items() if kind in (own[name], EARLIER.get(own[name]))]


def own_names(dataset: fo.Dataset, own: Mapping[str, tuple]) -> set[str]:
    """Those of these fields that the dataset has, or that nobody has: not those that are a person's."""
    there = set(of_their_types(dataset, own))
    return {name for name in own if name in there or not dataset.has_sample_field(name)}


def labels_there(dataset: fo.Dataset) -> list[str]:
    """The names of the labels that were taken over or finished, and have their record."""
    configs = (dataset.get_run_info(key).config for key in dataset.list_runs(method=names.LABELS))
    return sorted({config.fields[0] for config in configs})


def label_runs_there(dataset: fo.Dataset, name: str) -> list[str]:
    """The key of the record of labels of a name, where the dataset has it."""
    key = names.labels_key(name)
    ours = name in labels_there(dataset) or half_deleted(dataset._doc.runs, [key])
    return [key] if ours else []


def label_fields(name: str) -> dict[str, tuple]:
    """All fields that labels of a name may have, in the form of :func:`strategy_fields`."""
    return {**FinalFields.of(name).types(), names.outlines_field(name): (LABELS, fo.Polylines)}


def own_label_fields(dataset: fo.Dataset, name: str) -> dict[str, tuple]:
    """Those of :func:`label_fields` that are ours, where the labels' record says so; else all."""
    known = declared(dataset, name)
    return {field: kind for field, kind in label_fields(name).items() if known is None or field in known}


def mixed_label_fields(dataset: fo.Dataset, name: str) -> dict[str, int]:
    """Fields of labels that hold others than ours too: name -> how many, those of samples without a source.

    Finishing into a field that a person had, and had filled in part, keeps what was there. Where no sample's source is
    known, as earlier versions wrote none, all are ours, but in a field that we didn't declare.
    """
    fields, own = FinalFields.of(name), own_label_fields(dataset, name)
    known = fields.source in of_their_types(dataset, own)
    others = all_samples(dataset).exists(fields.source, False) if known else all_samples(dataset)
    there = of_their_types(dataset, {field: label_fields(name)[field] for field in (fields.mask, fields.instances)})
    counts = {field: len(others.exists(field)) for field in there if known or field not in own}
    return {field: count for field, count in counts.items() if count or field not in own}


def evaluations_there(dataset: fo.Dataset, prefix: str, strategy: str | None = None) -> list[str]:
    """The keys of the strategies' evaluations that the dataset has."""
    keys = {}
    for name in _these(dataset, prefix, strategy):
        keys[names.evaluation_key(prefix, name)] = StrategyFields.of(prefix, name).mask
        keys[names.patches_key(prefix, name)] = StrategyFields.of(prefix, name).instances
    there = [
        key
        for key in dataset.list_evaluations()
        if key in keys and getattr(dataset.get_evaluation_info(key).config, "pred_field", None) == keys[key]
    ]
    return sorted([*there, *half_deleted(dataset._doc.evaluations, keys)])


def runs_there(dataset: fo.Dataset, prefix: str, strategy: str | None = None) -> list[str]:
    """The keys of the registered runs that the dataset has: records, the table, the curves."""
    methods = {names.run_key(prefix, name): names.RECORD for name in _these(dataset, prefix, strategy)}
    if strategy is None:
        methods |= {names.comparison_key(prefix): names.COMPARISON, names.robustness_key(prefix): names.ROBUSTNESS}
        methods |= {names.study_key(prefix): names.STUDY, names.next_key(prefix): names.NEXT}
    there = [
        key for key in dataset.list_runs() if key in methods and dataset.get_run_info(key).config.method == methods[key]
    ]
    return sorted([*there, *half_deleted(dataset._doc.runs, methods)])


def _these(dataset: fo.Dataset, prefix: str, strategy: str | None) -> list[str]:
    return [strategy] if strategy else known_strategies(dataset, prefix)


def half_deleted(references: Mapping, keys: Iterable[str]) -> list[str]:
    """Those of our keys whose run is gone and whose reference isn't: FiftyOne was killed between the two."""
    return [key for key in keys if isinstance(references.get(key), DBRef)]


def prefixes_left(dataset: fo.Dataset) -> list[str]:
    """Every prefix of which the dataset has a record, with results or without."""
    infos = (dataset.get_run_info(key).config for key in dataset.list_runs())
    ours = {names.RECORD, names.COMPARISON, names.ROBUSTNESS, names.STUDY, names.NEXT}
    return sorted({config.prefix for config in infos if config.method in ours})
