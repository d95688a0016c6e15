"""How far the encoder is from what the machine can do: its GFLOP/s against the fastest matrix multiplication here.

    python -m benchmarks.floor [--sam2 nano sam2.1-hiera-tiny] [--batch 1]

Both in the same rounds, at the same precision, bfloat16 only where the device has instructions for it; on CUDA measured
by events, so that the host's share doesn't count.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks import data, timing

SIDES = {"cpu": (1024, 2048, 4096)}
SIDES_ELSEWHERE = (4096, 8192, 16384)
"""Matrices of the sides that reach the peak: larger than caches, not larger than patience."""


def main(argv: Sequence[str] | None = None) -> None:
    """Print a line for each model and precision, and write all as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    timing.add_arguments(parser, "floor", rounds=5)
    parser.add_argument("--sam2", nargs="+", default=["nano", "sam2.1-hiera-tiny"], metavar="MODEL")
    parser.add_argument("--batch", type=int, default=1, help="pictures at once")
    args = parser.parse_args(argv)
    data.prepare()
    from prompting.analysis.tables import Table
    from prompting.models import catalogue
    from prompting.segmentation.precision import fast_precisions

    device = catalogue.best_device() if args.device == "auto" else args.device
    measured = [measure(name, precision, device, args) for name in args.sam2 for precision in fast_precisions(device)]
    rows = tuple(
        (
            m["model"],
            m["precision"],
            timing.digits(m["encoder_gflop"] / args.batch),
            str(timing.Spread.of(m["seconds"]["encoder"])),
            str(timing.Spread.of(m["encoder_gflop_per_second"])),
            f"{timing.Spread.of(m['peak_gflop_per_second'])} at {m['peak_side']}",
            f"{timing.Spread.of(m['share']).median:.0%}",
        )
        for m in measured
    )
    columns = ("", "precision", "GFLOP/image", "s/batch", "encoder GFLOP/s", "peak GFLOP/s", "share")
    note = (
        f"Batches of {args.batch} on {device}, medians (lowest–highest) of {args.rounds} interleaved rounds; the peak"
        " is that of the fastest square matrix multiplication. A multiplication and an addition are two operations."
    )
    timing.report(args.json, [Table("The encoder against the machine's peak", note, columns, rows)], {"runs": measured})


def measure(name: str, precision: str, device: str, args: argparse.Namespace) -> dict:
    """One model's encoder at one precision, between matrix multiplications at the same."""
    import torch

    from benchmarks.weights import timed_sam2
    from prompting.segmentation.precision import PRECISIONS

    kind = torch.device(device).type
    dtypes = dict(zip(PRECISIONS, (torch.float32, torch.bfloat16), strict=True))
    with timed_sam2(name, device) as sam2, torch.inference_mode():
        segmenter = sam2.segmenter.at(precision)
        side = segmenter.image_size
        batch = torch.rand(args.batch, 3, side, side, generator=torch.Generator().manual_seed(0)).to(device)
        flop = operations(lambda: segmenter._maps(batch))
        contestants = {"encoder": timing.plain(lambda: segmenter._maps(batch))}
        sides = SIDES.get(kind, SIDES_ELSEWHERE)
        for n in sides:
            a, b = (torch.rand(n, n, device=device).to(dtypes[precision]) for _ in range(2))
            contestants[str(n)] = timing.plain(lambda a=a, b=b: a @ b)
        clock = timing.cuda_events if kind == "cuda" else timing.wall
        times = timing.interleaved(contestants, args.rounds, clock=clock)
    reached = {n: [2 * n**3 / seconds / 1e9 for seconds in times[str(n)]] for n in sides}
    fastest = max(sides, key=lambda n: timing.Spread.of(reached[n]).median)
    encoder = [flop / seconds / 1e9 for seconds in times["encoder"]]
    return {
        "model": sam2.about,
        "precision": precision,
        "device": device,
        "batch": args.batch,
        "seconds": times,
        "encoder_gflop": flop / 1e9,
        "encoder_gflop_per_second": encoder,
        "peak_gflop_per_second": reached[fastest],
        "peak_side": fastest,
        "share": [one / peak for one, peak in zip(encoder, reached[fastest], strict=True)],
    }


def operations(function) -> int:
    """What a call multiplies and adds: in matrix multiplications, convolutions and attention."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with counter, sdpa_kernel(SDPBackend.MATH):  # the CPU's own attention is none that the counter knows
        function()
    return counter.get_total_flops()


if __name__ == "__main__":
    sys.exit(main())
