"""What a page draws of what another page changed, and that two pages never keep each other drawing.

Pages that show one dataset share the panel's state; what a page shows itself it says with every choice.
"""

from tests.panel.test_states import nested

CHANGED = {"path": "all.content"}


def page(drawn, **changes) -> dict:
    """The state as a page sends it that shows this drawing."""
    return {**nested(drawn.state), "drawn_here": drawn.here, **changes}


def test_a_page_draws_the_choice_that_another_one_made(ask, explained):
    mine = ask(explained, state={"top": {"baseline": "clip_point"}})
    other = ask(explained, state={"top": {"baseline": "yolo_box"}})
    state = {**nested(other.state), "top": {"baseline": "yolo_box"}, "drawn_here": mine.here}
    answer = ask(explained, "redraw", state, path="top.baseline", value="yolo_box")
    assert "compared with yolo_box" in answer.text


def test_what_a_page_shows_already_it_draws_no_more(ask, explained):
    mine = ask(explained)
    baseline = {"path": "top.baseline", "value": "clip_point"}
    for event in (baseline, {**CHANGED, "value": mine.state["all.content"]}, {**CHANGED, "value": "another page's"}):
        assert not ask(explained, "redraw", page(mine), **event).orders


def test_scores_that_another_page_made_are_drawn(ask, applied, evaluate_strategies):
    mine = ask(applied)
    evaluate_strategies(applied, "ground_truth", progress=False)
    answer = ask(applied, "redraw", page(mine), **CHANGED, value=ask(applied).state["all.content"])
    assert "highest mean IoU" in answer.text
    assert not ask(applied, "redraw", page(answer), **CHANGED, value=answer.state["all.content"]).orders


def test_refresh_draws_whatever_was_drawn(ask, explained):
    mine = ask(explained)
    assert "show_panel_output" in ask(explained, "refresh", page(mine), path="top.refresh").orders
