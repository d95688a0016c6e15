"""The result in a few sentences: who wins, whether that is more than chance, and what to change first."""

from __future__ import annotations

import numpy as np

from ..analysis.attribution import PARTS
from ..analysis.comparison import Row
from ..analysis.findings import Findings
from ..analysis.statistics import TIE
from .content import explanation_of, summary

SIGNIFICANT = 0.05
REMEDIES = {
    "miss": "instances that no prompt points at: try other words for the classes, a lower confidence, or a detector",
    "stray": "prompts that point at nothing: try a higher confidence, or more background phrases",
    "prompt": "prompts that don't fit: try a larger detector, or a box with clicks",
    "choice": "the wrong one of three masks: try boxes, or several clicks, which leave SAM 2 no choice",
    "segmenter": "SAM 2's own, even with the true boxes: try a larger checkpoint first",
}
"""What each part of a loss is, and what to change first where it is the largest."""


def verdict(findings: Findings) -> list[str]:
    """Sentences for the top of the panel and of the report; the first is :func:`~prompting.report.content.summary`."""
    best = findings.best
    if best is None:
        return [summary(findings)]
    return [sentence for sentence in (summary(findings), _chance(best), _change_first(findings, best)) if sentence]


def _chance(best: Row) -> str:
    versus = best.difference
    if versus is None or versus.p is None:
        return ""
    if versus.mean <= TIE:
        return f"So small a difference is a tie (within {TIE})."
    beyond = versus.low is not None and versus.low > 0
    if versus.p < SIGNIFICANT and beyond:
        return "That is more than chance."
    if versus.p >= SIGNIFICANT and not beyond:
        return "That may be chance: look at more pictures."
    why = "its interval says so, the test of ranks" if beyond else "the test of ranks says so, its interval"
    return f"Whether that is more than chance is doubtful: {why} doesn't."


def _change_first(findings: Findings, best: Row) -> str:
    """By the largest part of the best strategy's loss, where it was explained."""
    explanation = explanation_of(findings)
    parts = explanation.parts.get(best.strategy) if explanation else None
    if not parts:
        return ""
    largest = max(PARTS, key=lambda part: parts[part])
    loss = float(np.sum([parts[part] for part in PARTS]))
    if parts[largest] <= TIE:
        return "There is hardly a loss to explain."
    explained = int(np.sum(~np.isnan(findings.errors[best.strategy][PARTS[0]])))
    some = "" if explained >= best.images else f" on the {explained} images that were explained"
    return f"The largest part of its loss of {loss:.3f}{some} ({parts[largest]:+.3f}) is {REMEDIES[largest]}."
