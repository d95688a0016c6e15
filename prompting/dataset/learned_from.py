"""Who learned from which pictures, by whatever way: from these, from none, or nobody knows from which.

What a strategy learned from is recorded as it is applied, for what its prompts came from may learn from others later. A
picture is its sample and its file: one that is there twice, or was deleted and added again, is no other picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial

import fiftyone as fo
import fiftyone.core.collections as foc

from ..errors import PromptingError
from ..plan import Plan
from ..prompts.strategies import find, strategy_of
from ..prompts.strategy import FIELD, REFERENCE, Strategy
from ..results import OUTDATED
from .everywhere import all_samples
from .finals import sources_told
from .names import FinalFields, StrategyFields, labels_key, outlines_field, run_key, strategies_named_by
from .owned import label_fields, labels_there, of_their_types
from .present import masks_there
from .records import LEARNED_FROM, REFERENCES, recorded, same_references

Ids = tuple[str, ...] | None
"""Of the samples that something learned from; None where nothing records which these are."""


@dataclass(frozen=True)
class Shown:
    """The pictures that something learned from: its samples' ids, and the paths of their files."""

    ids: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def learned_from(dataset: fo.Dataset, prefix: str, names: Iterable[str]) -> dict[str, Ids]:
    """Those rows of a comparison that learned from reference pictures: name -> the ids of those samples.

    So do strategies whose prompts are a reference strategy's results, and labels that were finished from any of these.
    None instead of ids: a record stayed behind, as samples were copied. A ``field_*`` strategy without one may have
    learned from what any reference strategy did, where there are results of some. Rows that learned from none aren't
    in it.

    Args:
        dataset: with the records
        prefix: of the strategies' fields
        names: strategies, and fields with masks that were there already
    """
    ids_of = cache(partial(_ids, dataset))  # many may have learned from the same
    found = {name: ids_of(_of_row(dataset, prefix, name)) for name in names}
    return {name: ids for name, ids in found.items() if ids is None or ids}


def taught_by_field(dataset: fo.Dataset, field: str | None) -> Ids:
    """The samples that those results learned from which a field belongs to; none of a person's own field."""
    return _ids(dataset, _of_field(dataset, field, frozenset())) if field else ()


def taught_by_references(dataset: fo.Dataset, ids: Iterable[str]) -> tuple[str, ...]:
    """The samples of these reference pictures: those that have the same files too."""
    return _ids(dataset, Shown(tuple(ids)))


def to_record(dataset: fo.Dataset, plan: Plan, strategy: str) -> dict | None:
    """What a run of a strategy learns from, as plain JSON for its record; None of one that learns from no picture.

    Its prompts are what they are now, whatever those who made them learn from later. Results that learned from the same
    references before may stay: what they learned from is in it too.

    Args:
        dataset: of the results
        plan: with references that were read
        strategy: one of the plan's
    """
    chosen = strategy_of(strategy)
    if chosen.prior not in (FIELD, REFERENCE):
        return None
    shown, before = _by_plan(dataset, plan, chosen), recorded(dataset, plan.prefix, strategy) or {}
    if chosen.prior == REFERENCE and same_references(before.get(REFERENCES), plan.references_sha256):
        shown = _together([shown, _of_run(dataset, chosen, before, frozenset())])
    return {"ids": None, "files": []} if shown is None else {"ids": list(shown.ids), "files": list(shown.files)}


def prompts_learned_otherwise(dataset: fo.Dataset, plan: Plan, strategy: str) -> bool:
    """Whether the prompts that a strategy would take learned from other pictures than those of the results that it has.

    No, where an earlier version recorded nothing of it.
    """
    chosen, before = strategy_of(strategy), recorded(dataset, plan.prefix, strategy) or {}
    if chosen.prior != FIELD or before.get(LEARNED_FROM) is None:
        return False
    was, now = _of_run(dataset, chosen, before, frozenset()), _by_plan(dataset, plan, chosen)
    return (was and set(was.ids)) != (now and set(now.ids))


def without_references(
    samples: foc.SampleCollection, prefix: str, names: Iterable[str], otherwise: str = ""
) -> tuple[foc.SampleCollection, tuple[str, ...]]:
    """The samples that none of some rows learned from, and the ids of all that they did, here or not.

    Args:
        samples: a dataset or view
        prefix: of the strategies' fields
        names: the rows
        otherwise: what else than applying again a refusal offers, `", or …"`

    Raises:
        PromptingError: nobody knows from which samples one of them learned
    """
    of = learned_from(samples._dataset, prefix, names)
    if unknown := [name for name, ids in of.items() if ids is None]:
        name, again = unknown[0], "apply it again"
        if recorded(samples._dataset, prefix, name):  # what it has its prompts or masks from has no record
            again = "apply again what it has its prompts or its references' masks from, and then it"
        raise PromptingError(
            f"Nothing records which pictures {name!r} learned from (records stay behind when samples are copied"
            f" or results removed), and it would be scored on them; {again}{otherwise}."
        )
    taught = tuple(dict.fromkeys(one for ids in of.values() for one in ids))
    return (samples.exclude(list(taught)) if taught else samples), taught


def _ids(dataset: fo.Dataset, shown: Shown | None) -> Ids:
    """The samples of these pictures, once there and there now: also those that have their files by now."""
    if shown is None or not shown.ids:
        return None if shown is None else ()
    there = all_samples(dataset)
    files = {*shown.files, *there.select(list(shown.ids)).values("filepath")}
    again = there.match({"filepath": {"$in": sorted(files)}}).values("id")
    return tuple(dict.fromkeys([*shown.ids, *again]))


def _of_row(dataset: fo.Dataset, prefix: str, name: str) -> Shown | None:
    strategy = find(name)
    if strategy is None:
        return _of_field(dataset, name, frozenset())
    return _of_run(dataset, strategy, recorded(dataset, prefix, name), frozenset())


def _by_plan(dataset: fo.Dataset, plan: Plan, strategy: Strategy) -> Shown | None:
    """What a strategy learns from that is applied now."""
    parameters = {name: getattr(plan, name) for name in ("prompt_field", "points_field", "reference_field")}
    shown = _of_run(dataset, strategy, {**parameters, "references": plan.references}, frozenset())
    if shown is None or strategy.prior == FIELD:
        return shown
    files = all_samples(dataset).select(list(plan.references)).values("filepath")
    return _together([shown, Shown(files=tuple(files))])


def _of_run(dataset: fo.Dataset, strategy: Strategy, parameters: Mapping | None, seen: frozenset[str]) -> Shown | None:
    """What a run of a strategy with these parameters learned from; None: there is no record of it."""
    if strategy.prior not in (FIELD, REFERENCE):
        return Shown()
    if parameters is None:
        return None if strategy.prior == REFERENCE or _has_reference_results(dataset) else Shown()
    if known := parameters.get(LEARNED_FROM):
        return None if known["ids"] is None else Shown(tuple(known["ids"]), tuple(known["files"]))
    names = ("prompt_field", "points_field") if strategy.prior == FIELD else ("reference_field",)
    through = [_of_field(dataset, field, seen) for field in filter(None, map(parameters.get, names))]
    if strategy.prior == FIELD:
        return _together(through)
    ids = tuple(parameters.get("references") or ())
    return _together([Shown(ids), *through]) if ids else None


def _of_results(dataset: fo.Dataset, prefix: str, strategy: str, seen: frozenset[str]) -> Shown | None:
    """What all masks of a strategy learned from that are there: None where a run stopped before it replaced them all,
    for the record is that run's, and those that are outdated learned from others."""
    shown = _of_run(dataset, find(strategy), recorded(dataset, prefix, strategy), seen)
    status = StrategyFields.of(prefix, strategy).status
    if shown != Shown() and dataset.has_sample_field(status):
        return None if all_samples(dataset).match({status: OUTDATED}).limit(1).values("id") else shown
    return shown


def _of_field(dataset: fo.Dataset, field: str, seen: frozenset[str]) -> Shown | None:
    if field in seen:
        return Shown()
    seen |= {field}
    for name in labels_there(dataset):
        if field in (*FinalFields.of(name).everything, outlines_field(name)):
            return _of_labels(dataset, name, seen)
    found = [_of_results(dataset, prefix, strategy, seen) for prefix, strategy in _owners(dataset, field)]
    found += [_of_run(dataset, strategy, None, seen) for strategy in _sources_without_record(dataset, field)]
    return _together([*found, *(_of_field(dataset, row, seen) for row in _rows_of(dataset, field))])


def _of_labels(dataset: fo.Dataset, name: str, seen: frozenset[str]) -> Shown | None:
    sources = dataset.get_run_info(labels_key(name)).config.sources
    of = {i: find(source.get("strategy") or "") for i, source in enumerate(sources)}
    return _together(
        _of_run(dataset, strategy, sources[i].get("parameters"), seen) for i, strategy in of.items() if strategy
    )


def _sources_without_record(dataset: fo.Dataset, field: str) -> Iterator[Strategy]:
    """The strategies that labels came from whose record stayed behind, if the field is of such: samples tell."""
    for source in dataset.get_field_schema(ftype=fo.StringField):
        name = source.removesuffix("_source")
        if name != source == FinalFields.of(name).source and field in of_their_types(dataset, label_fields(name)):
            yield from map(find, sources_told(dataset, name))


def _has_reference_results(dataset: fo.Dataset) -> bool:
    """Whether there are results of any reference strategy, under whichever prefix."""
    fields = [name for name in dataset.get_field_schema() if REFERENCE in name and name.endswith("_status")]
    return any(find(strategy).prior == REFERENCE for field in fields for _, strategy in _owners(dataset, field))


def _owners(dataset: fo.Dataset, field: str) -> set[tuple[str, str]]:
    """The prefixes and strategies that may have written a field; of a field that is there, those with anything else."""
    runs, gone = dataset.list_runs(), not dataset.has_sample_field(field)
    named = {(prefix, one) for prefix in _prefixes_of(field) for one in strategies_named_by(field, prefix)}
    return {
        (prefix, strategy)
        for prefix, strategy in named
        if gone
        or run_key(prefix, strategy) in runs
        or dataset.has_sample_field(StrategyFields.of(prefix, strategy).status)
    }


def _rows_of(dataset: fo.Dataset, field: str) -> list[str]:
    """The fields with masks that were there already of which another one is a copy, for they are rows of a table."""
    rows = ((prefix, row) for prefix in _prefixes_of(field) for row in masks_there(dataset, prefix))
    return [row for prefix, row in rows if field in StrategyFields.of(prefix, row).everything]


def _prefixes_of(field: str) -> list[str]:
    """All that a field's name may begin with."""
    pieces = field.split("_")
    return ["_".join(pieces[:i]) for i in range(1, len(pieces))]


def _together(several: Iterable[Shown | None]) -> Shown | None:
    """All of them; not known where one isn't."""
    several = list(several)
    if None in several:
        return None
    ids, files = ([one for shown in several for one in getattr(shown, name)] for name in ("ids", "files"))
    return Shown(tuple(dict.fromkeys(ids)), tuple(dict.fromkeys(files)))
