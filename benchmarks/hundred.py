"""What a hundred strategies cost beside twenty, on the same labelled pictures: pictures are encoded once for all.

python -m benchmarks.hundred [--images FOLDER --labels COCO.json] [--repeats 3] [--raced-only]
"""

from __future__ import annotations

import argparse
import statistics
import sys

import numpy as np

from benchmarks import data
from benchmarks.study import GRID, MODELS

MORE = (
    {"priors": ["yolo"], "prompts": ["box"], "margins": [-20, 5, 15, 30], "rounds": [0, 1, 2]},
    {"priors": ["clip"], "prompts": ["box"], "margins": [-20, 5, 15, 30], "rounds": [1, 2]},
    {"priors": ["clip"], "prompts": ["box+points"], "positives": [1, 3], "negatives": [1, 5]},
)
"""Beside the grid of benchmarks.study, for a hundred."""

HUNDRED, EVERY = 100, 5


def main() -> None:
    """A row for each way of going through them; the ratios are of times in turn with each other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_arguments(parser)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--raced-only", action="store_true", help="leave the hundred out that nobody races")
    args = parser.parse_args()
    data.prepare()
    import fiftyone.operators as foo

    from prompting.prompts.grid import Grid

    dataset = data.load(args)
    sweep = foo.get_operator("@promptlab/sam2-prompting/sweep_strategies")
    grids = (Grid(**parts).strategies() for parts in (*GRID, *MORE))
    hundred = list(dict.fromkeys(one.name for strategies in grids for one in strategies))[:HUNDRED]
    ways = {
        "20, all": (hundred[::EVERY], False),
        "100, raced": (hundred, True),
        "100, all": (hundred, False),
    }
    if args.raced_only:
        del ways["100, all"]
    studies = {way: [] for way in ways}
    for repeat in range(args.repeats):
        for i, (way, (names, racing)) in enumerate(ways.items()):
            asked = {"strategies": names, "racing": racing, "prefix": f"hundred{repeat}{i}", "progress": False}
            studies[way].append(sweep(dataset, "ground_truth", **asked, **MODELS))
    print(f"\n{len(hundred)} strategies, {len(dataset)} pictures; {data.machine()}\n")
    print("| strategies | seconds | beside 20 | scores | decoder calls | beside 20 |")
    print("|------------|--------:|----------:|-------:|--------------:|----------:|")
    twenty = studies["20, all"]
    for way, done in studies.items():
        ratios = sorted(study.seconds / least.seconds for study, least in zip(done, twenty))
        calls = np.nansum(done[0].calls)
        print(f"| {way} | {statistics.median(study.seconds for study in done):.0f}"
              f" | {statistics.median(ratios):.2f} ({ratios[0]:.2f} – {ratios[-1]:.2f}) | {done[0].judged.sum()}"
              f" | {calls:.0f} | {calls / np.nansum(twenty[0].calls):.2f} |")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
