"""The panel says how good finished labels are, which rule is best, and what to label next."""

import fiftyone.operators as foo

from prompting.runs.review import Review
from tests.finished import leave_finished


def test_promise_rules_and_calibration_are_drawn(ask, explained):
    told = leave_finished(explained)
    shown = ask(explained, at="Labels")
    assert str(told) in shown.text and "is the rule to take" in shown.text
    assert [row["column0"] for row in shown.data["rules_mine"]][:2] == ["one", "cascade"]
    dots, line = shown.data["expected_mine"]
    assert len(dots["x"]) == 20 and len(line["x"]) > 2


def test_whether_it_is_settled_is_said_and_its_buttons_open_the_forms(ask, explained):
    shown = ask(explained)
    assert "yolo_box is 0." in shown.text and "better than clip_point on 6 labelled pictures" in shown.text
    assert "every picture is labelled" in shown.text and "none is left to label" in shown.text
    assert "rules_mine" not in ask(explained, at="Labels").data
    for method, name in (("prompt_finish", "finish_labels"), ("prompt_next", "label_next")):
        prompted = ask(explained, method).orders["prompt_user_for_operation"]
        assert prompted["operator_uri"].endswith(name) and prompted["params"]["prefix"] == "sam2"
    prompted = ask(explained, "prompt_labels").orders["prompt_user_for_operation"]
    assert prompted["operator_uri"].endswith("use_as_labels")  # which has chosen: that form asks for no rule
    assert prompted["params"]["strategy"] == "yolo_box"


def test_a_closed_picture_has_the_panel_say_what_was_decided_on_it(ask, explained):
    finish, closed = foo.get_operator("@promptlab/sam2-prompting/finish_labels"), "on_change_current_sample"
    finish(explained, strategies="yolo_box", progress=False)
    assert not ask(explained, closed).orders  # it isn't drawn yet
    assert "0 of 6 pictures" in ask(explained).text
    first, second, *_ = Review(explained).queue()
    assert not ask(explained, closed).orders
    Review(explained).accept(first)
    assert not ask(explained, closed, sample=second).orders
    assert "1 of 6 pictures" in ask(explained, closed).text
    assert not ask(explained, closed).orders
