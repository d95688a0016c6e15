"""What do Ray's workers bring, and what does Ray cost?

    python -m benchmarks.cluster [--workers 1 2] [--samples 300] [--images FOLDER --labels COCO.json] [--sam2 nano]

One process with one thread, and so many workers of Ray's with one thread each on this machine, take turns on the same
samples: a few pictures, repeated under other names. What is compared is the time from the first page to the last
result; what it takes to start is told apart. It needs a core for each worker, and a machine with nothing else to do.

As many fresh processes that know nothing of each other, each with its share of the samples and no Ray, say what the
machine itself gives: its memory, its database and its clock are shared. What Ray costs is told beside them, whose first
pictures take as long as a worker's; this process has seen some before.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks import data, timing
from benchmarks.scale import repeated

PARTS = 4
THIS, RAY, WITHOUT = "this process", "by Ray", "without Ray"


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print a table, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_arguments(parser)
    timing.add_arguments(parser, "cluster", rounds=3)
    cores = os.cpu_count() or 1
    parser.add_argument("--workers", nargs="+", type=int, default=[n for n in (1, 2, 4, 8) if n <= cores])
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--strategies", nargs="+", default=["yolo_box"])
    parser.add_argument("--sam2", default="nano")
    parser.add_argument("--clip", default="nano")
    parser.add_argument("--yolo", default="nano")
    args = parser.parse_args(argv)
    os.environ["OMP_NUM_THREADS"] = "1"
    data.prepare()
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="sam2-prompting-cluster-") as folder:
        args.sizes, args.measure = [args.samples], args.samples
        dataset, pictures = repeated(args, Path(folder))
        once(args, dataset.limit(8))  # models are loaded, and files read
        runs = []
        for _ in range(args.rounds):
            runs.append(once(args, dataset))
            for count in args.workers:
                runs += [once(args, dataset, count), apart(args, dataset, count)]
    timing.report(args.json, [table(args, runs, pictures)], {"runs": runs})


def once(args: argparse.Namespace, samples, count: int = 0, together: threading.Barrier | None = None) -> dict:
    """One run, by so many workers of Ray's; by this process where there are none, together with others."""
    from prompting.cluster.asked import Cluster
    from prompting.plan import Plan
    from prompting.runs.application import apply
    from prompting.runs.crew import HERE

    models = {"sam2_model": args.sam2, "clip_model": args.clip, "yolo_model": args.yolo, "device": args.device}
    dataset = samples._dataset.clone()
    steps = apply(
        dataset.select(samples.values("id")),
        Plan(strategies=tuple(args.strategies), **models),
        Cluster(count) if count else HERE,
    )
    begun = time.perf_counter()
    next(steps)
    loaded = time.perf_counter()
    if together:
        together.wait()
    start, done = time.perf_counter(), []
    for step in steps:  # noqa: B007
        done.append(time.perf_counter() - start)
    dataset.delete()
    if step.failed:
        raise RuntimeError(f"{step.failed} pictures failed; the times would mean nothing.")
    return {"by": f"{count} {RAY}" if count else THIS, "start": loaded - begun, "done": done}


def apart(args: argparse.Namespace, dataset, count: int) -> dict:
    """So many processes at once, each with its share, without Ray."""
    ids = dataset.values("id")
    spawn = multiprocessing.get_context("spawn")
    with spawn.Manager() as manager, ProcessPoolExecutor(count, spawn) as processes:
        together = manager.Barrier(count)
        shares = [processes.submit(_share, args, dataset.name, ids[i::count], together) for i in range(count)]
        runs = [share.result() for share in shares]
    done = sorted(second for run in runs for second in run["done"])
    return {"by": f"{count} {WITHOUT}", "start": max(run["start"] for run in runs), "done": done}


def _share(args: argparse.Namespace, name: str, ids: Sequence[str], together: threading.Barrier) -> dict:
    import fiftyone as fo
    import torch

    torch.set_num_threads(1)
    return once(args, fo.load_dataset(name).select(ids), together=together)


def table(args: argparse.Namespace, runs: Sequence[dict], pictures: int):
    """A line for this process, for each number of workers, and for as many processes without Ray."""
    from prompting.analysis.tables import Table

    of = {name: [run for run in runs if run["by"] == name] for name in dict.fromkeys(run["by"] for run in runs)}
    speeds = {name: [len(run["done"]) / run["done"][-1] for run in those] for name, those in of.items()}
    rows = []
    for name, those in of.items():
        count, _, kind = name.partition(" ")
        one, without = f"{args.workers[0]} {kind}", f"{count} {WITHOUT}"
        parts = [timing.Spread.of([_speed(run, part) for run in those]).median for part in range(PARTS)]
        row = (
            name,
            str(timing.Spread.of(speeds[name])),
            str(_ratio(speeds[name], speeds[THIS])),
            str(_ratio(speeds[name], speeds[one])) if one in speeds else "",
            str(_ratio(speeds[name], speeds[without])) if kind == RAY else "",
            " ".join(map(timing.digits, parts)),
            timing.digits(timing.Spread.of([run["start"] for run in those]).median),
        )
        rows.append(row)
    columns = (
        "workers", "samples/s", "times this process", "times the fewest", "times without Ray", "of each quarter",
        "s to start",
    )  # fmt: skip
    note = (
        f"{args.sam2}, {', '.join(args.strategies)}, {args.samples} samples of {pictures} pictures, one thread each;"
        f" {args.rounds} rounds."
    )
    return Table("Workers by Ray", note, columns, tuple(rows))


def _speed(run: dict, part: int) -> float:
    """Samples a second in one of the equal parts of a run."""
    first, last = (len(run["done"]) * (part + i) // PARTS for i in (0, 1))
    began = run["done"][first - 1] if first else 0.0
    return (last - first) / max(run["done"][last - 1] - began, 1e-9)


def _ratio(speeds: Sequence[float], others: Sequence[float]) -> timing.Spread:
    return timing.Spread.of([one / other for one, other in zip(speeds, others, strict=True)])


if __name__ == "__main__":
    main()
