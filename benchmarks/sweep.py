"""What more strategies cost: seconds an image for 1, 3 and 7, against encoding alone in sam2's own loop.

    python -m benchmarks.sweep [--images FOLDER --labels COCO.json] [--limit N] [--sam2 nano sam2.1-hiera-tiny]

The plugin reads the pictures, finds the prompts, decodes and writes to the database; the loop is given pictures in
memory and writes nothing. Both within the same rounds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from statistics import median

from benchmarks import data, timing

ENCODE = "encode only"


def main(argv: Sequence[str] | None = None) -> None:
    """Print a table for each model and write all as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_arguments(parser)
    timing.add_arguments(parser, "sweep")
    parser.add_argument("--sam2", nargs="+", default=["nano", "sam2.1-hiera-tiny"], metavar="MODEL")
    parser.add_argument("--clip", default="nano")
    parser.add_argument("--yolo", default="nano")
    args = parser.parse_args(argv)
    data.prepare()
    dataset = data.load(args, default=2)
    tables, measured = [], {}
    for name in args.sam2:
        table, measured[name] = measure(dataset, name, args)
        tables.append(table)
    timing.report(args.json, tables, measured)


def measure(dataset, name: str, args: argparse.Namespace):
    """Time one SAM 2; its table and its numbers."""
    from benchmarks.contestants import applied, encode_only
    from benchmarks.weights import timed_sam2
    from prompting.models import catalogue
    from prompting.pixels.images import read_image
    from prompting.plan import Plan
    from prompting.prompts.strategies import AUTOMATIC
    from prompting.segmentation.precision import AUTO, FLOAT32, resolve_precision

    sweeps = (("yolo_box",), ("clip_point", "clip_box", "yolo_box"), AUTOMATIC)
    device = catalogue.best_device() if args.device == "auto" else args.device
    images = [read_image(path) for path in dataset.values("filepath")]
    with timed_sam2(name, device) as sam2:
        predictor = sam2.predictor()
        contestants = {ENCODE: timing.plain(lambda: encode_only(predictor, images))}
        titles, starts = {ENCODE: ("sam2's set_image loop", FLOAT32)}, {}
        for precision in dict.fromkeys((FLOAT32, resolve_precision(AUTO, device))):
            for strategies in sweeps:
                key = f"{len(strategies)} {precision}"
                plan = Plan(
                    strategies=strategies,
                    sam2_model=sam2.model,
                    clip_model=args.clip,
                    yolo_model=args.yolo,
                    device=device,
                    encoder_precision=precision,
                )
                starts[key] = []
                contestants[key] = applied(dataset, plan, starts[key])
                noun = "strategy" if len(strategies) == 1 else "strategies"
                titles[key] = (f"plugin, {len(strategies)} {noun}", precision)
        times = timing.interleaved(contestants, args.rounds)
    return as_table(sam2.about, times, titles, starts, len(images), device), {
        "model": sam2.about,
        "pictures": len(images),
        "device": device,
        "clip": args.clip,
        "yolo": args.yolo,
        "seconds": times,
        "seconds_before_first_picture": starts,
        "strategies": [list(strategies) for strategies in sweeps],
    }


def as_table(about: str, times, titles, starts, pictures: int, device: str):
    """A line for each contestant."""
    from prompting.analysis.tables import Table

    rows = tuple(
        (
            *titles[key],
            str(timing.Spread.of([seconds / pictures for seconds in times[key]])),
            timing.digits(median(starts[key]) / pictures) if key in starts else "",
            str(timing.ratio(times, key, ENCODE)),
        )
        for key in times
    )
    columns = ("", "encoder", "s/image", "of it before the first", "times encode only")
    note = f"{pictures} pictures on {device}; medians (lowest–highest) of {len(times[ENCODE])} interleaved rounds."
    return Table(f"{about}: what more strategies cost", note, columns, rows)


if __name__ == "__main__":
    sys.exit(main())
