"""The accelerator against the CPU: whether the masks are the same, and what seven strategies cost beside encoding.

    python -m benchmarks.device --images FOLDER [--limit N] [--sam2 sam2.1-hiera-tiny sam2.1-hiera-large] [--batch 8]

Pictures in memory go through the same pass as in the App, and nothing is written: it needs no database and no FiftyOne.
The bundled models make the masks that are compared, for a random decoder's mean nothing; the times are of the official
architectures, too.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import timing

ENCODE = "encode only"
SUFFIXES = (".jpg", ".jpeg", ".png")


def main(argv: Sequence[str] | None = None) -> None:
    """Print what the device does to the masks and what it costs, and write all as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    timing.add_arguments(parser, "device")
    parser.add_argument("--images", type=Path, required=True, help="a folder of pictures")
    parser.add_argument("--limit", type=int, default=16, help="use the first so many")
    parser.add_argument("--sam2", nargs="+", default=["nano", "sam2.1-hiera-tiny", "sam2.1-hiera-large"])
    parser.add_argument("--clip", default="nano")
    parser.add_argument("--yolo", default="nano")
    parser.add_argument("--batch", type=int, default=8, help="pictures encoded at once by the plugin")
    args = parser.parse_args(argv)
    from prompting.models import catalogue

    device = catalogue.best_device() if args.device == "auto" else args.device
    pictures = load(args.images, args.limit)
    same = agreement(pictures, device, args)
    tables, measured = [as_agreement(same, len(pictures), device)], {"iou_with_the_cpus_masks": same}
    for name in args.sam2:
        table, measured[name] = cost(name, pictures, device, args)
        tables.append(table)
    timing.report(args.json, tables, {"device": device, "pictures": len(pictures), "batch": args.batch, **measured})


def load(folder: Path, limit: int) -> list:
    """The pictures of a folder, as a run reads them."""
    from prompting.pixels.images import read_bounded
    from prompting.priors.base import Picture

    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)[:limit]
    return [Picture(path.name, path.name, *_pixels(read_bounded(str(path)))) for path in paths]


def _pixels(read: tuple) -> tuple:
    image, size = read
    return image, None, frozenset(), size


def agreement(pictures: list, device: str, args: argparse.Namespace) -> dict[str, dict[str, list[float]]]:
    """IoU of each strategy's masks with those that the CPU makes in float32, by precision and strategy."""
    from prompting.pixels.masks import intersection_over_union
    from prompting.segmentation.precision import fast_precisions

    here = masks_of(pictures, "cpu", "float32", "nano", args)
    found = {}
    for precision in fast_precisions(device):
        there = masks_of(pictures, device, precision, "nano", args)
        found[precision] = {
            name: [intersection_over_union(a > 0, b > 0) for a, b in zip(here[name], there[name], strict=True)]
            for name in here
        }
    return found


def masks_of(pictures: list, device: str, precision: str, sam2: str, args) -> dict[str, list[np.ndarray]]:
    """Each strategy's masks, one a picture."""
    masks: dict[str, list[np.ndarray]] = {}
    for result in runner_for(device, precision, sam2, args).run(pictures, args.batch):
        for one in result.results:
            masks.setdefault(one.strategy, []).append(one.mask)
    return masks


def runner_for(device: str, precision: str, sam2: str, args):
    """All automatic strategies with a SAM 2."""
    from prompting.plan import Plan
    from prompting.runs.assembly import build_runner, resolved

    plan = Plan(
        sam2_model=sam2,
        clip_model=args.clip,
        yolo_model=args.yolo,
        device=device,
        encoder_precision=precision,
        batch_size=args.batch,
    )
    return build_runner(resolved(plan))


def as_agreement(same: dict, pictures: int, device: str):
    """A line a strategy."""
    from prompting.analysis.tables import Table

    strategies = list(next(iter(same.values())))
    rows = tuple(
        (name, *(f"{np.mean(of[name]):.4f} ({np.min(of[name]):.3f})" for of in same.values())) for name in strategies
    )
    note = f"The bundled models on {pictures} pictures: mean IoU of {device}'s masks with the CPU's (the lowest)."
    return Table("The same masks on the device", note, ("strategy", *same), rows)


def cost(name: str, pictures: list, device: str, args: argparse.Namespace):
    """Time one SAM 2: sam2's own loop that encodes alone, and the plugin's pass with seven strategies."""
    from benchmarks.contestants import encode_only
    from benchmarks.weights import timed_sam2
    from prompting.analysis.tables import Table
    from prompting.segmentation.precision import FLOAT32, fast_precisions

    images = [picture.image for picture in pictures]
    with timed_sam2(name, device) as sam2:
        predictor = sam2.predictor()
        contestants = {ENCODE: timing.plain(lambda: encode_only(predictor, images))}
        titles = {ENCODE: ("sam2's set_image loop", FLOAT32)}
        for precision in fast_precisions(device):
            runner = runner_for(device, precision, sam2.model, args)
            for what, run in {
                "plugin, encoding alone": lambda runner=runner: _encode(runner.segmenter, images, args.batch),
                "plugin, seven strategies": lambda runner=runner: [None for _ in runner.run(pictures, args.batch)],
            }.items():
                contestants[f"{what} {precision}"] = timing.plain(run)
                titles[f"{what} {precision}"] = (what, precision)
        times = timing.interleaved(contestants, args.rounds)
        about = sam2.about
    rows = tuple(
        (
            *titles[key],
            str(timing.Spread.of([1000 * seconds / len(images) for seconds in times[key]])),
            str(timing.ratio(times, key, ENCODE)),
        )
        for key in times
    )
    note = f"{len(images)} pictures in memory on {device}, batches of {args.batch}; medians (lowest–highest)."
    columns = ("", "encoder", "ms/image", "times sam2's loop")
    return Table(f"{about}: seven strategies beside encoding", note, columns, rows), {"seconds": times}


def _encode(segmenter, images: Sequence[np.ndarray], batch: int) -> None:
    for start in range(0, len(images), batch):
        segmenter.encode(images[start : start + batch])


if __name__ == "__main__":
    sys.exit(main())
