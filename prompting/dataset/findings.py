"""Reading all that a dataset knows of its strategies, in bulk: one query for all samples, and no mask at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import timezone

import fiftyone as fo
import numpy as np

from ..analysis.attribution import PARTS
from ..analysis.comparison import Comparison
from ..analysis.findings import Findings
from ..results import OUTDATED
from .appearance import strategy_colours
from .finals import final_names
from .judgements import load_comparison, load_curves
from .learned_from import learned_from
from .names import StrategyFields, agreement_field, comparison_key, count_field, error_field, evaluation_key, size_field
from .present import strategies_in
from .records import replaced_at


def load_findings(dataset: fo.Dataset, prefix: str = "sam2") -> Findings:
    """Read everything at once: one query for all samples, and nothing that is as large as a mask."""
    there = strategies_in(dataset, prefix)
    comparison = _comparison(dataset, prefix)
    evaluated = [row.strategy for row in comparison.rows] if comparison else []
    strategies = (*(n for n in evaluated if n in there), *(n for n in there if n not in evaluated))
    of = {name: StrategyFields.of(prefix, name) for name in strategies}
    explained = {name: error_field(prefix, name) for name in evaluated if dataset.has_field(error_field(prefix, name))}

    paths = [fields.status for fields in of.values()] + [fields.score for fields in of.values()]
    paths += [f"{evaluation_key(prefix, name)}{score}" for name in evaluated for score in ("_iou", "_boundary_iou")]
    paths += [f"{path}.{part}" for path in explained.values() for part in PARTS]
    paths += ["filepath", agreement_field(prefix), count_field(prefix), size_field(prefix)]
    taught = learned_from(dataset, prefix, evaluated or strategies)
    ids, values = _read(dataset, paths, [fields.status for fields in of.values()])
    return Findings(
        prefix=prefix,
        strategies=strategies,
        comparison=comparison,
        sample_ids=ids,
        status={name: [None if one == OUTDATED else one for one in values[of[name].status]] for name in of},
        score={name: _floats(values[fields.score]) for name, fields in of.items()},
        iou={name: _floats(values[f"{evaluation_key(prefix, name)}_iou"]) for name in evaluated},
        errors={name: {part: _floats(values[f"{path}.{part}"]) for part in PARTS} for name, path in explained.items()},
        agreement=_floats(values[agreement_field(prefix)]),
        instances=_floats(values[count_field(prefix)]),
        size=_floats(values[size_field(prefix)]),
        curves=load_curves(dataset, prefix),
        outdated=outdated(dataset, prefix, evaluated) if comparison else (),
        boundary={name: _floats(values[f"{evaluation_key(prefix, name)}_boundary_iou"]) for name in evaluated},
        files=[os.path.basename(path) for path in values["filepath"]],
        references=frozenset(one for known in taught.values() for one in known or ()),
        finished=frozenset(final_names(dataset)).intersection(evaluated),
        colours=strategy_colours(dataset, prefix),
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


def outdated(dataset: fo.Dataset, prefix: str, evaluated: Sequence[str]) -> tuple[str, ...]:
    """Those of these evaluated strategies whose masks may be younger than their scores."""
    if comparison_key(prefix) not in dataset.list_runs():
        return ()
    scored = dataset.get_run_info(comparison_key(prefix)).timestamp.replace(tzinfo=timezone.utc)
    replaced = {name: replaced_at(dataset, prefix, name) for name in evaluated}
    return tuple(name for name, when in replaced.items() if when and when > scored)
