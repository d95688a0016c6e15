"""The comparison over some of the pictures, from the scores that are stored: nothing is evaluated anew."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ..results import NO_PROMPT
from .calibration import calibrate, rank_correlation
from .comparison import Comparison, Row
from .findings import Findings
from .statistics import mean_interval

UNKNOWN = "Pooled scores, instances and robustness are of whole evaluations; over a part they take a new one."


def part_of(findings: Findings, sample_ids: Iterable[str]) -> Findings:
    """What is known of these samples alone, in the order of the whole.

    Means, intervals, differences, tests, calibration and correlations are computed anew from each picture's stored
    scores. What isn't stored a picture is left out (:data:`UNKNOWN`): NaN, or None. There is no comparison where none
    of the samples was scored.

    Args:
        findings: of the whole dataset
        sample_ids: which; others than the findings' are passed over
    """
    wanted = set(sample_ids)
    rows = np.array([i for i, sample_id in enumerate(findings.sample_ids) if sample_id in wanted], int)
    part = replace(
        findings,
        sample_ids=[findings.sample_ids[i] for i in rows],
        status={name: [values[i] for i in rows] for name, values in findings.status.items()},
        score=_of(findings.score, rows),
        iou=_of(findings.iou, rows),
        boundary=_of(findings.boundary, rows),
        errors={name: _of(parts, rows) for name, parts in findings.errors.items()},
        agreement=findings.agreement[rows],
        instances=findings.instances[rows],
        size=findings.size[rows],
        curves=(),
        files=[findings.files[i] for i in rows] if findings.files else [],
    )
    return replace(part, comparison=_comparison(part))


def _of(arrays: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[rows] for name, values in arrays.items()}


def _comparison(part: Findings) -> Comparison | None:
    whole = part.comparison
    if whole is None:
        return None
    scored = [row for row in whole.rows if not np.isnan(part.iou[row.strategy]).all()]
    rows = [_row(part, row) for row in scored]
    if not rows:
        return None
    left_out = min(whole.references, int(part.left_out.sum()))
    taught = whole.taught and min(whole.taught, int(part.taught.sum()))
    return replace(Comparison.of(rows, part.iou, whole.baseline), references=left_out, taught=taught)


def _row(part: Findings, whole: Row) -> Row:
    name = whole.strategy
    ious, boundaries = part.iou[name], part.boundary.get(name, np.array([math.nan]))
    known = ~np.isnan(ious)
    low, high = mean_interval(ious) or (None, None)
    return replace(
        whole,
        images=int(known.sum()),
        support=None,
        mean_iou=float(ious[known].mean()),
        low=low,
        high=high,
        boundary_iou=math.nan if np.isnan(boundaries).all() else float(np.nanmean(boundaries)),
        pooled_iou=math.nan,
        dice=math.nan,
        precision=math.nan,
        recall=math.nan,
        without_prompt=sum(status == NO_PROMPT for status, scored in zip(part.status[name], known) if scored),
        instances=None,
        calibration=calibrate(part.score[name], ious),
        agreement_correlation=rank_correlation(part.agreement, ious),
    )
