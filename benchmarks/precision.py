"""What a faster encoder does to the masks, next to how much faster it is.

    python -m benchmarks.precision [--images FOLDER --labels COCO.json] [--limit N] [--compile]

Everything is compared with float32, picture by picture: the IoU with the truth, and the IoU of the two masks with each
other. On real pictures with trained weights, for a random decoder's masks mean nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np

from benchmarks import data, timing

REFERENCE = "float32"
ALLOWED = 0.002
"""What a default may cost in mean IoU."""


def main(argv: Sequence[str] | None = None) -> None:
    """Print the effect on each strategy and the speed, and write all as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_arguments(parser)
    timing.add_arguments(parser, "precision")
    parser.add_argument("--sam2", default="nano")
    parser.add_argument("--clip", default="nano")
    parser.add_argument("--yolo", default="nano")
    parser.add_argument("--compile", action="store_true", help="also with a compiled encoder, which takes minutes")
    args = parser.parse_args(argv)
    data.prepare()
    from prompting.models import catalogue
    from prompting.segmentation.precision import PRECISIONS

    device = catalogue.best_device() if args.device == "auto" else args.device
    dataset = data.load(args)
    variants = {precision: (precision, False) for precision in PRECISIONS}
    if args.compile:
        variants |= {f"{precision}_compiled": (precision, True) for precision in PRECISIONS}
    for name, how in variants.items():
        run(dataset, name, *how, device, args)
    times = encoding(dataset, variants, device, args)
    scores, same = compare(dataset, variants)
    tables = [
        *(effect(name, scores, same, times, dataset) for name in variants if name != REFERENCE),
        speed(times, args.sam2, device),
    ]
    measured = {
        "models": {"sam2": args.sam2, "clip": args.clip, "yolo": args.yolo},
        "device": device,
        "pictures": len(dataset),
        "allowed": ALLOWED,
        "iou_with_truth": {name: {s: v.tolist() for s, v in of.items()} for name, of in scores.items()},
        "iou_with_float32": {name: {s: v.tolist() for s, v in of.items()} for name, of in same.items()},
        "encode_seconds": times,
    }
    timing.report(args.json, tables, measured)


def run(dataset, prefix: str, precision: str, compiled: bool, device: str, args) -> None:
    """Apply all strategies, with the encoder as told."""
    from prompting.plan import Plan
    from prompting.prompts.strategies import UNTAUGHT
    from prompting.runs.application import apply

    plan = Plan(
        strategies=tuple(UNTAUGHT),
        prompt_field="ground_truth",
        sam2_model=args.sam2,
        clip_model=args.clip,
        yolo_model=args.yolo,
        device=device,
        prefix=prefix,
        encoder_precision=precision,
        compile=compiled,
    )
    for progress in apply(dataset, plan):  # noqa: B007
        pass
    if progress.failed:
        raise SystemExit(f"{progress.failed} pictures failed: their masks can't be compared.")


def compare(dataset, variants):
    """IoU with the truth, and with float32's masks: variant -> strategy -> (N,), one a picture."""
    from prompting.analysis.metrics import image_iou
    from prompting.dataset.names import StrategyFields
    from prompting.dataset.truth import paint_instances
    from prompting.pixels.masks import intersection_over_union
    from prompting.prompts.strategies import UNTAUGHT

    scores, same = ({name: {strategy: [] for strategy in UNTAUGHT} for name in variants} for _ in range(2))
    for sample in dataset.iter_samples():
        for strategy in UNTAUGHT:
            masks = {name: sample[StrategyFields.of(name, strategy).mask].get_mask() for name in variants}
            exact = masks[REFERENCE]
            truth = paint_instances(sample.ground_truth, *exact.shape, {"person": 1})
            for name, mask in masks.items():
                scores[name][strategy].append(image_iou(mask, truth, [1]))
                same[name][strategy].append(intersection_over_union(mask > 0, exact > 0))
    return as_arrays(scores), as_arrays(same)


def as_arrays(values):
    return {name: {strategy: np.array(v, float) for strategy, v in of.items()} for name, of in values.items()}


def encoding(dataset, variants, device: str, args) -> dict[str, list[float]]:
    """Seconds to encode the first pictures, interleaved."""
    from benchmarks.contestants import encode_each
    from prompting.models import catalogue
    from prompting.pixels.images import read_image

    images = [read_image(path) for path in dataset.limit(8).values("filepath")]
    segmenter = catalogue.load_sam2(args.sam2, device)
    contestants = {name: timing.plain(encode_each(segmenter.at(*how), images)) for name, how in variants.items()}
    times = timing.interleaved(contestants, args.rounds)
    return {name: [seconds / len(images) for seconds in of] for name, of in times.items()}


def effect(name: str, scores, same, times, dataset):
    """A line for each strategy, and one for all: each picture's mean over strategies."""
    from prompting.analysis.statistics import mean_interval
    from prompting.analysis.tables import Table

    strategies = list(scores[REFERENCE])
    lines = {
        strategy: [part[strategy] for part in (scores[REFERENCE], scores[name], same[name])] for strategy in strategies
    }
    lines["all"] = [np.mean([line[column] for line in lines.values()], axis=0) for column in range(3)]
    rows = []
    for title, (before, after, alike) in lines.items():
        interval = mean_interval(after - before)
        between = f"{interval[0]:+.4f} to {interval[1]:+.4f}" if interval else ""
        means = (f"{np.nanmean(before):.4f}", f"{np.nanmean(after):.4f}", f"{np.nanmean(after - before):+.4f}")
        rows.append((title, *means, between, f"{np.mean(alike):.4f}", f"{np.min(alike):.3f}"))
    change = float(np.nanmean(lines["all"][1] - lines["all"][0]))
    columns = ("IoU with the truth", REFERENCE, name, "difference", "95 % interval", "masks' IoU", "lowest")
    faster = timing.ratio(times, REFERENCE, name)
    note = (
        f"{len(dataset)} pictures; the encoder is {faster} times as fast. Over all strategies the mean IoU"
        f" changes by {change:+.4f}; a default may lose {ALLOWED}: {'fine' if change >= -ALLOWED else 'too much'}."
    )
    return Table(f"{name} against {REFERENCE}: what it does to the masks", note, columns, tuple(rows))


def speed(times, model: str, device: str):
    """A line for each variant."""
    from prompting.analysis.tables import Table

    rows = tuple((n, str(timing.Spread.of(t)), str(timing.ratio(times, n, REFERENCE))) for n, t in times.items())
    note = f"{model} on {device}, medians (lowest–highest) of {len(times[REFERENCE])} interleaved rounds."
    return Table("Encoding", note, ("encoder", "s/image", f"times {REFERENCE}"), rows)


if __name__ == "__main__":
    sys.exit(main())
