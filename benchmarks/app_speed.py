"""How long people wait in the App, without results and with those of one and of seven strategies.

python -m benchmarks.app_speed [--images FOLDER --labels COCO.json] [--pictures 26] [--parts]

Everything is applied, evaluated and explained with the bundled models, and then looked at in a headless Chromium:

- grid: from the address of the dataset to the last thumbnail in the window that is drawn
- next sample: in the opened sample, from the arrow key to the next picture that is drawn
- panel button: from the button "Worst 25" to the first thumbnail of the new view

The last row is FiftyOne's own share: the same labels of seven strategies with FiftyOne's own attributes, in fields of
other names, without scores, groups or anything else of the plugin's. With ``--parts`` two more say what the scores and
statuses cost, and what the explained errors do: the seven strategies without them.

Medians of new pages. Run it from another clone of the project to compare versions.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import data

PREFIX = "sam2"
MODELS = {"sam2_model": "nano", "clip_model": "nano", "yolo_model": "nano", "device": "cpu"}
PLAIN = "labels alone"
WITHOUT_SCORES, WITHOUT_ERRORS = "no scores", "no errors"
OWN = {
    "Segmentation": ("mask",),
    "Detection": ("label", "bounding_box", "mask", "confidence", "index"),
    "Keypoint": ("label", "points"),
    "Classification": ("label",),
}
"""What FiftyOne itself keeps of a label."""

PAGES, STEPS = 3, 8
TIMEOUT_MS = 40_000
REST_MS = 700
"""A grid that drew nothing for so long has drawn everything; the wait itself isn't counted."""

WATCH = """
window.drawn = 0; window.drawnAt = 0;
document.addEventListener("canvas-loaded", () => { window.drawn += 1; window.drawnAt = performance.now(); }, true);
"""


def main() -> None:
    """Make the datasets, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data.add_arguments(parser)
    parser.add_argument("--pictures", type=int, default=26, help="the demo's, and of the folder as many as are missing")
    parser.add_argument("--parts", action="store_true", help="also without scores, and without explained errors")
    args = parser.parse_args()
    data.prepare()
    from demo.browser import chromium
    from prompting.prompts.strategies import AUTOMATIC

    source = make(args)
    versions = {n: with_results(source, AUTOMATIC[-1:] if n == 1 else AUTOMATIC[:n]) for n in (0, 1, len(AUTOMATIC))}
    everything = versions[len(AUTOMATIC)]
    versions[PLAIN] = without_plugin(source, everything)
    if args.parts:
        labels = label_fields(everything)
        ours = [name for name in everything.get_field_schema() if name.startswith(PREFIX)]
        versions[WITHOUT_SCORES] = without(everything, [name for name in ours if name not in labels])
        versions[WITHOUT_ERRORS] = without(everything, [name for name in ours if name.endswith("_error")])
    try:
        with chromium() as browser:
            measured = {n: look(browser, dataset) for n, dataset in versions.items()}
    finally:
        for dataset in (source, *versions.values()):
            dataset.delete()
    print(f"\n{args.pictures} pictures, {data.machine()}\n")
    print("|   strategies | fields | kB a sample | grid, s | next sample, s | panel button, s |")
    print("|-------------:|-------:|------------:|--------:|---------------:|----------------:|")
    for n, (fields, size, seconds) in measured.items():
        cells = (f"{statistics.median(values):.2f}" if values else "" for values in seconds.values())
        print("| {:>12} | {:6} | {:11.0f} | {:>7} | {:>14} | {:>15} |".format(n, fields, size, *cells))


def make(args: argparse.Namespace):
    """The demo's photographs, and of the folder as many as are missing."""
    from demo.dataset import make_dataset

    dataset = make_dataset(None, Path(tempfile.mkdtemp(prefix="sam2-prompting-photographs-")))
    missing = args.pictures - len(dataset)
    if args.images and missing > 0:
        args.limit = missing
        more = data.load(args)
        dataset.add_collection(more)
        more.delete()
    args.pictures = len(dataset)
    dataset.persistent = True  # the App's server shows no others
    return dataset


def with_results(source, strategies):
    """A copy with these strategies applied, evaluated and explained."""
    import fiftyone.operators as foo

    dataset = source.clone(persistent=True)
    if strategies:
        apply, evaluate, explain = (
            foo.get_operator(f"@promptlab/sam2-prompting/{name}_strategies")
            for name in ("apply", "evaluate", "explain")
        )
        apply(dataset, strategies=list(strategies), prefix=PREFIX, **MODELS)
        evaluate(dataset, "ground_truth", prefix=PREFIX)
        explain(dataset, prefix=PREFIX)
    return dataset


def label_fields(dataset):
    """The fields that hold labels."""
    import fiftyone as fo

    return dataset.get_field_schema(ftype=fo.EmbeddedDocumentField, embedded_doc_type=fo.Label)


def without(results, fields):
    """A copy of the results that lacks some."""
    copy = results.clone(persistent=True)
    copy.delete_sample_fields(fields)
    return copy


def without_plugin(source, results):
    """A copy of the source with the labels of all results, and nothing else of them."""
    plain = source.clone(persistent=True)
    for i, path in enumerate(path for path in label_fields(results) if not source.has_sample_field(path)):
        plain.set_values(f"label_{i}", [_plain(label) for label in results.values(path)])
    return plain


def _plain(label):
    """A label with FiftyOne's own attributes alone."""
    many = getattr(label, "_LABEL_LIST_FIELD", None)
    if many:
        return type(label)(**{many: [_plain(one) for one in label[many]]})
    return type(label)(**{name: label[name] for name in OWN[type(label).__name__]})


def look(browser, dataset) -> tuple[int, float, dict[str, list[float]]]:
    """The dataset's fields, the mean kB of a sample, and the seconds of everything that a person waits for."""
    from demo.browser import served_app

    seconds: dict[str, list[float]] = {"grid": [], "next": [], "button": []}
    with served_app() as port:
        for _ in range(PAGES + 1):
            page, took = _open(browser, port, dataset.name)
            seconds["grid"].append(took)
            page.context.close()
        seconds["grid"].pop(0)  # the first page pays for what the server keeps
    with served_app() as port:  # another, for it remembers what its pages had open
        page, _ = _open(browser, port, dataset.name)
        seconds["next"] = _next_samples(page)
        page.context.close()
    scored = any(name.endswith("_iou") for name in dataset.get_field_schema())
    for _ in range(PAGES if scored else 0):
        with served_app() as port:
            page, _ = _open(browser, port, dataset.name)
            seconds["button"].append(_press(page))
            page.context.close()
    size = dataset.stats()["samples_bytes"] / len(dataset) / 1000
    return len(dataset.get_field_schema()), size, seconds


def _open(browser, port: int, name: str):
    context = browser.new_context(viewport={"width": 1600, "height": 1000})
    context.add_init_script("localStorage.setItem('fiftyone-enterprise-tooltip-seen', 'true');" + WATCH)
    context.route(lambda url: not url.startswith(f"http://localhost:{port}/"), lambda route: route.abort())
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(f"http://localhost:{port}/datasets/{name}", wait_until="commit")
    page.get_by_test_id("looker").first.wait_for()
    _rest(page)
    return page, page.evaluate("window.drawnAt") / 1000  # on the page's clock, which starts with the navigation


def _rest(page) -> None:
    """Wait until every thumbnail in the window was drawn, and no other has been for a while."""
    page.wait_for_function(
        f"""() => window.drawn > 0 && performance.now() - window.drawnAt > {REST_MS}
        && [...document.querySelectorAll('[data-cy=looker] canvas')].every(c => c.getAttribute('canvas-loaded'))"""
    )


def _next_samples(page) -> list[float]:
    page.get_by_test_id("looker").first.click(position={"x": 60, "y": 60})
    page.get_by_test_id("modal").wait_for()
    page.wait_for_timeout(2500)
    return [_until_drawn(page, lambda: page.keyboard.press("ArrowRight")) for _ in range(STEPS)]


def _press(page) -> float:
    from demo.browser import open_strategies, turn_to

    panel = open_strategies(page)
    turn_to(panel, "Pictures")
    button = panel.get_by_role("button", name="Worst 25")
    button.wait_for()
    page.wait_for_timeout(2500)
    return _until_drawn(page, button.click)


def _until_drawn(page, act: Callable[[], None]) -> float:
    """The seconds from an action to the first picture that is drawn because of it."""
    page.evaluate("window.drawn = 0")
    start = time.perf_counter()
    act()
    page.wait_for_function("window.drawn > 0", polling=20)
    took = time.perf_counter() - start
    page.wait_for_timeout(REST_MS)
    return took


if __name__ == "__main__":
    sys.exit(main())
