"""The pictures that a person wants to look at next: who wins where, the worst, the missed, the disputed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..results import NO_PROMPT
from .findings import Findings
from .statistics import TIE

FAILED = 0.5
"""A strategy fails on an image where its IoU is below: the threshold at which detections are usually matched."""

WORST = 25


@dataclass(frozen=True)
class Selection:
    """Some of the samples, the most telling first.

    Attributes:
        title: what they are, for notices and names of views
        sample_ids: their ids
    """

    title: str
    sample_ids: list[str]


def a_beats_b(findings: Findings, a: str, b: str) -> Selection:
    """Where ``a`` is better than ``b`` by more than a tie, the largest difference first."""
    gain = findings.iou[a] - findings.iou[b]
    return _ordered(findings, f"{a} beats {b}", gain > TIE, -gain)


def worst(findings: Findings, a: str, count: int = WORST) -> Selection:
    """The images on which ``a`` has its lowest IoU (its lowest predicted IoU where there is no truth)."""
    scores = findings.iou.get(a, findings.score[a])
    selection = _ordered(findings, f"worst {count} of {a}", ~np.isnan(scores), scores)
    return Selection(selection.title, selection.sample_ids[:count])


def no_prompt(findings: Findings, a: str) -> Selection:
    """Where ``a`` found nothing to prompt; those with the largest people first, where that is known."""
    missed = np.array([status == NO_PROMPT for status in findings.status[a]], bool)
    return _ordered(findings, f"{a} found no prompt", missed, -np.nan_to_num(findings.size))


def unmade(findings: Findings, a: str) -> Selection:
    """Pictures of which ``a`` made nothing, for an error that their status field tells."""
    broken = np.array([str(status).startswith("error") for status in findings.status[a]], bool)
    return _ordered(findings, f"{a} could not process", broken, np.zeros(len(broken)))


def all_fail(findings: Findings) -> Selection:
    """Where no evaluated strategy reaches an IoU of 0.5, the worst first."""
    best = np.max([findings.iou[name] for name in findings.evaluated], axis=0)
    return _ordered(findings, "all strategies fail", best < FAILED, best)


def disagree(findings: Findings, count: int = WORST) -> Selection:
    """Where the strategies' masks agree least with each other, which needs no truth."""
    known = ~np.isnan(findings.agreement) & (findings.agreement < 1)
    selection = _ordered(findings, "strategies disagree", known, findings.agreement)
    return Selection(selection.title, selection.sample_ids[:count])


def _ordered(findings: Findings, title: str, wanted: np.ndarray, by: np.ndarray) -> Selection:
    rows = np.flatnonzero(wanted)
    rows = rows[np.argsort(by[rows], kind="stable")]
    return Selection(title, [findings.sample_ids[i] for i in rows])
