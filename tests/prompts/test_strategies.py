"""Strategies are values with one spelling and one name; some of them have names that are older than that."""

import dataclasses

import pytest

from prompting.errors import PromptingError
from prompting.prompts.strategies import (
    AUTOMATIC,
    BASELINE,
    STRATEGIES,
    UNTAUGHT,
    find,
    strategies_named,
    strategy_of,
)
from prompting.prompts.strategy import Strategy
from prompting.runs.assembly import PRIORS


def test_baseline_is_the_first_and_needs_nothing_of_the_dataset():
    assert next(iter(STRATEGIES)) == BASELINE
    assert BASELINE in AUTOMATIC


def test_automatic_strategies_are_all_that_need_pictures_alone():
    given = {"field_box", "field_point", "field_points", "reference_box_points"}
    assert set(STRATEGIES) - set(AUTOMATIC) == given and set(STRATEGIES) - set(UNTAUGHT) == {"reference_box_points"}


def test_name_begins_with_its_prior():
    for name, strategy in STRATEGIES.items():
        assert strategy.name == name
        assert strategy.prior in PRIORS
        assert name.startswith(f"{strategy.prior}_")
        assert strategy.description


def test_built_in_names_are_values_with_these_spellings():
    """Datasets outlive us: these stay."""
    assert {name: strategy.spelling for name, strategy in STRATEGIES.items()} == {
        "clip_point": "clip:point",
        "clip_box": "clip:box",
        "clip_points": "clip:5p3n",
        "clip_box_neg": "clip:box+3n",
        "clip_box_points": "clip:box+5p3n",
        "clip_iterative": "clip:box@3",
        "yolo_box": "yolo:box",
        "field_box": "field:box",
        "field_point": "field:point",
        "field_points": "field:points",
        "reference_box_points": "reference:box+5p3n",
    }


def test_own_names_stay_as_they_are():
    """So do these."""
    for spelling, name in {
        "yolo:box+5p3n@2": "yolo_box_5p3n_r2",
        "yolo.4:box-10+5p3n@2": "yolo_c4_boxm10_5p3n_r2",
        "yolo.05:box30": "yolo_c05_box30",
        "field:box+points@1": "field_box_points_r1",
        "clip:20p20b@5": "clip_20p20b_r5",
        "yolo:box+4o": "yolo_box_4o",
        "yolo:1p": "yolo_1p",
        "yolo:points": "yolo_points",
        "reference.6:box+2p@1": "reference_c6_box_2p_r1",
    }.items():
        assert strategy_of(spelling).name == name
        assert strategy_of(name).spelling == find(name).spelling == spelling


def test_spelling_of_a_built_in_one_is_the_built_in_one():
    assert strategies_named(["clip:box+5p3n"]) == [STRATEGIES["clip_box_points"]]
    assert strategy_of("reference:box+points") is STRATEGIES["reference_box_points"]
    assert strategy_of("clip:points") is strategy_of("clip:5p3n") is STRATEGIES["clip_points"]
    assert strategy_of(Strategy("yolo")) is STRATEGIES["yolo_box"]
    assert find("clip_5p3n") is None


def test_only_the_iterative_strategy_corrects_itself():
    assert {name: s.rounds for name, s in STRATEGIES.items() if s.rounds} == {"clip_iterative": 3}


def test_chosen_strategies_come_once_the_built_in_ones_first_and_in_the_tables_order():
    own = Strategy("yolo", "box+points", 5, 3, rounds=2)
    names = [s.name for s in strategies_named(["yolo:box10", own, "yolo_box", "clip_point", "yolo:box", own.spelling])]
    assert names == ["clip_point", "yolo_box", "yolo_box10", "yolo_box_5p3n_r2"]


@pytest.mark.parametrize("one", ["clip_box", "clip:box", " clip : box ", STRATEGIES["clip_box"]])
def test_one_name_needs_no_list(one):
    assert [strategy.name for strategy in strategies_named(one)] == ["clip_box"]


def test_unknown_name_is_told_the_known_ones():
    said = r"^Unknown strategy 'clip_boxes'; choose from clip_point, .*field_points.* Is it 'clip_box' that is meant\?"
    with pytest.raises(PromptingError, match=said):
        strategies_named(["clip_box", "clip_boxes"])


@pytest.mark.parametrize("names", [5, ["yolo_box", 5], [["yolo_box"]]])
def test_what_is_no_name_is_said_to_be_none(names):
    with pytest.raises(PromptingError, match="Unknown strategy"):
        strategies_named(names)


@pytest.mark.parametrize("names", [[], None, ""])
def test_no_name_is_told_to_choose(names):
    with pytest.raises(PromptingError, match=r"at least one strategy|Unknown strategy ''"):
        strategies_named(names)


@pytest.mark.parametrize(
    ("spelling", "said"),
    [
        ("sam:box", "has a mistake at 'sam': a prior is clip, yolo, field or reference"),
        ("yolo.400:box", "has a mistake at 'yolo.400'"),
        ("yolo:box+5q", "has a mistake at '5q': a prompt is point, box, points, or clicks as in 5p3n"),
        ("yolo:bax", "has a mistake at 'bax'"),
        ("yolo:", "a prompt is point, box, points"),
        ("yolo:box+", "a prompt is point, box, points"),
        ("yolo:box%10", "has a mistake at 'box%10': a box is box, or box with a margin"),
        ("yolo:points+5p", "has a mistake at 'points': a box is box"),
        ("yolo:box@two", "has a mistake at '@two': after @ comes a number of rounds"),
        ("yolo:box@", "has a mistake at '@'"),
        (f"yolo:box@{'9' * 5000}", "has a mistake at '@999"),
        (f"yolo:{'9' * 5000}p", "has a mistake at '999"),
        ("yolo:box@6", "rounds is a whole number, 0 to 5, not 6"),
        ("yolo:box+21p", "positives is a whole number, 0 to 20, not 21"),
        ("yolo:box-21", "margin is a whole number, -20 to 50, not -21"),
        ("yolo:3n", "needs a box or a positive click"),
        ("yolo:box+0p", "No clicks at all"),
        ("yolo.00:box", "0.01 to 0.99"),
    ],
)
def test_wrong_spelling_is_told_its_wrong_part_in_one_sentence(spelling, said):
    with pytest.raises(PromptingError) as caught:
        strategy_of(spelling)
    text = str(caught.value)
    assert text.startswith(f"The strategy {spelling!r} ")
    assert said in text and text.endswith(".") and len(text.splitlines()) == 1
    assert caught.value.parameter == "strategies"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"prior": "sam"}, "prior is one of clip, yolo, field, reference, not 'sam'"),
        ({"prompt": "lasso"}, "prompt is one of point, box, points, box\\+points, not 'lasso'"),
        ({"prompt": "box", "positives": 3}, "'box' has no clicks to be counted; 'box\\+points' has"),
        ({"prompt": "point", "margin": 5}, "margin of 5 % needs a box"),
        ({"prompt": "points", "positives": 1, "negatives_on": "others"}, "needs a number of negatives"),
        ({"prompt": "points", "positives": True}, "positives is a whole number"),
        ({"prompt": "points", "positives": 2.0}, "positives is a whole number"),
        ({"confidence": 0.123}, "number of hundredths"),
        ({"confidence": "high"}, "number of hundredths"),
        ({"rounds": -1}, "rounds is a whole number"),
    ],
)
def test_parts_that_make_no_sense_are_refused_in_words(parts, said):
    with pytest.raises(PromptingError, match=said):
        Strategy(**{"prior": "yolo", **parts})


def test_a_strategy_says_which_fields_it_fills():
    given = {spelling: set(strategy_of(spelling).gives()) for spelling in ("yolo:box", "yolo:3p", "yolo:box+2o")}
    assert given == {"yolo:box": {"box"}, "yolo:3p": {"positive"}, "yolo:box+2o": {"box", "negative"}}
    assert strategy_of("yolo:box@1").gives() == {"box", "positive", "negative"}


def test_words_say_all_parts():
    words = strategy_of("yolo.4:box-10+5p3b@2").in_words()
    assert words == (
        "box with a margin of -10 % for each YOLO detection of 0.4 and more, 5 inside, 3 on others and around, up to 2"
        " corrective clicks"
    )
    assert len({strategy.in_words() for strategy in STRATEGIES.values()}) == len(STRATEGIES)


def test_a_value_is_what_its_parts_are():
    one, other = Strategy("yolo", "points", 3), Strategy("yolo", "points", 3, description="mine")
    assert one == other and hash(one) == hash(other)
    assert dataclasses.replace(one, positives=4) != one
