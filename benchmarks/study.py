"""A sweep of many strategies on labelled pictures: what each part is worth, what the race saves, what a study costs.

python -m benchmarks.study [--images FOLDER --labels COCO.json] [--alone 6] [--keep study.json]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks import data
from prompting.analysis.comparison import interval
from prompting.analysis.statistics import mean_interval

MODELS = {"sam2_model": "nano", "clip_model": "nano", "yolo_model": "yolo26n-seg.pt"}
GRID = (
    {"priors": ["yolo"], "prompts": ["box"], "margins": [None, -10, 10, 20], "rounds": [0, 1, 2, 3]},
    {"priors": ["yolo"], "prompts": ["box+points"], "positives": [1, 3, 5, 9], "negatives": [0, 1, 3, 5]},
    {"priors": ["yolo"], "prompts": ["points"], "positives": [1, 3, 5, 9], "negatives": [0, 1, 3, 5]},
    {
        "priors": ["yolo"],
        "prompts": ["box+points"],
        "positives": [0, 1],
        "negatives": [1, 3],
        "negatives_on": ["others"],
    },
    {"priors": ["clip"], "prompts": ["box"], "margins": [None, -10, 10, 20], "rounds": [0, 3]},
    {"priors": ["clip"], "prompts": ["box+points"], "positives": [1, 3, 5, 9], "negatives": [0, 3]},
    {"priors": ["clip"], "prompts": ["points"], "positives": [1, 3, 5, 9], "negatives": [0, 3]},
)

CURVES = (
    ("yolo:box", "positives"), ("yolo:box+5p3n", "negatives"), ("yolo:box+1p3n", "negatives_on"),
    ("yolo:box", "margin"), ("yolo:box", "rounds"), ("yolo:box@3", "margin"), ("yolo:5p3n", "positives"),
    ("yolo:5p3n", "negatives"), ("clip:box", "positives"), ("clip:box", "rounds"), ("clip:box", "margin"),
    ("clip:5p3n", "positives"),
)  # fmt: skip
"""Around which strategy, and of which part, a curve is printed."""


def main() -> None:
    """Print the study of all, the race of all, and what they cost beside applying each strategy alone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_arguments(parser)
    parser.add_argument("--alone", type=int, default=6, help="so many strategies are also applied one by one")
    parser.add_argument("--keep", type=Path, help="a file for the study of all, which benchmarks.racing reads")
    args = parser.parse_args()
    data.prepare()
    import fiftyone.operators as foo

    from prompting.prompts.grid import Grid

    dataset = data.load(args)
    sweep = foo.get_operator("@promptlab/sam2-prompting/sweep_strategies")
    names = list(dict.fromkeys(one.name for parts in GRID for one in Grid(**parts).strategies()))
    given = {"strategies": names, "progress": False}
    given |= MODELS
    study = sweep(dataset, "ground_truth", racing=False, prefix="all", **given)
    if args.keep:
        args.keep.write_text(json.dumps(study.to_dict()))
    race = sweep(dataset, "ground_truth", prefix="raced", **given)
    print(f"\n{len(names)} strategies, {len(study.files)} pictures; {data.machine()}\n\n{study}\n")
    print("| around           | what        | mean IoU |\n|------------------|-------------|----------|")
    for around, part in CURVES:
        print(f"| `{around}` | {part.replace('_', ' ')} | {', '.join(map(told, study.curve(part, around)))} |")
    place, honest = study.names.index("yolo_box"), study.honest
    more = honest.scores - study.ious[place]
    print(f"yolo_box: {study.means[place]:.3f}; cross-fitted: {honest.mean:.3f} ({honest.low:.3f} – {honest.high:.3f})"
          f" by {honest.chosen}, {more.mean():.3f} ({interval(*mean_interval(more))}) more than yolo_box")  # fmt: skip
    print("Pareto's front:", ", ".join(f"{n} {study.cost[study.names.index(n)]:.1f}" for n in study.front))
    print("Recommended:", study.best, "of", [study.names[i] for i in study.alike])
    share = race.judged.sum() / study.judged.sum()
    calls = np.nansum(race.calls) / np.nansum(study.calls)
    print(f"The race made {share:.2f} of all scores and {calls:.2f} of all decoder calls, took"
          f" {race.seconds / study.seconds:.2f} of the time, stopped {len(names) - len(race.finalists)},"
          f" and recommends {race.best} (all: {study.best}).")  # fmt: skip
    each = [alone(dataset, name) for name in names[:: max(1, len(names) // args.alone)][: args.alone]]
    mean = sum(each) / len(each)
    print(f"Alone a strategy takes {mean:.1f} s ({len(each)} of them), all {mean * len(names):.0f} s; the study"
          f" {study.seconds:.0f} s, {study.seconds / (mean * len(names)):.3f} of that; raced"
          f" {race.seconds / (mean * len(names)):.3f}.")  # fmt: skip


def told(point) -> str:
    """A point of a curve: its value, its mean, and the interval of its difference, at its mean."""
    value = "as given" if point.value is None else point.value
    span = "" if point.low == point.high else f" ({point.low:.3f} – {point.high:.3f})"
    return f"{value}: {point.mean:.3f}{span}"


def alone(dataset, name: str) -> float:
    """Seconds that one strategy takes to be applied by itself, models loaded."""
    import fiftyone.operators as foo

    apply = foo.get_operator("@promptlab/sam2-prompting/apply_strategies")
    copy = dataset.clone()
    start = time.perf_counter()
    apply(copy, strategies=[name], progress=False, **MODELS)
    seconds = time.perf_counter() - start
    copy.delete()
    return seconds


if __name__ == "__main__":
    sys.exit(main())
