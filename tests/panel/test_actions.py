"""What the panel does to the App: its view, its selection, its fields."""

import numpy as np

from tests.runs.by_hand import add, rows

PAIR = {"pair": {"a": "clip_point", "b": "yolo_box"}}


def iou(dataset, strategy: str) -> dict[str, float]:
    return dict(zip(*dataset.values(["id", f"sam2_eval_{strategy}_iou"])))


def test_a_beats_b_shows_where_it_does_the_largest_gain_first(ask, explained):
    clip, yolo = iou(explained, "clip_point"), iou(explained, "yolo_box")
    gain = {i: clip[i] - yolo[i] for i in clip}
    assert ask(explained, "show_a_beats_b", PAIR).shown_ids == [
        i for i in sorted(gain, key=gain.get, reverse=True) if gain[i] > 0.01
    ]
    assert ask(explained, "show_b_beats_a", PAIR).shown_ids == [
        i for i in sorted(gain, key=gain.get) if gain[i] < -0.01
    ]


def test_worst_of_a_are_shown_in_order(ask, explained):
    clip = iou(explained, "clip_point")
    assert ask(explained, "show_worst", PAIR).shown_ids == sorted(clip, key=clip.get)


def test_an_empty_selection_is_told_and_the_view_kept(ask, explained):
    explained.set_values("sam2_eval_clip_point_iou", [0.9] * 6)
    answer = ask(explained, "show_all_fail")
    assert "set_view" not in answer.orders
    assert answer.orders["notify"]["message"] == "No picture: all strategies fail."


def test_all_fail_shows_them(ask, explained):
    for strategy in ("clip_point", "yolo_box"):
        explained.set_values(f"sam2_eval_{strategy}_iou", [0.9, 0.3, 0.8, 0.1, 0.7, 0.6])
    ids = explained.values("id")
    assert ask(explained, "show_all_fail").shown_ids == [ids[3], ids[1]]


def test_lassoed_and_clicked_points_are_selected(ask, explained):
    def selected(method, **params):
        return [sample["id"] for sample in ask(explained, method, **params).orders["set_selected_samples"]["samples"]]

    ids = explained.values("id")
    lassoed = [{"id": ids[2], "idx": 2}, {"id": ids[4], "idx": 4}]
    assert selected("select_lassoed", data=lassoed) == [ids[2], ids[4]]
    assert selected("select_clicked", id=ids[1]) == [ids[1]]


def test_plotlys_empty_selection_unselects_nothing(ask, explained):
    assert "set_selected_samples" not in ask(explained, "select_lassoed", data=[]).orders


def test_a_clicked_row_shows_its_strategy_and_hides_the_rest(ask, explained):
    shown = ask(explained, "show_strategy", row=0).orders["set_active_fields"]["fields"]
    assert {"sam2_yolo_box", "sam2_yolo_box_prompt_boxes", "sam2_truth"} <= set(shown)
    assert not [field for field in shown if "clip_point" in field]


def test_a_clicked_headline_shows_what_is_chosen(ask, explained):
    shown = ask(explained, "show_strategy", PAIR, row=-1).orders["set_active_fields"]["fields"]
    assert "sam2_clip_point" in shown


def test_another_baseline_turns_the_differences_round(ask, explained):
    def differences(baseline):
        rows = ask(explained, state={"top": {"baseline": baseline}}).data["scores"]
        return {row["column0"]: row["column3"] for row in rows}

    gain = np.mean(list(iou(explained, "yolo_box").values())) - np.mean(list(iou(explained, "clip_point").values()))
    assert differences("clip_point") == {"yolo_box": f"{gain:+.3f}", "clip_point": ""}
    assert differences("yolo_box") == {"yolo_box": "", "clip_point": f"{-gain:+.3f}"}


def test_what_the_grid_shows_is_saved_under_a_name_that_is_free(ask, explained):
    shown = ask(explained, "show_worst", PAIR)
    view = explained.select(shown.shown_ids, ordered=True)
    for _ in range(2):
        ask(explained, "save_view", shown.state, view)
    explained.reload()
    first = "worst 25 of clip_point (6)"
    assert explained.list_saved_views() == [first, f"{first} (2)"]
    assert explained.load_saved_view(first).values("id") == shown.shown_ids


def test_buttons_narrow_the_persons_view_and_bring_it_back(ask, explained):
    own = explained.limit(4)
    shown = ask(explained, "show_worst", PAIR, own)
    assert set(shown.shown_ids) == set(own.values("id"))
    assert len(shown.orders["set_view"]["view"]) == 2
    narrowed = own.select(shown.shown_ids[:4], ordered=True)
    drawn = ask(explained, state={**PAIR, **shown.state}, view=narrowed)
    assert "the current view, 4 of 6" in drawn.text and "In the grid: worst 25 of clip_point (4)" in drawn.text
    back = ask(explained, "show_everything", {**PAIR, **shown.state}, narrowed)
    assert [stage["kwargs"] for stage in back.orders["set_view"]["view"]] == [[["limit", 4]]]


def test_a_quick_second_press_does_not_take_the_first_ones_pictures_for_the_persons_view(ask, explained):
    shown = ask(explained, "show_worst", PAIR)
    narrowed = explained.select(shown.shown_ids, ordered=True)
    back = ask(explained, "show_everything", {**PAIR, **shown.state}, narrowed)
    hasty = ask(explained, "show_b_beats_a", {**PAIR, **back.state}, narrowed)  # the App tells of the view before
    assert len(hasty.orders["set_view"]["view"]) == 1
    drawn = ask(explained, state={**PAIR, **hasty.state}, view=explained.select(hasty.shown_ids, ordered=True))
    assert "the whole dataset" in drawn.text and "In the grid: yolo_box beats clip_point" in drawn.text


def test_what_a_person_compares_alone_is_their_view_from_then_on(ask, explained):
    shown = ask(explained, "show_b_beats_a", PAIR)
    narrowed = explained.select(shown.shown_ids, ordered=True)
    own = ask(explained, "compare_only_shown", {**PAIR, **shown.state}, narrowed)
    assert f"the current view, {len(shown.shown_ids)} of 6" in own.text and "In the grid" not in own.text
    worst = ask(explained, "show_worst", {**PAIR, **own.state}, narrowed)
    assert len(worst.orders["set_view"]["view"]) == 2 and set(worst.shown_ids) == set(shown.shown_ids)


def test_numbers_of_a_view_are_those_of_its_pictures(ask, explained):
    clip = iou(explained, "clip_point")
    own = explained.limit(3)
    rows = ask(explained, view=own).data["scores"]
    means = {row["column0"]: row["column1"] for row in rows}
    assert means["clip_point"] == f"{np.mean([clip[i] for i in own.values('id')]):.3f}"
    assert {row["column6"] for row in ask(explained, view=own).data["table0"]} == {"3"}


def test_a_beats_b_shows_both_masks_and_their_scores(ask, explained):
    fields = ask(explained, "show_b_beats_a", PAIR).orders["set_active_fields"]["fields"]
    scores = ["sam2_eval_yolo_box_iou", "sam2_eval_clip_point_iou"]
    assert fields == ["sam2_yolo_box", "sam2_clip_point", "sam2_truth", *scores]


def test_a_drawing_takes_copies_of_its_data_out_of_the_state(ask, explained):
    older = {"scores_shape00000000": [{"column0": "gone"}]}
    drawn = ask(explained, state=older)
    assert {*drawn.sent, *older} <= {name for name, value in drawn.state.items() if value is None}


def test_data_have_a_key_that_only_data_of_the_same_shape_have(ask, explained):
    """The App merges a page's data with those of other pages by key: what is longer would keep its end."""
    explained.set_values("camera", ["a", "b", "c"] * 2)
    explained.set_values("split", ["train", "val"] * 3)
    keys = set()
    for by in ("camera", "split", "number of instances"):
        sent = ask(explained, state={"slicing": {"slice_by": by}}, at="Groups").sent
        keys.update(name for name in sent if name.startswith("slices"))
    assert len(keys) == 3
    assert set(ask(explained, state={"top": {"baseline": "yolo_box"}}).sent) == set(ask(explained).sent)


def test_the_rest_gets_the_winner_with_its_recorded_parameters(ask, explained):
    prompted = ask(explained, "prompt_rest").orders["prompt_user_for_operation"]["params"]
    assert (prompted["strategies"], prompted["existing"], prompted["sam2_model"]) == (["yolo_box"], "skip", "nano")
    assert prompted["classes"] == "person"


def test_the_rest_is_detected_at_the_size_that_the_winner_was(
    ask, dataset, apply_strategies, evaluate_strategies, nano
):
    apply_strategies(dataset[:2], strategies=["yolo_box"], yolo_imgsz=320, progress=False, **nano)
    evaluate_strategies(dataset[:2], "ground_truth", progress=False)
    prompted = ask(dataset, "prompt_rest").orders["prompt_user_for_operation"]["params"]
    assert prompted["yolo_imgsz"] == 320


def test_there_is_nothing_to_save_before_a_button_was_pressed(ask, explained):
    answer = ask(explained, "save_view")
    assert "Press one of the buttons" in answer.orders["notify"]["message"]
    assert explained.list_saved_views() == []


def test_everything_comes_back(ask, explained):
    assert {"clear_view", "clear_selected_samples"} <= set(ask(explained, "show_everything").orders)


def test_the_references_are_shown_with_their_tags(ask, applied):
    """And what nobody knows of a copy is said."""
    ids = applied.values("id")[:2]
    add(applied, given={"references": ids, "reference_field": "ground_truth"}, reference_box=[rows(0)] * 6)
    drawn = ask(applied)
    assert "2 reference pictures" in drawn.text and "reference_box has learned from them" in drawn.text
    shown = ask(applied, "show_references")
    assert shown.shown_ids == ids and "set_active_fields" not in shown.orders
    applied.select(ids).tag_samples("reference")
    shown = ask(applied, "show_references")
    assert shown.orders["set_active_fields"]["fields"] == ["tags"]
    applied.delete_run("sam2_reference_box")
    assert "Nobody knows which pictures reference_box learned from" in ask(applied).text
