"""Comparing times that a busy machine would blur: one after the other in rounds, A B C A B C, and ratios within rounds.

What else the machine does then hits all alike, and a ratio's spread says how far to trust it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from benchmarks import data
from prompting.analysis.tables import Table

Prepared = Callable[[], AbstractContextManager[Callable[[], object]]]
"""Makes ready, outside the clock, and gives what is timed; closes, outside the clock too."""
OUTPUT = data.ROOT / "benchmarks" / "output"


@dataclass(frozen=True)
class Spread:
    """The median of some measurements, and the lowest and the highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        return f"{digits(self.median)} ({digits(self.low)}–{digits(self.high)})"


def plain(function: Callable[[], object]) -> Prepared:
    """Something to time that needs no preparation."""
    return lambda: nullcontext(function)


def interleaved(
    contestants: Mapping[str, Prepared],
    rounds: int = 3,
    warm_up: int = 1,
    clock: Callable[[Callable[[], object]], float] | None = None,
) -> dict[str, list[float]]:
    """Time all contestants once a round, each with as many threads as torch has now.

    Some libraries set the number of torch's threads for the whole process (Ultralytics does, to all cores but one):
    it is set back before each contestant, with a warning about who changed it.

    Args:
        contestants: what to time, in this order
        rounds: how often
        warm_up: rounds before, whose times don't count
        clock: gives the seconds that a call takes; default :func:`wall`

    Returns:
        each contestant's seconds, one a round
    """
    import torch

    clock, times, threads = clock or wall, {name: [] for name in contestants}, torch.get_num_threads()
    for number in range(-warm_up, rounds):
        for name, prepared in contestants.items():
            with prepared() as function:
                seconds = clock(function)
            if number >= 0:
                times[name].append(seconds)
            if torch.get_num_threads() != threads:
                warnings.warn(f"{name!r} set torch's threads from {threads} to {torch.get_num_threads()}", stacklevel=2)
                torch.set_num_threads(threads)
    return times


def ratio(times: Mapping[str, list[float]], name: str, reference: str) -> Spread:
    """How many times as long a contestant takes as another, compared within each round."""
    return Spread.of([one / other for one, other in zip(times[name], times[reference], strict=True)])


def wall(function: Callable[[], object]) -> float:
    """Seconds until a call's work is done, on the device too."""
    synchronize()
    start = time.perf_counter()
    function()
    synchronize()
    return time.perf_counter() - start


def cuda_events(function: Callable[[], object]) -> float:
    """Seconds that the GPU spends on a call, without what the host does before and after."""
    import torch

    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    synchronize()
    start.record()
    function()
    end.record()
    synchronize()
    return start.elapsed_time(end) / 1000


def synchronize() -> None:
    """Wait for what the device was told to do."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
    elif torch.backends.mps.is_available():
        torch.mps.synchronize()


def digits(value: float) -> str:
    """A number with three digits that mean something."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def add_arguments(parser: argparse.ArgumentParser, name: str, rounds: int = 3) -> None:
    """Where to run, how often, and where the JSON goes."""
    parser.add_argument("--device", default="auto")
    parser.add_argument("--rounds", type=int, default=rounds, help="how often each is timed, after one warm-up")
    parser.add_argument("--json", type=Path, default=OUTPUT / f"{name}.json")


def report(path: Path, tables: list[Table], measured: dict) -> None:
    """Print the tables with what they were measured on, and write everything as JSON."""
    import torch

    # how busy the machine was with other things can't be told from here, but a high load is a warning
    about = {"machine": data.machine(), "threads": torch.get_num_threads(), "load": list(os.getloadavg())}
    for table in tables:
        print(f"\n{table.title}\n{table.note}\n\n{table.markdown()}")
    print(f"\n{about['machine']}; {about['threads']} threads; load average {about['load'][0]:.1f}", flush=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [{"title": t.title, "note": t.note, "columns": t.columns, "rows": t.rows} for t in tables]
    path.write_text(json.dumps({**about, **measured, "tables": cells}, indent=1))
