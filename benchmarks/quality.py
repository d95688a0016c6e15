"""Quality of all strategies on pictures with instance masks.

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

    from prompting.strategies import STRATEGIES

    dataset = data.load(args)
    apply = foo.get_operator("@promptlab/sam2-prompting/apply_strategies")
    evaluate = foo.get_operator("@promptlab/sam2-prompting/evaluate_strategies")
    apply(
        dataset,
        strategies=list(STRATEGIES),
        prompt_field="ground_truth",
        sam2_model=args.sam2,
        clip_model=args.clip,
        yolo_model=args.yolo,
        seed=args.seed,
    )
    table = evaluate(dataset, "ground_truth", progress=False)
    models = {"sam2": args.sam2, "clip": args.clip, "yolo": args.yolo}
    print(f"\n{len(dataset)} pictures; models {models}; {data.machine()}\n\n{table}")
    args.json.parent.mkdir(parents=True, exist_ok=True)
    args.json.write_text(json.dumps({"models": models, "machine": data.machine(), **table.to_dict()}, indent=1))
    if args.sheet:
        from demo.contact_sheet import save_contact_sheet

        save_contact_sheet(dataset.limit(24), list(STRATEGIES), args.sheet)


if __name__ == "__main__":
    sys.exit(main())
