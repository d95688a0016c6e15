"""Every button of the panel that opens a form, followed to what comes out: masks, scores, parts of the loss, files."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import expect

from demo.browser import TIMEOUT_MS, open_dataset, open_strategies, turn_to
from tests.app.driving import carry_out, execute, form_of, open_form, press, seen, type_into

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("tmp_path")]
expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="module")
def page(browser, app_port, applied):
    """A page with the results of two strategies."""
    page = open_dataset(browser, app_port, applied.name)
    yield page
    page.context.close()


@pytest.mark.parametrize("height", [700, 1000])
def test_form_says_what_becomes_of_results_in_its_own_words_and_begins_with_the_last_run(page, height):
    page.set_viewport_size({"width": 1600, "height": height})
    form = open_form(page, "SAM 2: apply prompting strategies")
    expect(form.locator("[data-tag-index]")).to_have_text(["clip_point", "yolo_box"])
    alert = form.get_by_role("alert")
    expect(alert).to_contain_text("Samples that have results: All of these samples have results")
    expect(alert).not_to_contain_text("existing=")
    expect(form.get_by_role("button", name="Execute")).to_be_disabled()
    again = form.get_by_text("Do them again", exact=True)
    assert seen(alert) and seen(again)
    press(form, "Do them again")
    expect(alert).to_have_count(0)
    expect(form.get_by_role("button", name="Execute")).to_be_enabled()
    form.get_by_role("button", name="Cancel").click()
    expect(form).to_have_count(0)


def test_from_masks_to_a_report_and_what_comes_next_by_the_panels_buttons(page, applied, reports):
    """All on one page, for each button needs what those before it left; a stranger's way has those that apply and
    evaluate, so here it is evaluated out of the menu."""
    panel = open_strategies(page)
    carry_out(form_of(panel, "Measure agreement"), panel.locator(".js-plotly-plot").first)
    applied.reload()  # the App's server writes to it, here and below
    assert len(applied.exists("sam2_agreement")) == 6

    form = open_form(page, "SAM 2: evaluate prompting strategies")
    expect(form.get_by_text("ground_truth", exact=True)).to_be_visible()
    run = execute(form)
    expect(run.get_by_role("progressbar").first).to_be_visible()
    rows = run.get_by_role("table").first.get_by_role("row")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("mean IoU")
    for strategy in ("clip_point", "yolo_box"):
        expect(rows.filter(has_text=strategy)).to_have_count(1)
    run.get_by_role("button", name="Done").click()
    expect(run).to_have_count(0)
    expect(panel.get_by_text("has the highest mean IoU")).to_be_visible()
    expect(panel.get_by_text("compared with clip_point")).to_be_visible()
    expect(panel.get_by_role("combobox").first).to_have_text("clip_point")
    applied.reload()
    iou = np.array(applied.values("sam2_eval_yolo_box_iou"), float)
    expect(panel.get_by_role("table").first).to_contain_text(f"{iou.mean():.3f}")

    turn_to(panel, "Errors")
    written = page.get_by_test_id("operators-prompt-view-modal").get_by_role("table")
    carry_out(form_of(panel, "Explain errors"), written)
    expect(panel.get_by_role("button", name="Explain errors")).to_have_count(0)
    expect(panel.locator(".js-plotly-plot").first).to_be_visible()
    applied.reload()
    assert len(applied.exists("sam2_yolo_box_error")) == 6

    form = form_of(panel, "Export")
    type_into(form, "Folder", str(reports / "report"))
    run = execute(form)
    with page.context.expect_page() as opened:  # and the App stays
        run.get_by_role("link", name="Open the report").click()
    expect(opened.value.get_by_role("heading", name="SAM 2 prompting strategies")).to_be_visible()
    opened.value.close()
    expect(written.first).to_be_visible()
    assert [path.suffix for path in sorted((reports / "report").iterdir())] == [".csv", ".html", ".json"]
    run.get_by_role("button", name="Done").click()
    expect(run).to_have_count(0)

    carry_out(form_of(panel, "Use yolo_box's masks as labels"), page.get_by_text("have labels of 'yolo_box'"))
    applied.reload()
    assert len(applied.exists("labels")) == len(applied.exists("labels_instances")) == 6

    carry_out(form_of(panel, "Tag yolo_box's worst"), page.get_by_text("tagged 'annotate'"))
    applied.reload()
    assert applied.count_sample_tags() == {"annotate": 6}

    carry_out(form_of(panel, "Show yolo_box's errors"), page.get_by_text("hit green, missed vermilion"))
    applied.reload()
    assert len(applied.exists("sam2_overlay")) == 6
    expect(page.get_by_test_id("checkbox-sam2_overlay").locator("input")).to_be_checked()

    form = form_of(panel, "Remove results")
    form.get_by_text("Remove all that is listed below, for good").click()
    carry_out(form, panel.get_by_text("No strategies yet"))
    applied.reload()
    assert not [name for name in applied.get_field_schema() if name.startswith("sam2")]
    assert len(applied.exists("labels")) == 6
