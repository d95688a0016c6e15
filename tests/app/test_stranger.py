"""A stranger's first half hour, in the App as ``fiftyone app launch`` serves it, which keeps its pages together."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from demo.browser import TIMEOUT_MS, open_strategies, turn_to
from prompting.dataset.appearance import shown_fields
from prompting.prompts.strategies import AUTOMATIC, STRATEGIES
from tests.app.driving import (
    carry_out,
    choose,
    choose_bundled_models,
    choose_strategies,
    expect_samples,
    expect_the_same_drawn,
    form_of,
)
from tests.app.launching import launched_app

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("tmp_path")]
expect.set_options(timeout=TIMEOUT_MS)

CHOSEN = ("clip_point", "clip_iterative", "yolo_box")


@pytest.fixture
def app_port(dataset):
    with launched_app(dataset.name) as port:
        yield port


def ticked(page: Page) -> set[str]:
    """The fields that the pictures show."""
    boxes = page.locator("[data-cy^=checkbox-]").filter(has=page.locator("input:checked"))
    return {box.get_attribute("data-cy").removeprefix("checkbox-") for box in boxes.all()}


def test_from_a_fresh_dataset_to_masks_of_the_winner_everywhere_without_a_word_of_python(open_dataset, dataset):
    """The whole way in one App: three strategies on three pictures, evaluated, another tab, and the winner on the rest.

    All seven are offered; of three each page is drawn in half the time, and no step is another one. It takes longer
    than five seconds because it is all real: an App of its own is started, three strategies run on three pictures and
    the best on three more, each form and page is waited for, and every page draws what the other one changed: choices,
    the pictures that are shown, results.
    """
    page = open_dataset(dataset)
    panel = open_strategies(page)
    thumbnails = page.get_by_test_id("looker")
    for i in range(3):
        thumbnails.nth(i).hover()
        thumbnails.nth(i).locator("label").click()
        expect(thumbnails.nth(i).locator("input")).to_be_checked()
    form = form_of(panel, "Apply strategies")
    expect(form.get_by_label("Current selection")).to_be_checked()
    expect(form.get_by_role("button", name="Execute")).to_be_disabled()
    expect(form.locator("[data-tag-index]")).to_have_text(list(AUTOMATIC))
    choose_strategies(form, *CHOSEN)
    choose_bundled_models(form)
    carry_out(form, panel.get_by_text("Not evaluated yet"))
    for strategy in CHOSEN:  # its group, in the page that ran it, which wasn't loaded again
        expect(page.get_by_test_id(f"sidebar-group-SAM2 {strategy.upper()}")).to_have_count(1)

    dataset.reload()  # the App's server writes to it, here and below
    done = dataset.select_fields("sam2_yolo_box").exists("sam2_yolo_box")
    assert done.values("id") == dataset.values("id")[:3]
    assert any(mask.any() for mask in (sample.sam2_yolo_box.get_mask() for sample in done))

    carry_out(form_of(panel, "Evaluate"), panel.get_by_text("has the highest mean IoU"))
    dataset.reload()
    ids = dataset.values("id")
    tried = [name for name in STRATEGIES if dataset.has_sample_field(f"sam2_eval_{name}_iou")]
    means = {name: dataset.mean(f"sam2_eval_{name}_iou") for name in tried}
    rest = panel.get_by_role("button", name=re.compile("^Apply .* to the other 3$"))
    best = re.search(r"Apply (\w+) to", rest.inner_text()).group(1)
    assert set(means) == set(CHOSEN) and means[best] == max(means.values())
    expect(panel).to_contain_text(re.compile(rf"{best}.*{means[best]:.3f}"))

    tab = open_dataset(dataset)
    expect(tab.get_by_test_id(f"checkbox-sam2_{best}").locator("input")).to_be_checked()
    assert ticked(tab) == set(shown_fields(dataset, "sam2", best))
    for strategy in CHOSEN:  # a closed group each
        expect(tab.get_by_test_id(f"sidebar-group-SAM2 {strategy.upper()}")).to_be_visible()

    second = open_strategies(tab)
    choose(panel, 0, "yolo_box")
    for one in (panel, second):
        expect(one.get_by_text("compared with yolo_box")).to_be_visible()

    turn_to(second, "Pictures")
    expect(panel.get_by_text("Picture by picture")).to_be_visible()  # pages turn together
    second.get_by_role("button", name=re.compile("^Worst 25 of")).click()
    for one in (panel, second):
        expect(one.get_by_text("In the grid: worst 25 of")).to_be_visible()
        expect_samples(one.page, 3)  # those that have scores
    panel.get_by_role("button", name="Show everything").click()
    for one in (panel, second):
        expect(one.get_by_text("In the grid:")).to_have_count(0)

    rest.click()
    form = page.get_by_test_id("operators-prompt-modal")
    expect(form.locator("[data-tag-index]")).to_have_text([best])
    carry_out(form, panel.get_by_text("the whole dataset, 6 pictures with results"))
    for one in (panel, second):
        expect(one.get_by_text("the whole dataset, 6 pictures with results")).to_be_visible()
        expect(one.get_by_role("button", name=re.compile("^Apply .* to the other"))).to_have_count(0)
        expect(one.get_by_text("These scores are old")).to_have_count(0)
    dataset.reload()
    assert dataset.exists(f"sam2_{best}").values("id") == ids
    expect_the_same_drawn(page, tab)
