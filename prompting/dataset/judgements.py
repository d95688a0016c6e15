"""What judging leaves in a dataset besides its fields: the table of an evaluation, and the curves of robustness."""

from __future__ import annotations

from collections.abc import Sequence

import fiftyone as fo

from ..analysis.comparison import Comparison
from ..analysis.robustness import Curve
from ..labels.reading import Reading
from .names import COMPARISON, ROBUSTNESS, comparison_key, robustness_key


def load_comparison(dataset: fo.Dataset, prefix: str = "sam2") -> Comparison | None:
    """The table of the latest evaluation, or None."""
    key = comparison_key(prefix)
    results = dataset.load_run_results(key) if key in dataset.list_runs() else None
    return Comparison.from_dict(results.table) if results else None  # none where it was killed before it wrote them


def truth_reading(dataset: fo.Dataset, prefix: str = "sam2") -> tuple[Reading | None, tuple[int, ...] | None]:
    """What the truth of the latest evaluation was understood as, and the ``ignore_values`` that it was given.

    Both are None where nothing was evaluated, or by an earlier version that recorded neither.
    """
    key = comparison_key(prefix)
    if key not in dataset.list_runs():
        return None, None
    config = dataset.get_run_info(key).config.serialize()
    reading, ignored = config.get("truth_reading"), config.get("ignore_values")
    return Reading.from_dict(reading) if reading else None, None if ignored is None else tuple(ignored)


def save_comparison(dataset: fo.Dataset, prefix: str, reading: Reading, ignored, comparison: Comparison) -> None:
    key = comparison_key(prefix)
    config = dataset.init_run(
        method=COMPARISON,
        prefix=prefix,
        gt_field=reading.field,
        baseline=comparison.baseline,
        ignore_values=None if ignored is None else list(ignored),
        truth_reading=reading.to_dict(),
    )
    dataset.register_run(key, config, overwrite=True)
    dataset.save_run_results(key, dataset.init_run_results(key, table=comparison.to_dict()), overwrite=True)


def replace_comparison(dataset: fo.Dataset, prefix: str, comparison: Comparison) -> None:
    """Keep another table of the same evaluation, which stays as old as it is."""
    key = comparison_key(prefix)
    config = dataset.get_run_info(key).config
    config.baseline = comparison.baseline
    dataset.update_run_config(key, config)
    dataset.save_run_results(key, dataset.init_run_results(key, table=comparison.to_dict()), overwrite=True)


def load_curves(dataset: fo.Dataset, prefix: str = "sam2") -> tuple[Curve, ...]:
    """The robustness curves that were measured last; empty before."""
    key = robustness_key(prefix)
    results = dataset.load_run_results(key) if key in dataset.list_runs() else None
    return tuple(map(Curve.from_dict, results.curves)) if results else ()


def save_curves(dataset: fo.Dataset, prefix: str, model: str, measured: Sequence[Curve]) -> None:
    key = robustness_key(prefix)
    dataset.register_run(key, dataset.init_run(method=ROBUSTNESS, prefix=prefix, model=model), overwrite=True)
    stored = [curve.to_dict() for curve in measured]
    dataset.save_run_results(key, dataset.init_run_results(key, curves=stored), overwrite=True)
