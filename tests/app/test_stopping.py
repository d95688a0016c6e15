"""A run is stopped where it was started and from another page, and what it did is whole.

The test takes longer than five seconds because a run must be long enough to be stopped by hand, twice.
"""

from __future__ import annotations

import re
import uuid

import fiftyone as fo
import pytest
from playwright.sync_api import Locator, Page, expect

from demo.browser import TIMEOUT_MS, open_strategies
from prompting.dataset.stopping import running
from tests.app.driving import choose_bundled_models, choose_strategies, execute, form_of

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("tmp_path")]
expect.set_options(timeout=TIMEOUT_MS)

PICTURES = 120
"""So many that none of the runs ends before it is stopped."""

LEFT = 3
"""Pictures that are done to the end."""

STRATEGIES = ("clip_iterative", "yolo_box")
STOPPED = re.compile(r"Stopped on request: (\d+) of \d+ samples are done and whole; .*Keep them, do the others")


@pytest.fixture
def many(photographs):
    """Enough pictures for a run that can be stopped: the demo's, several times."""
    from demo.dataset import make_dataset

    dataset = make_dataset(f"many-{uuid.uuid4().hex[:8]}", photographs)
    paths = dataset.values("filepath")
    dataset.add_samples([fo.Sample(path) for path in paths * (PICTURES // len(paths) - 1)])
    yield dataset
    dataset.delete()


def begin(page: Page) -> tuple[Locator, Locator]:
    """Apply two strategies by the panel's button, until some pictures are done; the panel, and the run's dialog."""
    panel = open_strategies(page)
    form = form_of(panel, "Apply strategies")
    choose_strategies(form, *STRATEGIES)
    choose_bundled_models(form)
    run = execute(form)
    expect(run).to_contain_text(re.compile(r"\b([2-9]|\d\d+) of \d+ samples"))
    return panel, run


def expect_stopped(run: Locator) -> int:
    """The dialog says so, and how to go on; how many pictures it says are done."""
    said = run.get_by_text(STOPPED)
    expect(said).to_be_visible()
    return int(STOPPED.search(said.inner_text()).group(1))


def expect_whole(dataset: fo.Dataset, count: int) -> None:
    """So many pictures have all that was asked for, and the others nothing."""
    dataset.reload()  # the App's server wrote to it
    done = dataset.exists("sam2_yolo_box_status")
    assert done.count() == count
    for strategy in STRATEGIES:
        for field in (f"sam2_{strategy}", f"sam2_{strategy}_status"):
            assert done.exists(field).count() == dataset.exists(field).count() == count
    assert running(dataset) is None


def test_a_run_is_stopped_from_another_page_and_in_its_own_dialog_and_the_rest_is_one_click_away(open_dataset, many):
    """One after the other on the same pictures, for a run must be long enough to be stopped by hand."""
    elsewhere = open_strategies(open_dataset(many))
    panel, run = begin(open_dataset(many))
    elsewhere.get_by_role("button", name="Refresh").click()
    said = elsewhere.get_by_text(re.compile(rf"^\d+ of {PICTURES}, since .* left"))
    expect(said).to_be_visible()
    expect(said).not_to_have_text(said.inner_text())  # it moves by itself
    elsewhere.get_by_role("button", name="Stop").click()
    expect(elsewhere.get_by_text("Running:")).to_have_count(0)
    first = expect_stopped(run)
    expect(elsewhere.get_by_text(f"{first} pictures with results")).to_be_visible()
    expect(elsewhere.page.get_by_test_id("sidebar-group-SAM2 YOLO_BOX")).to_be_visible()
    expect_whole(many, first)

    rest = PICTURES - first
    run.get_by_role("button", name="Do the rest").click()
    expect(run).to_contain_text(re.compile(rf"\b([2-9]|\d\d+) of {rest} samples"))
    run.get_by_role("button", name="Stop").click()
    second = expect_stopped(run)
    assert 2 <= second < rest
    expect_whole(many, first + second)

    many.delete_samples(many.exists("sam2_yolo_box_status", False).skip(LEFT))
    run.get_by_role("button", name="Do the rest").click()
    expect(run).to_contain_text(f"{LEFT} of {LEFT} samples")
    run.get_by_role("button", name="Done").click()
    expect(run).to_have_count(0)
    expect(panel.get_by_text(f"{first + second + LEFT} pictures with results")).to_be_visible()
    expect(panel.get_by_text("Running:")).to_have_count(0)
    expect_whole(many, first + second + LEFT)
