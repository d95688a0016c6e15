"""Do time and memory stay flat as datasets grow, and where does the time go?

    python -m benchmarks.scale [--sizes 100 1000 10000] [--images FOLDER --labels COCO.json] [--limit N] [--sam2 nano]

A few pictures are repeated under other names. Each size runs in a process of its own, so that its peak memory is its
own; the database's memory is not in it. All but the largest run before it and after it: what else the machine does in
that hour is then no growth. With all strategies 10,000 samples take hours on a small machine, and a fifth
of that with `--strategies yolo_box`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import data, timing

PICTURES = 20


def main(argv: Sequence[str] | None = None) -> None:
    """Measure each size, print time and memory and where the time goes, and write all as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_arguments(parser)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path, default=timing.OUTPUT / "scale.json")
    parser.add_argument("--sizes", nargs="+", type=int, default=[100, 1000, 10000])
    parser.add_argument("--strategies", nargs="+", help="default: all that find their prompts themselves")
    parser.add_argument("--sam2", default="nano")
    parser.add_argument("--clip", default="nano")
    parser.add_argument("--yolo", default="nano")
    parser.add_argument("--precision", default="auto", help="of the encoder")
    parser.add_argument("--measure", type=int, metavar="SIZE", help=argparse.SUPPRESS)
    given = sys.argv[1:] if argv is None else list(argv)
    args = parser.parse_args(given)
    args.sizes = sorted(args.sizes)
    data.prepare()
    if args.measure:
        print(json.dumps(measure(args)))
        return
    measured = [in_a_process(size, given) for size in there_and_back(args.sizes)]
    timing.report(args.json, [growth(measured), shares(measured)], {"runs": measured})


def there_and_back(sizes: Sequence[int]) -> list[int]:
    """1, 2, 3, 2, 1."""
    return [*sizes, *reversed(sizes[:-1])]


def in_a_process(size: int, given: Sequence[str]) -> dict:
    """What a new process measures of one size."""
    command = [sys.executable, "-m", "benchmarks.scale", *given, "--measure", str(size)]
    output = subprocess.run(command, cwd=data.ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output.splitlines()[-1])


def measure(args: argparse.Namespace) -> dict:
    """Apply the strategies to one size of dataset, with a watch on the stages."""
    from benchmarks.stages import watched
    from benchmarks.weights import timed_sam2
    from prompting.models import catalogue
    from prompting.plan import Plan
    from prompting.prompts.strategies import AUTOMATIC
    from prompting.runs.application import apply
    from prompting.runs.assembly import resolved

    device = catalogue.best_device() if args.device == "auto" else args.device
    with tempfile.TemporaryDirectory(prefix="sam2-prompting-scale-") as folder, timed_sam2(args.sam2, device) as sam2:
        dataset, pictures = repeated(args, Path(folder))
        plan = Plan(
            strategies=tuple(args.strategies or AUTOMATIC),
            sam2_model=sam2.model,
            clip_model=args.clip,
            yolo_model=args.yolo,
            device=device,
            encoder_precision=args.precision,
        )
        plan = resolved(plan)
        steps = apply(dataset, plan)
        start = time.perf_counter()
        next(steps)
        before = time.perf_counter() - start
        with watched() as watch:
            start = time.perf_counter()
            done = []
            for progress in steps:  # noqa: B007
                done.append(time.perf_counter() - start)
            seconds = time.perf_counter() - start
        if progress.failed:
            raise RuntimeError(f"{progress.failed} pictures failed; the times would mean nothing.")
        dataset.delete()
    window = min(args.sizes[0], args.measure)
    return {
        "samples": args.measure,
        "pictures": pictures,
        "model": sam2.about,
        "strategies": list(plan.strategies),
        "precision": plan.encoder_precision,
        "batch": plan.batch_size,
        "device": device,
        "seconds": seconds,
        "seconds_before_first_picture": before,
        "window": window,
        "seconds_of_first_window": done[window - 1],
        "seconds_of_last_window": seconds - (done[-window - 1] if len(done) > window else 0.0),
        "peak_megabytes": peak_megabytes(),
        "stages": dict(watch.waited),
        "stages_behind": dict(watch.behind),
    }


def repeated(args: argparse.Namespace, folder: Path):
    """A dataset of so many samples as asked for, of a few pictures in turn, and how many those are.

    So few that every size holds each as often as the others, or the sizes could not be compared.
    """
    import fiftyone as fo

    source = data.load(args, default=PICTURES)
    paths = [Path(path) for path in source.values("filepath")]
    count = next(n for n in range(len(paths), 0, -1) if all(size % n == 0 for size in args.sizes))
    originals = [Path(shutil.copy2(path, folder / f"picture-{i}{path.suffix}")) for i, path in enumerate(paths[:count])]
    copies = []
    for i in range(args.measure):
        original = originals[i % count]
        copies.append(original.with_name(f"{i:06d}{original.suffix}"))
        try:
            os.link(original, copies[-1])
        except OSError:  # a file system without hard links
            shutil.copyfile(original, copies[-1])
    dataset = fo.Dataset()
    dataset.add_samples([fo.Sample(filepath=str(path)) for path in copies], progress=False)
    return dataset, count


def peak_megabytes() -> float:
    """The most memory that this process has held."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the parent held when it started this process
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1000
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1000


def of_each_size(measured: Sequence[dict]) -> dict[int, list[dict]]:
    """The runs of each size, the smallest first."""
    return {size: [m for m in measured if m["samples"] == size] for size in sorted({m["samples"] for m in measured})}


def growth(measured: Sequence[dict]):
    """A line for each size."""
    from prompting.analysis.tables import Table

    first, base, rows = measured[0], None, []
    for size, runs in of_each_size(measured).items():
        seconds = timing.Spread.of([m["seconds"] / size for m in runs])
        peak = max(m["peak_megabytes"] for m in runs)
        base = base or (seconds.median, peak)
        rows.append(
            (
                f"{size:,}",
                str(seconds),
                f"{seconds.median / base[0]:.2f}",
                timing.digits(statistics.median(m["seconds_of_first_window"] / m["window"] for m in runs)),
                timing.digits(statistics.median(m["seconds_of_last_window"] / m["window"] for m in runs)),
                f"{peak:,.0f}",
                f"{peak / base[1]:.2f}",
                timing.digits(statistics.median(m["seconds_before_first_picture"] for m in runs)),
            )
        )
    window, order = first["window"], [f"{m['samples']:,}" for m in measured]
    columns = (
        "samples", "s/image", "times the first", f"first {window}", f"last {window}", "peak MB", "times the first",
        "s before the first image",
    )  # fmt: skip
    note = (
        f"{first['model']}, {first['precision']}, {len(first['strategies'])} strategies on {first['device']};"
        f" {first['pictures']} pictures repeated, each run in a process of its own: {', '.join(order)} samples."
        " Models are loaded before the first image."
    )
    return Table("Growing datasets", note, columns, tuple(rows))


def shares(measured: Sequence[dict]):
    """Where the time goes: a line for each size, a column for each stage."""
    from benchmarks.stages import ENCODER_AND_PROMPTS, STAGES
    from prompting.analysis.tables import Table

    rows = []
    for size, runs in of_each_size(measured).items():
        seconds = sum(m["seconds"] for m in runs)
        shares = {stage: sum(m["stages"].get(stage, 0.0) for m in runs) / seconds for stage in STAGES}
        other, own = 1 - sum(shares.values()), 1 - sum(shares[stage] for stage in ENCODER_AND_PROMPTS)
        behind = sum(sum(m["stages_behind"].values()) for m in runs) / seconds
        cells = (*shares.values(), other, own, behind)
        rows.append((f"{size:,}", *(f"{share:.1%}" for share in cells)))
    note = (
        "Shares of the run's time. read: samples out of the database; prior: CLIP and YOLO; prompts: making them and"
        " finding clicks; resize: pictures and masks; wait: for the threads that read pictures and write results; own:"
        " all but prior, encode and decode. Behind: what those threads did meanwhile."
    )
    return Table("Where the time goes", note, ("samples", *STAGES, "other", "own", "behind"), tuple(rows))


if __name__ == "__main__":
    sys.exit(main())
