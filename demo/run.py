"""``make demo``: seven strategies and two ceilings on real photographs, evaluated, shown in the App.

Uses the bundled models and nothing from outside. A second run starts from a
clean dataset of the same name.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "demo" / "output"
NAME = "sam2-prompting-demo"
CEILINGS = ("field_box", "field_points")


def main() -> None:
    """Run the demo; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-app", action="store_true", help="don't open the App")
    parser.add_argument("--port", type=int, default=5151, help="the App's port on localhost")
    args = parser.parse_args()
    # before FiftyOne is imported: this clone is the plugin that is shown
    os.environ["FIFTYONE_PLUGINS_DIR"] = str(ROOT)
    os.environ.setdefault("YOLO_OFFLINE", "1")
    os.environ.setdefault("FIFTYONE_LOGGING_LEVEL", "ERROR")  # its lines would cut the progress bars
    os.environ.setdefault("FIFTYONE_DATABASE_VALIDATION", "false")
    sys.path.insert(0, str(ROOT))

    start = time.monotonic()
    dataset = compare()
    print(f"\nDataset {NAME!r}, picture {OUTPUT / 'strategies.png'}, {time.monotonic() - start:.0f} seconds.")
    if not args.no_app:
        open_app(dataset, args.port)


def compare():
    """Make the dataset, apply all strategies, evaluate them, print the table, save the picture."""
    import fiftyone.operators as foo

    from demo.appearance import show_first
    from demo.contact_sheet import save_contact_sheet
    from demo.dataset import make_dataset
    from prompting.prompts.strategies import AUTOMATIC

    strategies = (*AUTOMATIC, *CEILINGS)
    print("The photographs, with our masks of the people in them")
    dataset = make_dataset(NAME, OUTPUT / "photographs", persistent=True)
    print(f"Applying {len(strategies)} strategies in one pass")
    apply = foo.get_operator("@promptlab/sam2-prompting/apply_strategies")
    apply(
        dataset,
        strategies=strategies,
        prompt_field="ground_truth",
        sam2_model="nano",
        clip_model="nano",
        yolo_model="nano",
        encoder_precision="float32",  # the same numbers on every machine
    )
    print("Evaluating them")
    evaluate = foo.get_operator("@promptlab/sam2-prompting/evaluate_strategies")
    table = evaluate(dataset, "ground_truth", strategies=strategies)
    print(f"\n{table}\n\nAsking whose fault each loss is")
    explain = foo.get_operator("@promptlab/sam2-prompting/explain_strategies")
    print(f"\n{explain(dataset, robustness=True)}")
    show_first(dataset)
    save_contact_sheet(dataset, strategies, OUTPUT / "strategies.png")
    return dataset


def open_app(dataset, port: int) -> None:
    """Show the dataset in the App, on this machine alone, until Ctrl-C."""
    import fiftyone as fo

    session = fo.launch_app(dataset, address="localhost", port=port)
    print("The App is open. Press ` for the operators' menu; Ctrl-C ends the demo.")
    session.wait(-1)


if __name__ == "__main__":
    main()
