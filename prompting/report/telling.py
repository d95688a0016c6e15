"""Which pictures tell most about the strategies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..analysis.findings import Findings
from ..analysis.statistics import TIE

PICTURES, SHOWN = 12, 4


@dataclass(frozen=True)
class Example:
    """A picture, the strategies to show it with (the better first), and why it is shown.

    Attributes:
        row: of the findings
        strategies: at most four
        reason: a few words
    """

    row: int
    strategies: tuple[str, ...]
    reason: str


def telling(findings: Findings, most: int = PICTURES) -> tuple[str, list[Example]]:
    """The pictures to look at first.

    With a truth those in which the strategies' IoU differs the most, or, where
    it differs nowhere, those with the lowest IoU; without one those on which
    the strategies agree the least.

    Returns:
        by what they were chosen, as a sentence; and at most ``most`` examples
    """
    names = [name for name in findings.evaluated if name in findings.iou]
    if names:
        return _evaluated(findings, names, most)
    known = np.flatnonzero(~np.isnan(findings.agreement))
    if len(known):
        rows = known[np.argsort(findings.agreement[known], kind="stable")][:most]
        sentence = "The pictures on which the strategies agree the least."
        values = findings.agreement[rows]
        return sentence, [
            Example(int(row), findings.strategies[:SHOWN], f"agreement {value:.2f}")
            for row, value in zip(rows, values, strict=True)
        ]
    rows = range(min(most, len(findings.sample_ids)))
    return "The first pictures of the dataset.", [Example(row, findings.strategies[:SHOWN], "") for row in rows]


def _evaluated(findings: Findings, names: list[str], most: int) -> tuple[str, list[Example]]:
    ious = np.stack([findings.iou[name] for name in names])
    rows = np.flatnonzero(~np.isnan(ious).all(axis=0))
    low, high = np.nanmin(ious[:, rows], axis=0), np.nanmax(ious[:, rows], axis=0)
    different = high - low > TIE
    if different.any():
        sentence = "The pictures on which the strategies' IoU differs the most."
        order = [i for i in np.argsort(low - high, kind="stable") if different[i]]
    else:
        sentence = "The pictures with the lowest IoU."
        order = list(np.argsort(low, kind="stable"))
    examples = []
    for i in order[:most]:
        row = int(rows[i])
        between = f"IoU from {low[i]:.2f} to {high[i]:.2f}" if different[i] else f"IoU {low[i]:.2f}"
        examples.append(Example(row, _shown(findings, names, row), between))
    return sentence, examples


def _shown(findings: Findings, names: list[str], row: int) -> tuple[str, ...]:
    """The best and the worst strategy on a picture, the best of all, the baseline; then in the table's order."""
    scored = [name for name in names if not np.isnan(findings.iou[name][row])]
    ordered = sorted(scored, key=lambda name: -findings.iou[name][row])
    if len(ordered) <= SHOWN:
        return tuple(ordered)
    ranked = [ordered[0], ordered[-1], names[0], findings.comparison.baseline, *names]
    wanted = list(dict.fromkeys(name for name in ranked if name in scored))[:SHOWN]
    return tuple(name for name in ordered if name in wanted)
