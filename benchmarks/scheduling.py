"""How much time do stragglers and failures cost a run on many workers, by the number of samples in a page?

    python -m benchmarks.scheduling [--workers 64] [--samples 1000000] [--seconds 0.19] [--failures 0 0.02 0.2]
    python -m benchmarks.scheduling --measure [--images FOLDER --labels COCO.json]

A simulation: workers take pages as the Ray engine gives them. What a sample takes is drawn from a lognormal
distribution, or from what each photograph was measured to take (of processor time, all strategies, bundled models),
brought to the same mean. Workers differ in speed; each fails so often an hour, another one begins its page again, and a
new worker loads its models before it takes a page. Each page costs a call and a query. The time lost is what the run
takes beyond that in which all workers would be done at the same moment.
"""

from __future__ import annotations

import argparse
import heapq
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import data, timing
from prompting.cluster.pages import Pages

WARM_UP, BATCH = 3, 8


@dataclass(frozen=True)
class Machines:
    """What the simulation supposes.

    Attributes:
        workers: at once
        failures: of each worker, an hour
        start_seconds: before a new worker takes its first page: its process, its models
        page_seconds: what each page costs beside its samples
        spread: of the workers' speeds, the standard deviation of their logarithm
    """

    workers: int
    failures: float
    start_seconds: float = 60.0
    page_seconds: float = 0.02
    spread: float = 0.05


@dataclass(frozen=True)
class Lost:
    """Shares of the run's ideal time.

    Attributes:
        total: all that is lost
        pages: by what pages cost beside their samples
        again: by samples that were done, or begun, when a worker failed, and by workers' starting again
        end: by workers that have nothing left to do while the last pages are done, and by those that are slow
    """

    total: float
    pages: float
    again: float
    end: float


def main(argv: Sequence[str] | None = None) -> None:
    """Simulate each page size and rate of failures, print a table, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_arguments(parser)
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=0.19, help="of a sample, on average")
    parser.add_argument("--sigma", type=float, default=0.5, help="of the logarithm of a sample's seconds")
    parser.add_argument("--measure", action="store_true", help="have the spread of photographs, in place of sigma")
    parser.add_argument("--pages", nargs="+", type=int, default=[1, 8, 48, 200, 1000, 5000, 0], help="0: the engine's")
    parser.add_argument("--failures", nargs="+", type=float, default=[0, 0.02, 0.2], help="of each worker, an hour")
    parser.add_argument("--start", type=float, default=60.0, help="seconds until a new worker takes its first page")
    parser.add_argument("--spread", type=float, default=0.05, help="of the workers' speeds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, default=timing.OUTPUT / "scheduling.json")
    args = parser.parse_args(argv)
    data.prepare()
    measured = measure(args) if args.measure else None
    found = {}
    for failures in args.failures:
        for page in args.pages:
            rng = np.random.default_rng(args.seed)
            times = drawn(args.samples, rng, measured, args.seconds, args.sigma)
            machines = Machines(args.workers, failures, args.start, spread=args.spread)
            found[failures, page] = simulate(times, page, machines, rng)
    if measured is not None:
        print(f"{len(measured)} photographs: mean {measured.mean():.3g} s, sigma {np.log(measured).std():.2f}")
    told = {"lost": [(*key, *vars(one).values()) for key, one in found.items()]}
    timing.report(args.json, [_table(args, found)], told)


def measure(args: argparse.Namespace) -> np.ndarray:
    """Seconds of processor time that each photograph takes in a real run."""
    from benchmarks.repeated_results import plan_for
    from prompting.prompts.strategies import AUTOMATIC
    from prompting.runs.application import apply

    steps, times = apply(data.load(args), plan_for(AUTOMATIC, batch_size=1)), []
    next(steps)
    before = time.process_time()
    for _ in steps:
        now = time.process_time()
        times.append(now - before)
        before = now
    return np.array(times[WARM_UP:])


def drawn(
    count: int, rng: np.random.Generator, measured: np.ndarray | None = None, mean: float = 0.19, sigma: float = 0.5
) -> np.ndarray:
    """(count,) seconds of samples: spread as measured ones, which are drawn with replacement, or lognormal."""
    if measured is not None:
        return rng.choice(measured * mean / measured.mean(), count)
    return rng.lognormal(np.log(mean) - sigma**2 / 2, sigma, count)


class Fixed(Pages):
    """Pages of the same length."""

    def __init__(self, items: Mapping, at_once: int, workers: int, length: int):
        super().__init__(items, at_once, workers)
        self._fixed = length

    def _length(self) -> int:
        return self._fixed


def simulate(times: np.ndarray, page: int, machines: Machines, rng: np.random.Generator) -> Lost:
    """A run, page by page, by the engine's own rule of what comes next and of what becomes of a page that died.

    Args:
        times: (N,) seconds of the samples, in their order
        page: samples of a page; 0: as many as the engine gives
        machines: the workers
        rng: of their speeds and failures
    """
    items, count, seconds_of = dict.fromkeys(range(len(times))), machines.workers, times.tolist()
    pages = Fixed(items, min(BATCH, page), count, page) if page else Pages(items, BATCH, count)
    slowness = np.exp(rng.normal(-(machines.spread**2) / 2, machines.spread, count)).tolist()
    rate = machines.failures / 3600
    failing = rng.exponential(1 / rate, count).tolist() if rate else [np.inf] * count
    free = [(0.0, worker, 0.0, None, False) for worker in range(count)]
    idle, again, calls, last = [], 0.0, 0, 0.0
    while free:
        now, worker, begun, done, died = heapq.heappop(free)
        if died:
            pages.died(done)
            heapq.heappush(free, (now + machines.start_seconds, worker, now, None, False))
            for other in idle:  # somebody who waits takes it
                heapq.heappush(free, (now, other, now, None, False))
            idle = []
            continue
        if done is not None:
            pages.took(done, now - begun)
            last = now
        following = pages.next()
        if following is None:
            idle.append(worker)
            continue
        calls += 1
        end = now + machines.page_seconds + slowness[worker] * sum(seconds_of[i] for i in following.items)
        if end > failing[worker]:
            failed = max(failing[worker], now)
            again += failed - now + machines.start_seconds
            failing[worker] = failed + machines.start_seconds + rng.exponential(1 / rate)
            heapq.heappush(free, (failed, worker, now, following, True))
        else:
            heapq.heappush(free, (end, worker, now, following, False))
    ideal = float(times.sum()) / sum(1 / one for one in slowness)
    own, lost = (share / count / ideal for share in (calls * machines.page_seconds, again))
    return Lost(last / ideal - 1, own, lost, last / ideal - 1 - own - lost)


def _table(args: argparse.Namespace, found: dict[tuple[float, int], Lost]):
    from prompting.analysis.tables import Table

    rows, seconds = [], args.seconds
    for page in args.pages:
        cells = [found[failures, page] for failures in args.failures]
        first = cells[0]
        own = (f"{page:,}", f"{page * seconds:.3g}") if page else ("the engine's", "5 or less")
        rows.append((*own, f"{first.pages:.1%}", *(f"{one.total:.1%}" for one in cells)))
    columns = (
        "samples a page", "s a page", "of it pages' own cost",
        *(f"lost, {failures:g} failures a worker and hour" for failures in args.failures),
    )  # fmt: skip
    ideal = args.samples * seconds / args.workers / 3600
    note = (
        f"{args.workers} workers, {args.samples:,} samples of {seconds:g} s on average: {ideal:.1f} hours where nothing"
        f" is lost. {args.start:g} s until a worker that failed works again."
    )
    return Table("What scheduling costs", note, columns, tuple(rows))


if __name__ == "__main__":
    sys.exit(main())
