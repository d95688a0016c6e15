"""How long a person waits for each decision when she reviews few labels and many, and how fast they are finished.

python -m benchmarks.review_speed [--samples 200 20000] [--images FOLDER --labels COCO.json]

Real results and finished labels (masks and all) are repeated under other ids until a dataset has so many samples, each
with an expected IoU of its own. The review's panel is asked as FiftyOne's server asks it: from a button's request to
the response for the App, the next picture's masks drawn.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from benchmarks import data

PLUGIN, NAME, STRATEGIES = "@promptlab/sam2-prompting", "labels", ["clip_point", "yolo_box"]
REPEATS = 9
FINISHED = 200
"""So many labels are finished once more, under another name: each takes as long as any other."""


def main() -> None:
    """Make each dataset, and print a column for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_arguments(parser)
    parser.add_argument("--samples", type=int, nargs="+", default=[200, 20_000])
    args = parser.parse_args()
    data.prepare()
    source, columns = finish(data.load(args)), {}
    for count in args.samples:
        dataset = repeat(source, count)
        try:
            columns[len(dataset)] = measure(dataset)
        finally:
            dataset.delete()
    size = source.stats()["samples_bytes"] / len(source) / 1000
    print(f"\nSeconds, medians of {REPEATS}, samples of {size:.0f} kB; {data.machine()}\n")
    print("| |", " | ".join(f"{count:,} samples" for count in columns), "|")
    print("|---|", "---:|" * len(columns), sep="")
    for what in next(iter(columns.values())):
        print("|", what, "|", " | ".join(f"{column[what]:.3f}" for column in columns.values()), "|")


def finish(source):
    """Apply two strategies, and take one's masks for labels."""
    operator("apply_strategies")(
        source, strategies=STRATEGIES, sam2_model="nano", clip_model="nano", yolo_model="nano", progress=False
    )
    operator("finish_labels")(source, "one", "yolo_box", name=NAME, progress=False)
    return source


def operator(name: str):
    """One of the plugin's."""
    import fiftyone.operators as foo

    return foo.get_operator(f"{PLUGIN}/{name}")


def repeat(source, count: int):
    """A dataset of so many samples, none of whose labels is expected to be as good as another."""
    large = source.clone()  # with its registered runs
    while missing := count - len(large):
        copy = large.clone()  # FiftyOne copies within the database, which must not read what it writes
        large.add_collection(copy.limit(missing), new_ids=True)
        copy.delete()
    large.set_values(f"{NAME}_expected_iou", np.random.default_rng(0).random(count).tolist())
    return large


def measure(dataset) -> dict[str, float]:
    """What a person does -> seconds."""
    review, page = operator("review_labels")(dataset, NAME), Page(dataset)
    queue = iter(review.queue())
    page.sample = next(queue)
    told = {
        "the panel in the grid": timed(lambda: Page(dataset).ask("on_load")),
        "the panel beside the first picture": timed(lambda: page.ask("on_load")),
        "accept, and the next picture": timed(lambda: page.press("accept")),
        "undo, and the last picture": timed(lambda: page.press("undo")),
        "skip, and the next picture": timed(lambda: page.press("skip")),
        "from Python: how far it is": timed(lambda: str(review)),
        "from Python: the queue": timed(review.queue),
        "from Python: accept": timed(lambda: review.accept(next(queue))),
        "from Python: undo": timed(review.undo),
    }
    start = time.perf_counter()
    operator("label_next")(dataset, count=20, progress=False)
    told["rank what to label next, all samples"] = time.perf_counter() - start
    start = time.perf_counter()
    some = dataset.limit(FINISHED)
    operator("finish_labels")(some, "one", "yolo_box", name="again", progress=False)
    told["finish a label by the rule of one"] = (time.perf_counter() - start) / len(some)
    return told


def timed(what: Callable[[], object]) -> float:
    """The median of several times, after one that doesn't count."""
    seconds = []
    for _ in range(1 + REPEATS):
        start = time.perf_counter()
        what()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


class Page:
    """A page of the App with the review's panel: it does what the panel tells it to."""

    def __init__(self, dataset):
        self.dataset, self.sample, self.state = dataset, None, {}

    def press(self, button: str) -> None:
        """Press one, open the picture that the panel names, and tell it of that, as the App does."""
        self.ask(button, sample=self.sample)
        self.ask("on_change_current_sample")

    def ask(self, method: str, **params) -> None:
        """One request, and the response that goes to the App."""
        import fiftyone.operators as foo
        from fiftyone.operators.utils import create_operator_response

        request = {"__method__": method, "panel_id": "speed", "panel_state": self.state, **params}
        context = {"dataset": self.dataset, "current_sample": self.sample, "selected_labels": []}
        result = foo.execute_operator(f"{PLUGIN}/review_panel", context, params=request)
        result.raise_exceptions()
        response = asyncio.run(create_operator_response(result))
        if response.status_code != 200:
            raise RuntimeError(f"The panel answered {response.status_code}: {response.body.decode()[:500]}")
        for order in result.to_json()["executor"]["requests"]:
            name, given = order["operator_uri"].split("/")[-1], order["params"]
            if name == "patch_panel_state":
                self.state = {**self.state, **given["state"]}
            elif name == "open_sample":
                self.sample = given["id"]


if __name__ == "__main__":
    sys.exit(main())
