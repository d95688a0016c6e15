"""How long the panel takes to open on a large dataset.

python -m benchmarks.panel_speed [--samples 5000] [--images FOLDER --labels COCO.json]

Real results (masks and all, for their size counts when they are read) are repeated under other ids until the dataset
is large, their scores moved a little. New processes then read them, and open the panel as FiftyOne's server does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time

import numpy as np

from benchmarks import data

PREFIX = "sam2"
PANEL = "@promptlab/sam2-prompting/strategies_panel"
PROCESSES, REPEATS = 3, 6


def main() -> None:
    """Make the dataset, and print the medians of new processes and of later calls in them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_arguments(parser)
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--measure", nargs=2, metavar=("TASK", "DATASET"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    data.prepare()
    if args.measure:
        print(json.dumps(measure(*args.measure)))
        return
    dataset = make_large(args)
    dataset.persistent = True  # or the processes that measure would find nothing
    try:
        findings, panel = (in_processes(task, dataset.name) for task in TASKS)
        print(f"\n{len(dataset)} samples of {size_of(dataset):.0f} kB, {data.machine()}\n")
        print("| median seconds             | first in a process | later |")
        print("|----------------------------|-------------------:|------:|")
        for title, runs in (("load_findings", findings), ("panel: request to response", panel)):
            first = statistics.median(run["seconds"][0] for run in runs)
            later = statistics.median(seconds for run in runs for seconds in run["seconds"][1:])
            print(f"| {title:26} | {first:18.2f} | {later:5.2f} |")
        print(f"\nThe panel's response has {panel[0]['bytes'] / 1e6:.1f} MB.")
    finally:
        dataset.delete()


def make_large(args: argparse.Namespace):
    """All automatic strategies applied, evaluated and explained, and the samples repeated."""
    import fiftyone.operators as foo

    from prompting.prompts.strategies import AUTOMATIC

    apply, evaluate, explain = (
        foo.get_operator(f"@promptlab/sam2-prompting/{name}_strategies") for name in ("apply", "evaluate", "explain")
    )
    source = data.load(args)
    models = {"sam2_model": "nano", "clip_model": "nano", "yolo_model": "nano"}
    apply(source, strategies=list(AUTOMATIC), prefix=PREFIX, **models)
    evaluate(source, "ground_truth", prefix=PREFIX)
    explain(source, prefix=PREFIX, robustness=True)
    large = source.clone()  # with its registered runs
    while missing := args.samples - len(large):
        copy = large.clone()  # FiftyOne copies within the database, which must not read what it writes
        large.add_collection(copy.limit(missing), new_ids=True)
        copy.delete()
    vary(large)
    return large


def vary(dataset) -> None:
    """Move the repeated scores a little, so that no two samples are the same point of a plot."""
    from prompting.dataset.names import evaluation_key
    from prompting.dataset.present import strategies_in

    rng = np.random.default_rng(0)
    for name in strategies_in(dataset, PREFIX):
        field = f"{evaluation_key(PREFIX, name)}_iou"
        values = np.array(dataset.values(field), float)
        moved = np.where((values > 0) & (values < 1), values + rng.normal(0, 0.02, len(values)), values)
        dataset.set_values(field, np.clip(moved, 0, 1).tolist())


def size_of(dataset) -> float:
    """The mean size of a sample in the database, in kB."""
    return dataset.stats()["samples_bytes"] / len(dataset) / 1000


def in_processes(task: str, name: str) -> list[dict]:
    """What a task takes, in several new processes one after the other."""
    command = [sys.executable, "-m", "benchmarks.panel_speed", "--measure", task, name]
    outputs = [
        subprocess.run(command, cwd=data.ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
        for _ in range(PROCESSES)
    ]
    return [json.loads(output.splitlines()[-1]) for output in outputs]


def measure(task: str, name: str) -> dict:
    """Do a task again and again, as FiftyOne's server does, which runs already and knows the dataset."""
    import fiftyone as fo
    import fiftyone.operators

    dataset, seconds, size = fo.load_dataset(name), [], 0
    for _ in range(REPEATS):
        start = time.perf_counter()
        size = TASKS[task](dataset)
        seconds.append(time.perf_counter() - start)
    return {"seconds": seconds, "bytes": size}


def load(dataset) -> int:
    """Read what the panel shows."""
    from prompting.dataset.findings import load_findings

    load_findings(dataset, PREFIX)
    return 0


def open_panel(dataset) -> int:
    """Open the panel, and make the response that goes to the App; its size in bytes."""
    import fiftyone.operators as foo
    from fiftyone.operators.utils import create_operator_response

    params = {"__method__": "on_load", "panel_id": "speed", "panel_state": {}}
    result = foo.execute_operator(PANEL, {"dataset": dataset}, params=params)
    response = asyncio.run(create_operator_response(result))
    if response.status_code != 200:
        raise RuntimeError(f"The panel answered {response.status_code}: {response.body.decode()[:500]}")
    return len(response.body)


TASKS = {"findings": load, "panel": open_panel}


if __name__ == "__main__":
    sys.exit(main())
