"""The panel "SAM 2 strategies", read and pressed as people would."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from demo import browser as app_browser
from demo.browser import TIMEOUT_MS, open_evaluation, open_strategies, turn_to
from tests.app.driving import choose, expect_samples, expect_the_same_drawn
from tests.copies import copy_of

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("tmp_path")]
expect.set_options(timeout=TIMEOUT_MS)


def scores(panel: Locator) -> Locator:
    return panel.get_by_role("table").first


def lasso_everything(plot: Locator) -> None:
    """Round the whole plot with the mouse."""
    plot.scroll_into_view_if_needed()
    area = plot.locator(".nsewdrag").first
    expect(area).to_be_visible()
    box, mouse = area.bounding_box(), plot.page.mouse
    corners = [(0.01, 0.01), (0.01, 0.99), (0.99, 0.99), (0.99, 0.01), (0.02, 0.01)]
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    mouse.move(*places[0])
    mouse.down()
    for place in places[1:]:
        mouse.move(*place, steps=8)
    mouse.up()


def slice_by(panel: Locator, field: str, groups: int) -> None:
    """By a field of which each value has as many pictures as the others, in the section *Groups*."""
    choose(panel, -1, field)
    expect(panel.get_by_text(f"n = {6 // groups}")).to_have_count(groups)


@pytest.fixture(scope="module")
def judged(explained_once):
    """A dataset with everything that the panel shows."""
    dataset = copy_of(explained_once)
    dataset.set_values("camera", ["a", "b", "c"] * 2)
    dataset.set_values("split", ["train", "val"] * 3)
    yield dataset
    dataset.delete()


@pytest.fixture(scope="module")
def page(browser, app_port, judged):
    """Its page, with the panel open; each test but the last two leaves the grid and the baseline as they were."""
    page = app_browser.open_dataset(browser, app_port, judged.name)
    open_strategies(page)
    yield page
    page.context.close()


@pytest.fixture
def panel(page) -> Locator:
    return page.get_by_test_id("panel-content-strategies_panel")


def test_table_says_what_was_measured(panel, judged):
    rows = scores(panel).get_by_role("row")
    expect(rows).to_have_count(3)
    for strategy in ("yolo_box", "clip_point"):
        mean = np.mean(judged.values(f"sam2_eval_{strategy}_iou"))
        expect(rows.filter(has_text=strategy)).to_contain_text(f"{mean:.3f}")
    plots = {"Pictures": 1, "Errors": 2, "Groups": 1, "Confidence": 2, "Scores": 1}
    for section, count in plots.items():
        turn_to(panel, section)
        expect(panel.locator(".js-plotly-plot .main-svg").first).to_be_visible()
        expect(panel.locator(".js-plotly-plot")).to_have_count(count)


def test_a_beats_b_changes_the_grid_to_just_those(page, panel, judged):
    expect_samples(page, 6)
    gain = np.subtract(*(judged.values(f"sam2_eval_{s}_iou") for s in ("yolo_box", "clip_point")))
    turn_to(panel, "Pictures")
    panel.get_by_role("button", name="A beats B").click()
    expect_samples(page, int((gain > 0.01).sum()))
    panel.get_by_role("button", name="Show everything").click()
    expect_samples(page, 6)


def test_a_clicked_row_shows_that_strategy_alone(page, panel):
    turn_to(panel, "Scores")
    scores(panel).get_by_role("cell", name="yolo_box").click()
    expect(page.get_by_test_id("checkbox-sam2_yolo_box").locator("input")).to_be_checked()
    expect(page.get_by_test_id("checkbox-sam2_truth").locator("input")).to_be_checked()
    expect(page.get_by_test_id("checkbox-sam2_clip_point").locator("input")).not_to_be_checked()


def test_lassoed_points_are_selected_in_the_grid(page, panel):
    turn_to(panel, "Pictures")
    lasso_everything(panel.locator(".js-plotly-plot"))
    expect(page.get_by_test_id("looker").locator("input:checked")).to_have_count(6)


def test_whatever_was_chosen_a_fresh_panel_draws_the_same(open_dataset, page, panel, judged):
    """The last but one on the page: other slices and another baseline. A stranger's way has the same after a run."""
    turn_to(panel, "Groups")
    slice_by(panel, "camera", 3)
    slice_by(panel, "split", 2)
    turn_to(panel, "Scores")
    expect(panel.get_by_text("compared with clip_point")).to_be_visible()
    gain_of_clip_point = scores(panel).get_by_role("row").filter(has_text="clip_point").get_by_role("cell").nth(3)
    expect(gain_of_clip_point).to_have_text("")
    choose(panel, 0, "yolo_box")
    expect(panel.get_by_text("compared with yolo_box")).to_be_visible()
    expect(gain_of_clip_point).to_have_text(re.compile(r"^-0\.\d{3}$"))

    fresh = open_dataset(judged)  # the App's server hands the choices on to it
    other = open_strategies(fresh)
    expect_the_same_drawn(page, fresh)
    for one in (panel, other):
        turn_to(one, "Groups")
        slice_by(one, "split", 2)
    expect_the_same_drawn(page, fresh)


def test_fiftyones_model_evaluation_panel_compares_by_iou(page, judged):
    """The last on the page, whose panel it lies over."""
    open_evaluation(page, "sam2_eval_yolo_box", "sam2_eval_clip_point")
    iou = page.get_by_role("row").filter(has_text="Mean IoU over images")
    for strategy in ("yolo_box", "clip_point"):
        expect(page.get_by_role("columnheader", name=f"sam2_eval_{strategy}")).to_be_visible()
        expect(iou).to_contain_text(f"{np.mean(judged.values(f'sam2_eval_{strategy}_iou')):.3f}")
