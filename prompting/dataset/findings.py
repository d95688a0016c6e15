"""Everything that a dataset knows of its strategies, read in bulk for the panel and the report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timezone

import fiftyone as fo
import numpy as np

from ..analysis.attribution import PARTS
from ..analysis.comparison import Comparison
from ..analysis.robustness import Curve
from ..runs.agreement import agreement_field
from ..runs.evaluation import comparison_key, evaluation_key, load_comparison, strategies_in
from ..runs.explanation import load_curves
from .records import METHOD, replaced_at
from .storage import StrategyFields, error_field
from .truth import count_field, size_field


@dataclass(frozen=True)
class Findings:
    """What is known of the strategies with one prefix, over the N samples that have results of any of them.

    Arrays are (N,) float with NaN where something isn't known, in the dataset's order.

    Attributes:
        prefix: of the fields
        strategies: those that have results; the best first where they were evaluated
        comparison: the table of the latest evaluation; None before one
        sample_ids: N ids
        status: each strategy's statuses, None where it wasn't applied
        score: each strategy's mean predicted IoU
        iou: each evaluated strategy's IoU with the truth
        errors: each explained strategy's parts of the loss
        agreement: mean IoU between the strategies' masks, which needs no truth
        instances: how many instances the truth has
        size: the share of the picture that the largest of them covers
        curves: how prompts bear being wrong; empty where it wasn't measured
        outdated: strategies that were applied again, after they were evaluated, to what had been scored
        boundary: each evaluated strategy's boundary IoU
        files: N names of the pictures' files, without folders
    """

    prefix: str
    strategies: tuple[str, ...]
    comparison: Comparison | None
    sample_ids: list[str]
    status: dict[str, list[str | None]]
    score: dict[str, np.ndarray]
    iou: dict[str, np.ndarray]
    errors: dict[str, dict[str, np.ndarray]]
    agreement: np.ndarray
    instances: np.ndarray
    size: np.ndarray
    curves: tuple[Curve, ...] = field(default=())
    outdated: tuple[str, ...] = field(default=())
    boundary: dict[str, np.ndarray] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)

    @property
    def evaluated(self) -> tuple[str, ...]:
        """The strategies of the table, the best first."""
        return tuple(row.strategy for row in self.comparison.rows) if self.comparison else ()


def prefixes(dataset: fo.Dataset) -> list[str]:
    """The prefixes under which strategies were applied to a dataset."""
    found = {}
    for key in dataset.list_runs(method=METHOD):
        config = dataset.get_run_info(key).config
        if dataset.has_sample_field(StrategyFields.of(config.prefix, config.strategy).status):
            found[config.prefix] = None
    return sorted(found)


def load_findings(dataset: fo.Dataset, prefix: str = "sam2") -> Findings:
    """Read everything at once: one query for all samples, and nothing that is as large as a mask."""
    there = strategies_in(dataset, prefix)
    comparison = _comparison(dataset, prefix)
    evaluated = [row.strategy for row in comparison.rows] if comparison else []
    strategies = (*(n for n in evaluated if n in there), *(n for n in there if n not in evaluated))
    of = {name: StrategyFields.of(prefix, name) for name in strategies}
    places = {name: (error_field(prefix, name),) for name in evaluated}
    errors = {name: list(filter(dataset.has_field, paths)) for name, paths in places.items()}

    paths = [fields.status for fields in of.values()] + [fields.score for fields in of.values()]
    paths += [f"{evaluation_key(prefix, name)}{score}" for name in evaluated for score in ("_iou", "_boundary_iou")]
    paths += [f"{path}.{part}" for where in errors.values() for path in where for part in PARTS]
    paths += ["filepath", agreement_field(prefix), count_field(prefix), size_field(prefix)]
    ids, values = _read(dataset, paths, [fields.status for fields in of.values()])
    return Findings(
        prefix=prefix,
        strategies=strategies,
        comparison=comparison,
        sample_ids=ids,
        status={name: values[fields.status] for name, fields in of.items()},
        score={name: _floats(values[fields.score]) for name, fields in of.items()},
        iou={name: _floats(values[f"{evaluation_key(prefix, name)}_iou"]) for name in evaluated},
        errors={
            name: {part: _first_known([values[f"{path}.{part}"] for path in where]) for part in PARTS}
            for name, where in errors.items()
            if where
        },
        agreement=_floats(values[agreement_field(prefix)]),
        instances=_floats(values[count_field(prefix)]),
        size=_floats(values[size_field(prefix)]),
        curves=load_curves(dataset, prefix),
        outdated=_outdated(dataset, prefix, evaluated) if comparison else (),
        boundary={name: _floats(values[f"{evaluation_key(prefix, name)}_boundary_iou"]) for name in evaluated},
        files=[os.path.basename(path) for path in values["filepath"]],
    )


def _comparison(dataset: fo.Dataset, prefix: str) -> Comparison | None:
    """The table without the strategies whose scores somebody deleted since."""
    stored = load_comparison(dataset, prefix)
    rows = stored.rows if stored else ()
    there = [row for row in rows if dataset.has_sample_field(f"{evaluation_key(prefix, row.strategy)}_iou")]
    return replace(stored, rows=tuple(there)) if there else None


def _read(dataset: fo.Dataset, paths: Sequence[str], statuses: Sequence[str]) -> tuple[list[str], dict[str, list]]:
    """Ids and values of the samples that any strategy was applied to; None for what isn't there."""
    known = [path for path in paths if dataset.has_field(path)]
    ids, *columns = dataset.values(["id", *known])
    values = dict(zip(known, columns))
    rows = [i for i in range(len(ids)) if any(values[status][i] is not None for status in statuses)]
    nothing = [None] * len(ids)
    return [ids[i] for i in rows], {path: [values.get(path, nothing)[i] for i in rows] for path in paths}


def _floats(values: Sequence[float | None]) -> np.ndarray:
    return np.array(values, float)


def _first_known(columns: Sequence[Sequence[float | None]]) -> np.ndarray:
    """Of each sample the first number that there is, NaN without any."""
    first, *others = map(_floats, columns)
    for other in others:
        first = np.where(np.isnan(first), other, first)
    return first


def _outdated(dataset: fo.Dataset, prefix: str, evaluated: Sequence[str]) -> tuple[str, ...]:
    """The strategies whose masks may be younger than their scores."""
    scored = dataset.get_run_info(comparison_key(prefix)).timestamp.replace(tzinfo=timezone.utc)
    replaced = {name: replaced_at(dataset, prefix, name) for name in evaluated}
    return tuple(name for name, when in replaced.items() if when and when > scored)
