"""Quality of all strategies on pictures with instance masks, and where each loses.

python -m benchmarks.quality [--images FOLDER --labels COCO.json] [--sam2 nano] [--clip nano] [--yolo nano]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks import data


def main() -> None:
    """Print the table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_arguments(parser)
    parser.add_argument("--sam2", default="nano")
    parser.add_argument("--clip", default="nano")
    parser.add_argument("--yolo", default="nano")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, default=data.ROOT / "benchmarks" / "output" / "quality.json")
    parser.add_argument("--sheet", type=Path, help="also save a contact sheet of the first 24 pictures")
    args = parser.parse_args()
    data.prepare()
    import fiftyone.operators as foo

    from prompting.prompts.strategies import UNTAUGHT

    dataset = data.load(args)
    apply = foo.get_operator("@promptlab/sam2-prompting/apply_strategies")
    evaluate = foo.get_operator("@promptlab/sam2-prompting/evaluate_strategies")
    apply(
        dataset,
        strategies=list(UNTAUGHT),
        prompt_field="ground_truth",
        sam2_model=args.sam2,
        clip_model=args.clip,
        yolo_model=args.yolo,
        encoder_precision="float32",  # the same numbers on every machine
        seed=args.seed,
    )
    explain = foo.get_operator("@promptlab/sam2-prompting/explain_strategies")
    table = evaluate(dataset, "ground_truth", progress=False)
    explanation = explain(dataset)
    models = {"sam2": args.sam2, "clip": args.clip, "yolo": args.yolo}
    print(f"\n{len(dataset)} pictures; models {models}; {data.machine()}\n\n{table}\n\n{explanation}")
    print(f"\nOver all pictures and strategies |sum of the parts - (1 - IoU)| is at most {largest_gap(dataset):.1e}.")
    args.json.parent.mkdir(parents=True, exist_ok=True)
    measured = {**table.to_dict(), "error_parts": explanation.parts}
    args.json.write_text(json.dumps({"models": models, "machine": data.machine(), **measured}, indent=1))
    if args.sheet:
        from demo.contact_sheet import save_contact_sheet

        save_contact_sheet(dataset.limit(24), list(UNTAUGHT), args.sheet)


def largest_gap(dataset) -> float:
    """How far the error parts are from adding up to the loss, on the worst picture."""
    import numpy as np

    from prompting.dataset.findings import load_findings

    findings = load_findings(dataset)
    gaps = [np.abs(sum(parts.values()) - (1 - findings.iou[name])).max() for name, parts in findings.errors.items()]
    return float(max(gaps))


if __name__ == "__main__":
    sys.exit(main())
