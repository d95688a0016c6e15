"""How well does the dense CLIP map agree with the truth, for each of the three attentions?

    python -m benchmarks.clip_maps [--images FOLDER --labels COCO.json] [--clip nano]

Beside each stands what needs no model: the whole picture called a person.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from benchmarks import data

THRESHOLDS = (0.2, 0.3, 0.4, 0.5)


def main() -> None:
    """Print the table: mean IoU over pictures, at fixed thresholds and where the class beats the background."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_arguments(parser)
    parser.add_argument("--clip", default="nano")
    parser.add_argument("--scales", default="1.0,1.5", help="the picture's shorter side, in windows")
    args = parser.parse_args()
    data.prepare()
    from prompting.analysis.metrics import image_iou
    from prompting.dataset.truth import paint_instances
    from prompting.models import catalogue
    from prompting.pixels.images import read_image
    from prompting.priors.clip import ClipPrior, ClipSettings
    from prompting.priors.dense_clip import ATTENTIONS

    loaded = catalogue.load_clip(args.clip, catalogue.best_device())
    scales = tuple(float(scale) for scale in args.scales.split(","))
    priors = {a: ClipPrior(*loaded, ("person",), ClipSettings(attention=a, scales=scales)) for a in ATTENTIONS}
    scores: dict[str, list[list[float]]] = {name: [] for name in (*ATTENTIONS, "whole picture")}
    dataset = data.load(args)
    for sample in dataset.iter_samples():
        image = read_image(sample.filepath)
        truth = paint_instances(sample.ground_truth, *image.shape[:2], {"person": 1})
        if not (truth == 1).any():
            continue
        scores["whole picture"].append([image_iou(np.ones_like(truth), truth, [1])] * (len(THRESHOLDS) + 1))
        for name, prior in priors.items():
            maps, background = prior.maps(image)
            person = maps[..., 0]
            masks = [*(person > t for t in THRESHOLDS), person > background]
            scores[name].append([image_iou(mask.astype(np.uint8), truth, [1]) for mask in masks])
    print(f"{args.clip} at scales {args.scales}, {len(scores['whole picture'])} pictures; {data.machine()}\n")
    print("| last block | " + " | ".join(f"> {t}" for t in THRESHOLDS) + " | beats background |")
    print("|---|" + "---:|" * (len(THRESHOLDS) + 1))
    for name, rows in scores.items():
        print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in np.mean(rows, axis=0)) + " |")


if __name__ == "__main__":
    sys.exit(main())
