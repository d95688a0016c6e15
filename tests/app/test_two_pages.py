"""Two pages on one dataset, as ``fiftyone app launch`` keeps them together: neither shows what isn't so any more."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from demo.browser import TIMEOUT_MS, open_strategies
from tests.app.driving import choose, choose_strategies, execute, expect_samples, expect_the_same_drawn, open_form
from tests.app.launching import launched_app

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("tmp_path")]
expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture
def app_port(explained):
    with launched_app(explained.name) as port:
        yield port


def test_what_is_changed_in_one_page_is_drawn_in_the_other(open_dataset, explained):
    """Choices, the pictures that are shown, and scores: all at once, for each needs two pages and an App of its own."""
    one, other = open_dataset(explained), open_dataset(explained)
    first, second = open_strategies(one), open_strategies(other)
    expect(second.get_by_text("compared with clip_point")).to_be_visible()

    choose(first, 0, "yolo_box")
    for panel in (first, second):
        expect(panel.get_by_text("compared with yolo_box")).to_be_visible()

    second.get_by_role("button", name=re.compile("^Worst 25 of")).click()
    for page, panel in ((other, second), (one, first)):
        expect(panel.get_by_text("In the grid: worst 25 of")).to_be_visible()
        expect_samples(page, 6)
    first.get_by_role("button", name="Show everything").click()
    for panel in (first, second):
        expect(panel.get_by_text("In the grid:")).to_have_count(0)

    form = open_form(one, "SAM 2: evaluate prompting strategies")
    choose_strategies(form, "yolo_box")
    run = execute(form)
    for panel in (first, second):
        expect(panel.get_by_text("There is one strategy alone")).to_be_visible()
    run.get_by_role("button", name="Done").click()
    first.get_by_role("button", name="Refresh").click()  # a row of the other page's state may be left
    expect_the_same_drawn(one, other)
