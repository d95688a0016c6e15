"""What people see in the App: menu, forms, progress, masks, tables. Driven as they would drive it."""

from __future__ import annotations

import io
import re
import time
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from demo.browser import TIMEOUT_MS, open_strategies
from demo.browser import open_dataset as open_page
from prompting.dataset.studies import load_study
from tests.app.driving import (
    answered,
    carry_out,
    choose_bundled_models,
    choose_strategies,
    execute,
    field,
    open_form,
    press,
    seen,
    type_into,
)
from tests.copies import copy_of

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("tmp_path")]
expect.set_options(timeout=TIMEOUT_MS)

APPLY = "SAM 2: apply prompting strategies"
SWEEP = "SAM 2: sweep strategies"


def pixels(thumbnail: Locator, unlike: np.ndarray | None = None) -> np.ndarray:
    """A thumbnail as it is drawn, once it rests and differs from an earlier state; (H, W, 3)."""
    thumbnail.page.mouse.move(5, 5)
    deadline, last = time.monotonic() + TIMEOUT_MS / 1000, None
    while time.monotonic() < deadline:
        now = np.asarray(Image.open(io.BytesIO(thumbnail.screenshot())).convert("RGB"), int)
        rests = last is not None and np.array_equal(now, last)
        if rests and (unlike is None or not np.array_equal(now, unlike)):
            return now
        last = now
        thumbnail.page.wait_for_timeout(200)
    raise AssertionError("The thumbnail never changed." if unlike is not None else "The thumbnail never came to rest.")


def test_it_is_served_to_this_machine_alone(app_port):
    listening = [c for c in psutil.net_connections("tcp") if c.status == "LISTEN" and c.laddr.port == app_port]
    assert listening and all(c.laddr.ip in ("127.0.0.1", "::1") for c in listening)
    assert 'address="localhost"' in (Path(__file__).parents[2] / "demo" / "run.py").read_text()


@pytest.fixture(scope="module")
def unsegmented(made_once):
    """Photographs without results."""
    dataset = copy_of(made_once)
    yield dataset
    dataset.delete()


@pytest.fixture(scope="module")
def page(browser, app_port, unsegmented):
    """Their page."""
    page = open_page(browser, app_port, unsegmented.name)
    yield page
    page.context.close()


@pytest.fixture
def form(page, request) -> Locator:
    """The form to apply strategies, opened anew, in a window of the height that is asked for."""
    page.set_viewport_size({"width": 1600, "height": getattr(request, "param", 1000)})
    form = open_form(page, APPLY)
    yield form
    form.get_by_role("button", name="Cancel").click()
    expect(form).to_have_count(0)


def test_form_refuses_a_bad_prefix_until_it_is_mended(form):
    choose_bundled_models(form)
    press(form, "More options")
    type_into(form, "Field prefix", "Bad prefix")
    expect(form.get_by_role("alert")).to_have_text(re.compile("The prefix 'Bad prefix' can't begin field names"))
    expect(form.get_by_role("button", name="Execute")).to_be_disabled()
    type_into(form, "Field prefix", "good")
    expect(form.get_by_role("alert")).to_have_count(0)
    expect(form.get_by_role("button", name="Execute")).to_be_enabled()


@pytest.mark.parametrize("form", [1000, 700], indirect=True)
def test_without_a_network_the_form_names_all_models_and_the_bundled_ones_are_one_click_away(form):
    alert = form.get_by_role("alert")
    for model in ("sam2.1-hiera-tiny", "ViT-B-16-quickgelu/openai", "yolo26x.pt"):
        expect(alert).to_contain_text(model)
    expect(form.get_by_role("button", name="Execute")).to_be_disabled()
    bundled = form.get_by_text("Bundled, small, offline", exact=True)
    assert seen(alert) and seen(bundled)
    press(form, "Bundled, small, offline")
    expect(alert).to_have_count(0)
    expect(form.get_by_role("button", name="Execute")).to_be_enabled()


def test_emptied_classes_are_an_error_and_no_person(form):
    choose_bundled_models(form)
    expect(form.get_by_role("button", name="Execute")).to_be_enabled()
    type_into(form, "Classes", "")
    expect(form.get_by_role("button", name="Execute")).to_be_disabled()
    expect(form.get_by_role("alert")).to_contain_text("Classes")


def test_apply_is_first_in_the_menu(page):
    page.keyboard.press("`")
    page.get_by_test_id("operators-browser-search").fill("SAM 2")
    found = page.get_by_test_id("operators-browser").get_by_text(re.compile("^SAM 2: "))
    expect(found.first).to_have_text(APPLY)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("operators-browser")).to_have_count(0)


def test_strategies_may_be_spelled_and_there_must_be_one(form):
    choose_strategies(form)
    alert, strategies = form.get_by_role("alert"), field(form, "Strategies")
    expect(alert).to_have_text(re.compile("Choose at least one strategy"))
    expect(form.get_by_role("button", name="Execute")).to_be_disabled()
    for typed, said in {"yolo:circle": "circle", "yolo:box@3": "yolo26x-seg.pt"}.items():
        strategies.fill(typed)
        with answered(form):
            strategies.press("Enter")
        expect(form.locator("[data-tag-index]")).to_have_text([typed])
        expect(alert).to_contain_text(said)
        with answered(form):
            strategies.press("Backspace")


def test_a_checkpoint_that_is_not_there_is_refused_before_the_run(form):
    choose_strategies(form, "yolo_box")
    press(form, "Choose each")
    type_into(form, "Detector", "yolo26n.pt")
    type_into(form, "SAM 2 model", "no/such/checkpoint.pt")
    expect(form.get_by_role("alert")).to_contain_text("SAM 2 model: Unknown SAM 2 model 'no/such/checkpoint.pt'")
    expect(form.get_by_role("button", name="Execute")).to_be_disabled()


def test_what_stops_a_run_is_shown(page):
    form = open_form(page, APPLY)
    choose_strategies(form, "yolo_box")
    choose_bundled_models(form)
    type_into(form, "Classes", "unicorn")  # what the detector knows is known once it is loaded
    run = execute(form)
    expect(run.get_by_role("alert")).to_contain_text("unicorn")
    run.get_by_role("button", name="Done").click()
    expect(run).to_have_count(0)


def test_two_selected_samples_are_segmented_and_their_masks_drawn(page, unsegmented):
    """The last but one on the page: what comes before leaves no results."""
    thumbnails = page.get_by_test_id("looker")
    for i in (1, 2):
        thumbnails.nth(i).hover()
        thumbnails.nth(i).locator("label").click()
        expect(thumbnails.nth(i).locator("input")).to_be_checked()

    form = open_form(page, APPLY)
    expect(form.get_by_label("Current selection")).to_be_checked()
    choose_strategies(form, "clip_point", "yolo_box")
    choose_bundled_models(form)
    run = execute(form)
    expect(run).to_contain_text(re.compile("loading the models|of 2 samples"))
    expect(run.get_by_role("progressbar").first).to_be_visible()
    expect(run).to_contain_text("2 of 2 samples")
    run.get_by_role("button", name="Done").click()

    unsegmented.reload()  # the App's server wrote to it
    for strategy in ("clip_point", "yolo_box"):
        assert unsegmented.exists(f"sam2_{strategy}").values("id") == unsegmented.values("id")[1:3]
        expect(page.get_by_test_id(f"checkbox-sam2_{strategy}")).to_be_visible()
    checkbox = page.get_by_test_id("checkbox-sam2_clip_point")
    expect(checkbox.locator("input")).to_be_checked()
    shown = pixels(thumbnails.nth(1))
    checkbox.click()
    hidden = pixels(thumbnails.nth(1), unlike=shown)
    changed = np.abs(shown - hidden).max(axis=2) > 8
    mask = unsegmented.skip(1).first().sam2_clip_point.get_mask() > 0
    stored = cv2.resize(mask.astype(np.uint8), changed.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    assert (changed & stored).sum() / (changed | stored).sum() > 0.8


def test_a_strategy_is_composed_many_are_swept_their_curves_seen_and_the_best_applied(page, unsegmented):
    """After the one above, whose two pictures are still selected: what is composed is applied to those."""
    form = open_form(page, APPLY)
    press(form, "Compose your own")
    type_into(form, "Margin in %", "10")
    expect(form.get_by_text(re.compile("^Also applied: yolo:box10 "))).to_be_visible()
    own = page.get_by_test_id("checkbox-sam2_yolo_box10")
    carry_out(form, own)
    unsegmented.reload()  # the App's server writes to it, here and below
    assert unsegmented.exists("sam2_yolo_box10").count() == 2

    for i in (1, 2):
        page.get_by_test_id("looker").nth(i).locator("label").click()
    panel = open_strategies(page)
    form = open_form(page, SWEEP)
    expect(form.get_by_label("Bundled, small, offline")).to_be_checked()  # as in the last run
    for label, numbers in {"Clicks inside": "1, 3", "Clicks outside": "0", "Corrective clicks": "1, 2"}.items():
        type_into(form, label, numbers)
    expect(form.get_by_text(re.compile("^10 strategies: "))).to_be_visible()
    run = execute(form)
    expect(run.get_by_text("10 strategies on 6 pictures")).to_be_visible()
    run.get_by_role("button", name="Done").click()
    for part in ("positives", "rounds"):
        curve = panel.locator(".js-plotly-plot").filter(has_text=f"Mean IoU against {part}")
        expect(curve.locator(".point")).to_have_count(2 + (part == "positives"))

    unsegmented.reload()
    assert not unsegmented.has_field("sam2_yolo_1p_r1")
    best = load_study(unsegmented).best
    panel.get_by_role("button", name=f"Apply {best.spelling}", exact=True).click()
    carry_out(page.get_by_test_id("operators-prompt-modal"), page.get_by_test_id(f"checkbox-sam2_{best.name}"))
    unsegmented.reload()
    masks = [sample[f"sam2_{best.name}"].get_mask() for sample in unsegmented]
    assert len(masks) == 6 and any(mask.any() for mask in masks)
