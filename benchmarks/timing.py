"""Comparing how long things take on a machine that is never quiet: in turns, within one run, as ratios."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import data

OUTPUT = data.ROOT / "benchmarks" / "output"


@dataclass(frozen=True)
class Timing:
    """Seconds of one thing that was done several times.

    Attributes:
        seconds: each time's, in order
    """

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def spread(self) -> tuple[float, float]:
        """The shortest and the longest."""
        return min(self.seconds), max(self.seconds)

    def ratio(self, other: Timing) -> float:
        """The median of the ratios of each turn: what slows one turn slows both."""
        return statistics.median(a / b for a, b in zip(self.seconds, other.seconds, strict=True))


def interleaved(candidates: Mapping[str, Callable[[], object]], repeats: int, warm_up: int = 1) -> dict[str, Timing]:
    """Do everything in turns, A B C A B C …

    Args:
        candidates: what to do, by name
        repeats: turns that count
        warm_up: turns before them, which don't
    """
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(warm_up + repeats):
        for name, do in candidates.items():
            start = time.perf_counter()
            do()
            if turn >= warm_up:
                seconds[name].append(time.perf_counter() - start)
    return {name: Timing(tuple(times)) for name, times in seconds.items()}


def save(name: str, document: dict) -> Path:
    """Keep a benchmark's numbers as JSON in benchmarks/output, with the machine."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    path = OUTPUT / f"{name}.json"
    path.write_text(json.dumps({"machine": data.machine(), **document}, indent=2, default=vars) + "\n")
    return path
