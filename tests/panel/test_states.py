"""What the panel shows: with nothing, with results, with one strategy, with scores, with old scores."""

import os

import pytest

from prompting.dataset.names import error_field


def columns(rows: list[dict], number: int) -> list[str]:
    return [row[f"column{number}"] for row in rows]


def test_without_results_it_says_what_to_do(ask, dataset):
    shown = ask(dataset)
    assert list(shown.view) == ["empty", "next"]
    assert "apply one or more" in shown.text
    assert ask(dataset, "prompt_apply").orders["prompt_user_for_operation"]["operator_uri"].endswith("apply_strategies")


def test_without_a_truth_it_tells_what_can_be_told(ask, applied):
    shown = ask(applied)
    assert "Not evaluated yet" in shown.text
    assert columns(shown.data["statuses"], 0) == ["clip_point", "yolo_box"]
    assert columns(shown.data["statuses"], 3) == ["2", "2"]  # on the cat and the coffee there is nobody
    prompted = ask(applied, "prompt_evaluate").orders["prompt_user_for_operation"]
    assert prompted["operator_uri"].endswith("evaluate_strategies")


def test_without_a_truth_the_lowest_scores_and_the_missed_can_be_shown(ask, applied):
    scores = dict(zip(*applied.values(["id", "sam2_clip_point_score"])))
    scored = [i for i in scores if scores[i] is not None]
    assert ask(applied, "show_worst").shown_ids == sorted(scored, key=scores.get)
    assert set(ask(applied, "show_no_prompt").shown_ids) == set(scores) - set(scored)


def test_agreement_is_drawn_before_there_is_a_truth(ask, applied):
    import fiftyone.operators as foo

    foo.get_operator("@promptlab/sam2-prompting/measure_agreement")(applied, progress=False)
    shown = ask(applied)
    assert sum(shown.data["agreement"][0]["y"]) == 6
    assert ask(applied, "show_disagreement").shown_ids


def test_scores_errors_slices_and_curves_are_there(ask, explained):
    assert columns(ask(explained).data["scores"], 0) == ["yolo_box", "clip_point"]
    plots = {
        "Scores": ["bars"],
        "Pictures": ["scatter"],
        "Errors": ["errors", "robustness"],
        "Groups": ["slices"],
        "Confidence": ["reliability"],
    }
    every = {name for names in plots.values() for name in names}
    for section, names in plots.items():
        shown = ask(explained, at=section)
        assert all(shown.data[name] for name in names)
        assert [name for name in shown.view if name in every] == names


def test_of_one_strategy_alone_nothing_is_compared_and_it_says_so(ask, explained, evaluate_strategies):
    pair = ask(explained, at="Pictures")
    assert "There is one strategy alone" not in pair.text and "A beats B" in pair.text
    evaluate_strategies(explained, "ground_truth", strategies=["yolo_box"], overwrite=True, progress=False)
    shown = ask(explained, at="Pictures")
    assert "There is one strategy alone" in shown.text and "A beats B" not in shown.text
    assert columns(ask(explained).data["scores"], 0) == ["yolo_box"]


def test_a_panel_turns_to_another_section_and_stays_there(ask, explained):
    assert "scatter" not in ask(explained).data
    turned = ask(explained, "turn", section="Pictures")
    assert "scatter" in turned.data and "bars" not in turned.data
    assert "scatter" in ask(explained, "refresh", turned.state).data
    assert "scatter" in ask(explained, "refresh", turned.state, panel_id="of a server that was started anew").data
    assert "bars" in ask(explained, "turn", section="Labels").data  # of what isn't there any more


def test_what_the_app_asks_before_it_has_the_answer_does_not_turn_back(ask, explained):
    before = ask(explained).state
    assert "scatter" in ask(explained, "turn", before, section="Pictures").data
    assert "scatter" in ask(explained, "refresh", before).data
    assert "scatter" not in ask(explained, "refresh", before, panel_id="another").data


def test_what_the_grid_was_narrowed_to_is_said_in_every_section(ask, explained):
    narrowed = ask(explained, "show_worst", at="Pictures")
    view = explained.select(narrowed.shown_ids, ordered=True)
    for section in ("Scores", "Pictures", "Errors"):
        shown = ask(explained, state=narrowed.state, view=view, at=section)
        assert "In the grid: worst 25" in shown.text and "Show everything" in shown.text


def test_figures_know_their_samples(ask, explained):
    assert ask(explained, at="Pictures").data["scatter"][0]["ids"] == explained.values("id")


def test_a_single_strategy_is_not_compared_with_itself(ask, explained):
    explained.delete_evaluation("sam2_eval_clip_point")
    explained.delete_sample_fields([name for name in explained.get_field_schema() if name.startswith("sam2_clip")])
    shown = ask(explained, at="Pictures")
    assert "apply another one to compare it with" in shown.text
    assert "scatter" not in shown.view and "A beats B" not in shown.text
    assert columns(ask(explained).data["scores"], 0) == ["yolo_box"]


def test_old_scores_are_named(ask, explained, apply_strategies, nano):
    assert "These scores are old" not in ask(explained).text
    apply_strategies(explained, strategies=["yolo_box"], existing="overwrite", progress=False, **nano)
    assert "yolo_box: applied again since" in ask(explained).text
    apply_strategies(explained, strategies=["yolo_box"], existing="skip", progress=False, **nano)
    assert "yolo_box: applied again since" in ask(explained).text


def test_scores_are_not_old_because_more_pictures_have_results(
    ask, dataset, apply_strategies, evaluate_strategies, nano
):
    apply_strategies(dataset[:2], strategies=["yolo_box"], progress=False, **nano)
    evaluate_strategies(dataset[:2], "ground_truth", progress=False)
    apply_strategies(dataset, strategies=["yolo_box"], existing="skip", progress=False, **nano)
    assert "6 pictures with results, 2 of them evaluated" in ask(dataset).text
    assert "These scores are old" not in ask(dataset).text


def test_errors_that_are_not_explained_can_be(ask, explained):
    for strategy in ("clip_point", "yolo_box"):
        explained.delete_sample_field(error_field("sam2", strategy))
    shown = ask(explained, at="Errors")
    assert "errors" not in shown.data and "Explain errors" in shown.text
    prompted = ask(explained, "prompt_explain").orders["prompt_user_for_operation"]
    assert prompted["operator_uri"].endswith("explain_strategies")


def test_runs_with_other_prefixes_can_be_chosen(ask, explained, apply_strategies, nano):
    assert "prefixes" not in ask(explained).view
    apply_strategies(explained, strategies=["yolo_box"], prefix="second", progress=False, **nano)
    assert "prefixes" in ask(explained).view
    assert "Not evaluated yet" in ask(explained, state={"prefixes": {"prefix": "second"}}).text


def test_a_choice_that_is_gone_is_forgotten(ask, explained):
    state = {"top": {"baseline": "gone"}, "pair": {"a": "gone", "b": "gone"}, "slicing": {"slice_by": "gone"}}
    for section in ("Scores", "Pictures", "Groups"):
        assert ask(explained, state=state, at=section).data == ask(explained, at=section).data


def nested(state: dict) -> dict:
    """What the panel remembers, as the App sends it back."""
    rows = {name: {} for name in ("all", "top", "pair")}
    for row, choice in (name.split(".") for name in state if "." in name):
        rows[row][choice] = state[f"{row}.{choice}"]
    return rows | {name: value for name, value in state.items() if "." not in name}


def test_what_was_drawn_before_an_evaluation_chooses_no_baseline_for_it(ask, applied, evaluate_strategies):
    before = nested(ask(applied).state)
    evaluate_strategies(applied, "ground_truth", baseline="clip_point", progress=False)
    after = ask(applied, state=before)
    assert "compared with clip_point" in after.text
    chosen = nested(after.state) | {"top": {"baseline": "yolo_box"}}
    assert "compared with yolo_box" in ask(applied, state=chosen).text


def test_old_choices_that_the_app_tells_late_choose_nothing(ask, applied, evaluate_strategies):
    """Its drop-downs take over what was patched one by one, and each tells of the state as it then is."""
    before = nested(ask(applied).state)
    evaluate_strategies(applied, "ground_truth", baseline="clip_point", progress=False)
    after = nested(ask(applied, state=before).state)
    (kept,) = before["top"]
    mixed = {**after, "top": {**before["top"], **after["top"]}, "pair": {**before["pair"], **after["pair"]}}
    late = ask(applied, "redraw", mixed, path=f"top.{kept}", value=before["top"][kept])
    assert not late.orders or "compared with clip_point" in late.text
    assert "compared with clip_point" in ask(applied, "refresh", mixed).text


@pytest.mark.parametrize("by", ["tags", "kind.label", "site", "number of instances"])
def test_slices_by_what_a_person_has(ask, explained, by):
    import fiftyone as fo

    explained.set_values("tags", [["day"], ["day", "team"], [], [], ["night"], ["night"]])
    explained.set_values("site", ["north", "south"] * 3)
    explained.set_values("kind", [fo.Classification(label=name) for name in ("street", "people") * 3])
    shown = ask(explained, state={"slicing": {"slice_by": by}}, at="Groups")
    expected = {
        "tags": ["day", "team", "night"],
        "kind.label": ["street", "people"],
        "site": ["north", "south"],
        "number of instances": ["0", "1"],
    }[by]
    labels = str(shown.orders["show_panel_output"])
    for label in expected:
        assert f"'{label}<br>n =" in labels


def test_tests_that_begin_in_this_folder_have_a_database_of_their_own():
    import fiftyone as fo

    assert fo.config.database_uri == os.environ["FIFTYONE_DATABASE_URI"]
