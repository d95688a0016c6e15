"""How much error in a prompt SAM 2 bears, measured from the truth's masks.

python -m benchmarks.robustness [--images FOLDER --labels COCO.json] [--sam2 nano]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks import data

SIZES = {"small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, float("inf"))}
"""COCO's, in pixels of the mask."""


def main() -> None:
    """Print a line for each type of prompt and change, for all people and by size; write all with intervals as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_arguments(parser)
    parser.add_argument("--sam2", default="nano")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, default=data.ROOT / "benchmarks" / "output" / "robustness.json")
    args = parser.parse_args()
    data.prepare()
    from prompting.analysis.robustness import as_table, curves, probe
    from prompting.models import catalogue
    from prompting.pixels.images import read_image
    from prompting.priors.fields import FieldPrior

    segmenter = catalogue.load_sam2(args.sam2, catalogue.best_device())
    truth, rng, trials = FieldPrior(("person",)), np.random.default_rng(args.seed), []
    dataset = data.load(args)
    start = time.perf_counter()
    for sample in dataset.iter_samples():
        image = read_image(sample.filepath)
        people = truth.regions(sample.ground_truth, *image.shape[:2])
        if people:
            trials += probe(segmenter, segmenter.encode([image])[0], people, rng)
    seconds = time.perf_counter() - start
    groups = {"all": trials} | {
        size: [trial for trial in trials if low <= trial.area < high] for size, (low, high) in SIZES.items()
    }
    measured = {name: curves(group, args.seed) for name, group in groups.items()}
    print(as_table(measured["all"]).note)
    for name, found in measured.items():
        print(f"\n{name}: {as_table(found).title}\n\n{as_table(found).markdown()}")
    print(f"\n{args.sam2}, {len(dataset)} pictures, {len(trials)} prompts, {seconds:.0f} s; {data.machine()}")
    args.json.parent.mkdir(parents=True, exist_ok=True)
    about = {"model": args.sam2, "pictures": len(dataset), "seed": args.seed, "machine": data.machine()}
    stored = {name: [curve.to_dict() for curve in found] for name, found in measured.items()}
    args.json.write_text(json.dumps({**about, "curves": stored}, indent=1))


if __name__ == "__main__":
    sys.exit(main())
