"""The review panel as FiftyOne's server runs it: what it shows of a picture, and what each button orders and writes."""

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest

from prompting.dataset.names import ACCEPTED, EDITED, SENT, FinalFields
from prompting.runs.review import Review
from tests.copies import copy_of
from tests.session import hear

PLUGIN = "@promptlab/sam2-prompting"
FIELDS = FinalFields.of("labels")


@pytest.fixture(scope="module")
def finished_once(applied_once):
    dataset = copy_of(applied_once)
    foo.get_operator(f"{PLUGIN}/finish_labels")(dataset, strategies="yolo_box", progress=False)
    dataset.set_values(FIELDS.expected_iou, [0.9, 0.3, 0.8, 0.5, 0.7, 0.6])
    yield dataset
    dataset.delete()


@pytest.fixture
def finished(finished_once):
    dataset = copy_of(finished_once)
    yield dataset
    dataset.delete()


class Page:
    """A page with the panel: it remembers the panel's state, and which picture and instances are chosen."""

    def __init__(self, dataset, sample: str | None = None):
        self.dataset, self.sample, self.state, self.selected, self.orders = dataset, sample, {}, [], []

    def do(self, method: str, **params) -> "Page":
        request = {"__method__": method, "panel_id": "test", "panel_state": self.state, **params}
        context = {"dataset": self.dataset, "current_sample": self.sample, "selected_labels": self.selected}
        result = foo.execute_operator(f"{PLUGIN}/review_panel", context, params=request)
        result.raise_exceptions()
        requests = result.to_json()["executor"]["requests"]
        self.orders = [(order["operator_uri"].split("/")[-1], order["params"]) for order in requests]
        hear(self.orders)
        for params in self.all("patch_panel_state"):
            self.state = {**self.state, **params["state"]}
        return self

    def all(self, name: str) -> list[dict]:
        return [params for order, params in self.orders if order == name]

    @property
    def shown(self) -> dict:
        """The panel's building blocks by name."""
        blocks = self.all("show_panel_output")[-1]["output"]["type"]["properties"]
        return {name.partition("_shape")[0]: block for name, block in blocks.items()}

    def button(self, row: str, name: str) -> dict | None:
        """A button's view; None where it isn't there."""
        there = self.shown.get(row, {"type": {"properties": {}}})["type"]["properties"].get(name)
        return there and there["view"]

    def press(self, row: str, name: str) -> "Page":
        """Do what a button that is shown does, with what it brings along."""
        view = self.button(row, name)
        return self.do(view["operator"].partition("#")[2], **(view.get("params") or {}))

    @property
    def opened(self) -> str | None:
        """The picture that was opened last; the App then tells the panel of it."""
        return next((params["id"] for params in self.all("open_sample")), None)


def picture(page: Page) -> str:
    """What the panel shows of the picture that is open."""
    return next(value for name, value in page.all("set_panel_data")[-1]["data"].items() if name.startswith("preview"))


@pytest.fixture
def page(finished):
    """A page on the picture that is expected to be worst."""
    return Page(finished, Review(finished).queue()[0]).do("on_load")


def test_the_grid_says_how_far_it_is_and_begins_with_the_worst(finished):
    review = Review(finished)
    review.accept(review.queue()[0])
    page = Page(finished).do("on_load")
    assert page.shown["progress"]["view"]["label"] == "1 of 6 pictures of “labels” decided"
    page.press("begin", "start")
    assert page.opened == review.queue()[0]


def test_a_picture_that_was_deleted_meanwhile_is_no_dead_end(page, finished):
    queue = Review(finished).queue()
    finished.delete_samples([queue[0]])
    page.do("redraw")
    assert "no sample" in page.shown["problem"]["view"]["description"]
    page.press("on", "start")
    assert page.opened == queue[1]


def test_without_labels_there_is_nothing_to_review(applied):
    assert "Finish labels first" in str(Page(applied).do("on_load").shown["nothing"])


def test_accepting_opens_the_next_and_the_last_one_says_so(page, finished):
    queue = Review(finished).queue()
    for sample_id, following in zip(queue, [*queue[1:], None]):
        assert page.sample == sample_id
        page.press("decisions", "accept")
        assert page.opened == following
        page.sample = following or page.sample
        page.do("on_change_current_sample")
    assert finished.count_values(FIELDS.status) == {ACCEPTED: 6} and not Review(finished).queue()
    page.do("redraw")
    assert page.button("decisions", "skip") is None and page.button("decisions", "accept")["label"] == "Next"


def test_another_strategy_is_looked_at_before_it_is_taken(page, finished):
    label = picture(page)
    page.press("others", "look_sam2_clip_point")
    assert picture(page) != label
    assert "The picture shows clip_point's masks" in str(page.shown["instances"])  # no row drops what isn't shown
    page.press("decisions", "take")
    sample = finished[page.sample]
    assert np.array_equal(sample[FIELDS.mask].get_mask(), sample["sam2_clip_point"].get_mask())
    assert page.all("reload_samples") and page.opened is None and page.button("decisions", "take") is None
    assert page.button("decisions", "undo")["label"] == "Undo: replaced by clip_point's"


def test_what_is_looked_at_of_one_picture_is_not_looked_at_of_the_next(page, finished):
    page.press("others", "look_sam2_clip_point")
    page.sample = Review(finished).queue()[1]
    page.do("on_change_current_sample")
    assert page.button("decisions", "take") is None


def test_nobody_accepts_what_the_panel_does_not_show(page, finished):
    accept = page.button("decisions", "accept")
    page.press("others", "look_sam2_clip_point")
    assert "Below are clip_point's masks, not the label." in str(page.shown["picture"])
    assert list(page.shown["decisions"]["type"]["properties"]) == ["take", "label"]
    take = page.button("decisions", "take")
    assert take["label"] == "Take clip_point's masks" and take["variant"] == "contained"
    page.do("accept", **accept["params"])  # pressed before the panel was drawn anew
    assert "nothing was decided" in page.all("notify")[0]["message"]
    page.press("decisions", "label")
    assert page.button("decisions", "take") is None and page.button("decisions", "accept")
    page.do("take", **take["params"])
    assert "nothing was decided" in page.all("notify")[0]["message"]
    assert finished.count_values(FIELDS.status) == {"to review": 6}


def test_what_was_measured_is_told_beside_what_was_expected(page, finished):
    assert "measured" not in str(page.shown["picture"])
    finished.add_sample_field("sam2_eval_yolo_box_iou", fo.FloatField)
    finished.set_values("sam2_eval_yolo_box_iou", {page.sample: 0.657}, key_field="id")
    assert "expected IoU 0.30, measured 0.657 against the truth, from" in str(page.do("redraw").shown["picture"])
    page.press("others", "look_sam2_clip_point").press("decisions", "take")
    assert "measured" not in str(page.shown["picture"])  # it is not these masks'


def test_selected_instances_are_dropped(page, finished):
    counts = [len(found) for found in finished.values(f"{FIELDS.instances}.detections.id")]
    page.sample = finished.values("id")[int(np.argmax(counts))]
    page.do("on_change_current_sample")
    assert page.button("dropping", "drop") is None
    ids = [one.id for one in finished[page.sample][FIELDS.instances].detections]
    in_picture = [{"label_id": ids[0], "sample_id": page.sample, "field": FIELDS.instances, "type": "default"}]
    others = [{"label_id": "other", "sample_id": page.sample, "field": "ground_truth", "type": "default"}]
    page.selected = [*in_picture, *others]
    page.do("on_change_selected_labels").do("select", row=1)
    assert page.button("dropping", "drop")["label"] == "Drop the 2 selected instances"
    page.do("select", row=0)  # a row unselects what was selected in the picture, too
    assert page.all("clear_selected_labels")
    page.selected = []
    page.do("on_change_selected_labels")
    assert page.button("dropping", "drop")["params"]["instances"] == [ids[1]]
    page.press("dropping", "drop")
    assert [one.id for one in finished[page.sample][FIELDS.instances].detections] == [ids[0], *ids[2:]]
    assert page.all("clear_selected_labels") and finished[page.sample][FIELDS.status] == EDITED


def test_of_several_labels_one_is_chosen(finished):
    foo.get_operator(f"{PLUGIN}/finish_labels")(finished, strategies="clip_point", name="more", progress=False)
    page = Page(finished).do("on_load").press("begin", "name_more")
    assert page.shown["progress"]["view"]["label"] == "0 of 6 pictures of “more” decided"


def test_undo_opens_the_picture_again(page, finished):
    first, second = Review(finished).queue()[:2]
    page.press("decisions", "accept")
    page.sample = second
    page.do("on_change_current_sample")
    page.press("decisions", "annotate")
    assert finished.count_sample_tags() == {SENT: 1}
    page.do("redraw").press("decisions", "undo")
    assert page.opened == second and not finished.count_sample_tags()
    page.do("redraw").press("decisions", "undo")
    assert page.opened == first and Review(finished).queue()[:2] == [first, second]
    assert page.do("redraw").button("decisions", "undo") is None


def test_a_button_of_another_picture_decides_nothing(page, finished):
    """The App opened another picture, and the panel wasn't drawn yet."""
    shown = page.button("decisions", "accept")
    page.sample = Review(finished).queue()[1]
    page.do("accept", **shown["params"])
    assert "nothing was decided" in page.all("notify")[0]["message"]
    assert finished.count_values(FIELDS.status) == {"to review": 6}


def test_events_that_tell_nothing_new_draw_nothing(page, finished):
    for event in ("on_change_current_sample", "on_change_selected_labels"):
        assert page.do(event).orders == []
    page.sample = Review(finished).queue()[1]
    assert page.do("on_change_current_sample").all("show_panel_output")


def test_a_view_is_reviewed_as_it_is(finished):
    some = finished.limit(2)
    result = foo.execute_operator(
        f"{PLUGIN}/review_panel", {"dataset": finished, "view": some}, params={"__method__": "on_load", "panel_id": "x"}
    )
    assert "0 of 2 pictures" in str(result.to_json())


def begin(dataset, **params) -> dict[str, dict]:
    """What the menu's operator has the App do."""
    result = foo.execute_operator(f"{PLUGIN}/review_labels", {"dataset": dataset}, params=params)
    requests = result.to_json()["executor"]["requests"]
    return {order["operator_uri"].split("/")[-1]: order["params"] for order in requests}


def test_the_menu_begins_a_review(finished):
    orders = begin(finished, name="labels")
    assert orders["open_sample"]["id"] == Review(finished).queue()[0]
    orders = begin(finished, **orders["review_labels"])  # the App comes back when the picture is open
    assert orders["register_panel"]["surfaces"] == "grid modal"
    orders = begin(finished, **orders["review_labels"])
    assert orders["open_panel"]["name"] == "review_panel" and orders["open_panel"]["layout"] == "horizontal"


def test_the_strategies_panel_says_how_far_it_is_and_leads_there(ask, finished):
    review = Review(finished)
    review.accept(review.queue()[0])
    shown = ask(finished)
    assert str(review) in shown.text and "Review the other 5, the worst first" in shown.text
    orders = ask(finished, "review", labels="labels").orders
    assert orders["open_sample"]["id"] == review.queue()[0]


def test_what_was_sent_goes_to_annotation_by_a_button(ask, finished):
    Review(finished).annotate(finished.first().id)
    shown = ask(finished)
    assert "Annotate the 1 sent" in shown.text
    order = ask(finished, "prompt_annotate", labels="labels").orders["prompt_user_for_operation"]
    assert order["operator_uri"].endswith("/annotate_labels") and order["params"]["name"] == "labels"


def test_of_two_pages_the_second_is_told_and_offered_nothing_of_the_first_to_take_back(page, finished):
    other = Page(finished, page.sample).do("on_load")
    page.press("decisions", "accept")
    other.press("decisions", "accept")
    assert "Somebody changed the label" in other.all("notify")[0]["message"] and other.opened is None
    assert other.do("redraw").button("decisions", "undo") is None and page.do("redraw").button("decisions", "undo")
