"""A sweep of many strategies on labelled pictures: what each part is worth, what the race saves, what a study costs.

python -m benchmarks.study [--images FOLDER --labels COCO.json] [--alone 6]
"""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks import data

MODELS = {"sam2_model": "nano", "clip_model": "nano", "yolo_model": "yolo26n-seg.pt", "encoder_precision": "float32"}
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

AROUND = ("yolo_box", "yolo_box_5p3n", "yolo_5p3n", "clip_box_points", "clip_points")


def main() -> None:
    """Print the study of all, the race of all, and what they cost beside applying each strategy alone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_arguments(parser)
    parser.add_argument("--alone", type=int, default=6, help="so many strategies are also applied one by one")
    args = parser.parse_args()
    data.prepare()
    import fiftyone.operators as foo

    from prompting.prompts.grid import grid

    dataset = data.load(args)
    sweep = foo.get_operator("@promptlab/sam2-prompting/sweep_strategies")
    names = list(dict.fromkeys(one.name for parts in GRID for one in grid(**parts)))
    given = {"strategies": names, "progress": False}
    given |= {name: value for name, value in MODELS.items() if name != "encoder_precision"}
    study = sweep(dataset, "ground_truth", racing=False, prefix="all", **given)
    race = sweep(dataset, "ground_truth", prefix="raced", **given)
    print(f"\n{len(names)} strategies, {len(study.files)} pictures; {data.machine()}\n\n{study}\n")
    for around in (name for name in AROUND if name in study.names):
        for part in ("positives", "negatives", "margin", "rounds"):
            points = [f"{p.value}: {p.mean:.3f} ({p.low:.3f} – {p.high:.3f})" for p in study.curve(part, around)]
            print(f"{part} around {around}:", ", ".join(points))
    place = study.names.index("yolo_box")
    print(f"yolo_box: {study.means[place]:.3f}; cross-fitted: {study.honest}\nPareto's front: {study.front}")
    share = race.judged.sum() / study.judged.sum()
    print(f"The race looked at {share:.2f} of all, took {race.seconds / study.seconds:.2f} of the time, stopped"
          f" {len(names) - len(race.finalists)}, and recommends {race.best} (all: {study.best}).")  # fmt: skip
    each = [alone(dataset, name) for name in names[:: max(1, len(names) // args.alone)][: args.alone]]
    mean = sum(each) / len(each)
    print(f"Alone a strategy takes {mean:.1f} s ({len(each)} of them), all {mean * len(names):.0f} s; the study"
          f" {study.seconds:.0f} s, {study.seconds / (mean * len(names)):.3f} of that; raced"
          f" {race.seconds / (mean * len(names)):.3f}.")  # fmt: skip


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
