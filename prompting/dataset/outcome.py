"""What a run came to on some samples, in words: a line for each strategy."""

from __future__ import annotations

from collections.abc import Sequence

import fiftyone as fo
import fiftyone.core.collections as foc

from ..results import NO_PROMPT, OK, OUTDATED
from .names import StrategyFields


def outcomes(samples: foc.SampleCollection, prefix: str, strategies: Sequence[str]) -> list[str]:
    """On how many pictures each has masks, on how many it found no prompt, and on how many it failed."""
    fields = [StrategyFields.of(prefix, name).status for name in strategies]
    counted = samples.aggregate([fo.CountValues(field) for field in fields])
    return [f"{name}: {_said(counts)}" for name, counts in zip(strategies, counted)]


def _said(counts: dict[str | None, int]) -> str:
    everything, none = sum(counts.values()), counts.get(NO_PROMPT, 0)
    failed = sum(count for status, count in counts.items() if status not in (OK, NO_PROMPT, OUTDATED, None))
    said = f"masks on {counts.get(OK, 0)} of {everything} pictures"
    said += f", no prompt on {none}" if none else ""
    return said + (f", failed on {failed}" if failed else "")
