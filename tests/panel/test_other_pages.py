"""What a page draws of what another page changed, and that two pages never keep each other drawing.

Pages that show one dataset share the panel's state; what a page shows itself it says with every choice.
"""

from tests.panel.test_states import nested

SHOW = "show_sidebar_groups"


def page(drawn, **changes) -> dict:
    """The state as a page sends it that shows this drawing."""
    return {**nested(drawn.state), "drawn_here": drawn.here, **changes}


def hears(shown) -> dict:
    """The event by which a page that shows this hears of another drawing."""
    return {"path": shown.hears_at, "value": "another drawing"}


def test_a_page_draws_the_choice_that_another_one_made(ask, explained):
    mine = ask(explained, state={"top": {"baseline": "clip_point"}})
    other = ask(explained, state={"top": {"baseline": "yolo_box"}})
    state = {**nested(other.state), "top": {"baseline": "yolo_box"}, "drawn_here": mine.here}
    answer = ask(explained, "redraw", state, path="top.baseline", value="yolo_box")
    assert "compared with yolo_box" in answer.text


def test_what_a_page_shows_already_it_draws_no_more(ask, explained):
    mine = ask(explained)
    baseline = {"path": "top.baseline", "value": "clip_point"}
    for event in (baseline, hears(mine)):
        assert not ask(explained, "redraw", page(mine), **event).orders


def test_a_page_that_was_opened_just_now_draws_no_more_until_somebody_chooses(ask, explained):
    """The App sets the drop-downs, and tells of it, before the page has the first drawing's state."""
    shown = dict(ask(explained).here["choices"])
    path = next(path for path in shown if path.startswith("top.baseline"))
    other = {"clip_point": "yolo_box"}.get(shown[path], "clip_point")
    set_by_the_app = {"top": {path.removeprefix("top."): shown[path]}}
    chosen = {"top": {path.removeprefix("top."): other}}
    assert not ask(explained, "redraw", set_by_the_app, path=path, value=shown[path]).orders
    assert f"compared with {other}" in ask(explained, "redraw", chosen, path=path, value=other).text


def test_scores_that_another_page_made_are_drawn_and_nobody_is_told_twice(ask, applied, evaluate_strategies):
    mine = ask(applied)
    assert not mine.state.get("all")  # there was nothing that a page could show
    evaluate_strategies(applied, "ground_truth", progress=False)
    other = ask(applied, "refresh", nested(mine.state))
    answer = ask(applied, "redraw", page(mine), **hears(mine))
    assert "highest mean IoU" in answer.text and answer.here["content"] == other.here["content"]
    told = [f"all.{name}" for name in other.state["all"]]  # who drew last shows something else than those it tells
    assert told == [hears(mine)["path"]] != [hears(other)["path"]]
    assert "all" not in answer.state and "all" not in ask(applied, "refresh", nested(other.state)).state
    assert not ask(applied, "redraw", page(answer), **hears(mine)).orders


def test_the_page_that_draws_shows_it_before_the_others_hear_of_it(ask, explained):
    """Or it would hear of itself, and draw a second time."""
    orders = [*ask(explained, "refresh").orders]
    assert orders.index("set_panel_data") < orders.index("show_panel_output") < orders.index("patch_panel_state")


def test_groups_that_another_page_made_or_removed_are_shown_with_the_next_drawing(ask, explained):
    mine = ask(explained)
    assert SHOW not in ask(explained, "refresh", page(mine)).orders
    groups = explained.app_config.sidebar_groups
    explained.app_config.sidebar_groups = [group for group in groups if group.name != "sam2 yolo_box"]
    explained.save()
    after = ask(explained, "refresh", page(mine))
    assert [group["name"] for group in after.orders[SHOW]["groups"]] == [
        group.name for group in explained.app_config.sidebar_groups
    ]
    assert SHOW not in ask(explained, "refresh", page(after)).orders


def test_refresh_draws_whatever_was_drawn(ask, explained):
    mine = ask(explained)
    assert "show_panel_output" in ask(explained, "refresh", page(mine), path="top.refresh").orders
