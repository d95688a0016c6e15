"""Labels finished, reviewed, annotated and removed in a browser, by the panels' buttons; the dataset is as before."""

from __future__ import annotations

import json
import re
import uuid

import fiftyone as fo
import pytest
from playwright.sync_api import Locator, expect

from demo.browser import TIMEOUT_MS, open_strategies
from prompting.dataset.names import ACCEPTED, EDITED, SENT, FinalFields
from tests.app.driving import AGAIN_MS, carry_out, execute, form_of
from tests.copies import copy_of
from tests.storing import timeless

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("tmp_path")]
expect.set_options(timeout=TIMEOUT_MS)

PICTURES = 8
FIELDS = FinalFields.of("labels")


@pytest.fixture
def eight(made_once):
    """The demo's photographs, some of them twice."""
    dataset = copy_of(made_once, f"eight-{uuid.uuid4().hex[:8]}")
    dataset.add_samples([fo.Sample(path) for path in dataset.values("filepath")[: PICTURES - len(dataset)]])
    yield dataset
    dataset.delete()


def exported(dataset: fo.Dataset, folder) -> list:
    """The dataset as FiftyOne writes it down, without time stamps."""
    dataset.reload()
    dataset.export(export_dir=str(folder), dataset_type=fo.types.FiftyOneDataset, export_media=False, overwrite=True)
    files = sorted(path for path in folder.rglob("*.json"))
    return [(path.name, timeless(json.loads(path.read_text()))) for path in files]


def expect_next(review: Locator, decided: int) -> None:
    """So many are decided, and one that isn't is shown."""
    expect(review.get_by_text(f"{decided} of {PICTURES} pictures")).to_be_visible()
    expect(review.get_by_text("To review;")).to_be_visible()


def test_eight_labels_are_finished_reviewed_annotated_and_removed(
    open_dataset, eight, apply_strategies, evaluate_strategies, nano, tmp_path
):
    """On one page, for each step needs what the one before it left."""
    before = exported(eight, tmp_path)
    apply_strategies(eight, strategies=["clip_point", "yolo_box"], progress=False, **nano)
    evaluate_strategies(eight.exists("ground_truth"), "ground_truth", progress=False)
    page = open_dataset(eight)
    panel = open_strategies(page)
    carry_out(form_of(panel, "Finish labels"), panel.get_by_text(f"Review {PICTURES} labels"))
    carry_out(form_of(panel, "Tag what to label next"), page.get_by_text("2 samples of 2 without a label tagged"))
    eight.reload()
    assert eight.count_sample_tags() == {"label next": 2} and set(eight.values(FIELDS.source)) == {"yolo_box"}
    eight.untag_samples("label next")  # a tag is a person's

    panel.get_by_role("button", name=f"Review {PICTURES} labels").click()
    review = page.get_by_test_id("panel-content-review_panel").last
    accept = review.get_by_role("button", name="Accept", exact=True)
    expect(accept).to_be_visible()
    expect(review.get_by_role("img").first).to_be_visible()
    accept.focus()
    for decided in range(1, 4):
        page.keyboard.press("Space")  # the button keeps the focus from picture to picture
        expect_next(review, decided)
    review.get_by_role("button", name="Undo: accepted").click()
    expect_next(review, 2)

    take = review.get_by_role("button", name="Take clip_point's masks")
    for _ in range(5):  # the picture may be opened only now: a press on the last one's button decides nothing
        review.get_by_role("button", name=re.compile("^clip_point ")).click()
        try:
            expect(take).to_be_visible(timeout=AGAIN_MS)
            break
        except AssertionError:
            continue
    expect(accept).to_have_count(0)  # nobody accepts a label that isn't shown
    review.get_by_role("button", name="Show the label again").click()
    expect(accept).to_be_visible()
    review.get_by_role("button", name=re.compile("^clip_point ")).click()
    take.click()
    expect(review.get_by_text("1 edited")).to_be_visible()
    eight.reload()
    assert eight.match(fo.ViewField(FIELDS.source) == "clip_point").values(FIELDS.status) == [EDITED]
    review.get_by_role("button", name="Next").click()
    expect_next(review, 3)
    review.get_by_role("cell").first.click()
    review.get_by_role("button", name="Drop the selected instance").click()
    expect(review.get_by_text("2 edited")).to_be_visible()
    review.get_by_role("button", name="Next").click()
    expect_next(review, 4)
    page.mouse.click(5, 500)  # beside the picture: it is closed
    panel.get_by_role("button", name="Review the other 4").click()
    expect_next(review, 4)
    review.get_by_role("button", name="Send to annotation").click()
    for decided in range(5, PICTURES):
        expect_next(review, decided)
        accept.click()
    expect(page.get_by_text(f"{PICTURES} of {PICTURES} pictures").first).to_be_visible()
    expect(accept).to_have_count(0)  # the picture is closed
    eight.reload()
    assert eight.count_values(FIELDS.status) == {ACCEPTED: 5, EDITED: 2, "to review": 1}
    assert eight.count_sample_tags() == {SENT: 1}

    execute(form_of(panel, "Annotate the 1 sent"))
    expect(page.get_by_text("1 picture was sent to annotation as")).to_be_visible()
    execute(form_of(panel, "Annotate the 1 sent"))  # there is nothing else to send: the form begins with fetching
    expect(page.get_by_text("0 labels came back edited and 1 as they were.")).to_be_visible()
    expect(panel.get_by_text("are decided: 6 accepted, 2 edited.")).to_be_visible()
    eight.reload()
    assert eight.count_values(FIELDS.status) == {ACCEPTED: 6, EDITED: 2} and not eight.count_sample_tags()
    eight.delete_annotation_run(eight.list_annotation_runs()[0])  # an annotation run is a person's
    panel.get_by_role("button", name="Refresh").click()

    for what, gone in (("labels: labels", "Removed: the labels"), ("all of them", "Removed: the results of all")):
        form = form_of(panel, "Remove results")
        form.get_by_role("combobox").last.click()
        page.get_by_role("option", name=re.compile(what)).click()
        expect(form.get_by_text(gone.replace("Removed", "To be removed"))).to_be_visible()
        form.get_by_text("Remove all that is listed below, for good").click()
        carry_out(form, page.get_by_text(gone))
    assert exported(eight, tmp_path) == before
