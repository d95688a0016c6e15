"""Pictures of the App for the README, from the dataset that ``make demo`` leaves behind.

The grid with one strategy's masks and prompts, and, if asked for, the panel of the strategies, two strategies compared
in the Model Evaluation panel, and finished labels in their review. Needs Chromium (see demo/browser.py).
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME = "sam2-prompting-demo"
COMPARED = ("sam2_eval_yolo_box", "sam2_eval_clip_point")


def main() -> None:
    """Take the pictures; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="the grid's picture, a .png")
    parser.add_argument("--evaluation", type=Path, help="the Model Evaluation panel's picture, a .png")
    parser.add_argument("--panel", type=Path, help="the strategies' panel, a .png")
    parser.add_argument("--review", type=Path, help="the review's panel beside a picture, a .png")
    parser.add_argument("--dataset", default=NAME, help="another dataset with results")
    args = parser.parse_args()
    # before FiftyOne is imported: this clone is the plugin that is shown
    os.environ["FIFTYONE_PLUGINS_DIR"] = str(ROOT)
    sys.path.insert(0, str(ROOT))

    import fiftyone as fo

    from demo.browser import NoBrowser, chromium, served_app

    if not fo.dataset_exists(args.dataset):
        sys.exit(f"There is no dataset {args.dataset!r}; run `make demo APP=0` first.")
    try:
        with chromium() as browser:
            pictures = {save_grid: args.out, save_panel: args.panel, save_evaluation: args.evaluation}
            for save_it, path in {**pictures, save_review: args.review}.items():
                if path:
                    with served_app() as port:  # one for each: it remembers which panels a page opened
                        save_it(browser, port, args.dataset, path)
    except NoBrowser as missing:
        sys.exit(str(missing))


def save_grid(browser, port: int, dataset: str, path: Path) -> None:
    """The photographs, large, under one strategy's masks and the prompts that made them."""
    from demo.browser import open_dataset

    page = open_dataset(browser, port, dataset)
    enlarge(page)
    save(page, path)


def save_panel(browser, port: int, dataset: str, path: Path) -> None:
    """The strategies compared, and one of them on the photographs."""
    from demo.browser import open_dataset, open_strategies

    page = open_dataset(browser, port, dataset, width=1600, height=1500)
    enlarge(page)
    panel = open_strategies(page)
    panel.get_by_role("table").first.get_by_role("cell", name="yolo_box").click()
    notice = page.get_by_text("The pictures show yolo_box")
    for state in ("visible", "detached"):
        notice.wait_for(state=state)
    save(page, path)


def save_evaluation(browser, port: int, dataset: str, path: Path) -> None:
    """Two strategies side by side."""
    from demo.browser import open_dataset, open_evaluation

    page = open_dataset(browser, port, dataset)
    enlarge(page)
    open_evaluation(page, *COMPARED)
    save(page, path)


def save_review(browser, port: int, dataset: str, path: Path) -> None:
    """Labels of one strategy, two decisions later, and an instance selected. The dataset stays as it is."""
    import fiftyone as fo
    import fiftyone.operators as foo

    from demo.browser import open_dataset, open_strategies

    copy = fo.load_dataset(dataset).clone()
    try:
        foo.get_operator("@promptlab/sam2-prompting/finish_labels")(copy, "one", "yolo_box", progress=False)
        review = foo.get_operator("@promptlab/sam2-prompting/review_labels")(copy)
        first, second, *_ = review.queue()
        review.accept(first)
        review.annotate(second)
        page = open_dataset(browser, port, copy.name, width=1800, height=1100)
        open_strategies(page).get_by_role("button", name="Review the other").click()
        panel = page.get_by_test_id("panel-content-review_panel").last
        panel.get_by_role("img").first.wait_for()
        page.wait_for_timeout(3000)
        panel.get_by_role("cell").first.click()
        panel.get_by_role("button", name="Drop the selected instance").wait_for()
        save(page, path)
    finally:
        copy.delete()


def enlarge(page) -> None:
    """Three photographs in a row: the second slider zooms, the first spaces."""
    slider = page.get_by_test_id("slider").nth(1)
    box = slider.bounding_box()
    slider.click(position={"x": 0.85 * box["width"], "y": box["height"] / 2})


def save(page, path: Path) -> None:
    """Save what the page shows once it rests."""
    page.mouse.move(800, 995)
    last = None
    while (now := page.screenshot()) != last:
        last = now
        page.wait_for_timeout(1500)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(now)
    page.context.close()


if __name__ == "__main__":
    main()
