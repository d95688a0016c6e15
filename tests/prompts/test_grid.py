"""A grid is all that its parts can make, each once."""

import pytest

from prompting.errors import PromptingError
from prompting.prompts.grid import Grid


def spelled(**parts) -> set[str]:
    return {strategy.spelling for strategy in Grid(**parts).strategies()}


def test_parts_count_where_a_prompt_has_them():
    found = spelled(priors=["yolo"], positives=[1, 3], negatives=[0, 2], margins=[None, 10], rounds=[0, 2])
    boxes = {f"yolo:box{m}{r}" for m in ("", "10") for r in ("", "@2")}
    clicks = {f"{p}p{n}" for p in (1, 3) for n in ("", "2n")}
    points = {f"yolo:{c}{r}" for c in clicks for r in ("", "@2")}
    both = {f"yolo:box{m}+{c}{r}" for m in ("", "10") for c in clicks for r in ("", "@2")}
    assert found == boxes | points | both


def test_clicks_outside_alone_need_a_box_and_none_at_all_are_a_box():
    parts = {"priors": ["clip"], "positives": [0], "negatives": [0, 3], "prompts": ["box", "points", "box+points"]}
    assert spelled(**parts) == {"clip:box", "clip:box+3n"}


def test_the_place_of_no_clicks_makes_no_further_strategy():
    found = spelled(
        priors=["yolo"], prompts=["points"], positives=[1], negatives=[0, 2], negatives_on=["ring", "others", "both"]
    )
    assert found == {"yolo:1p", "yolo:1p2n", "yolo:1p2o", "yolo:1p2b"}


def test_what_cannot_be_is_refused():
    with pytest.raises(PromptingError, match="positives is a whole number, 0 to 20, not 30"):
        Grid(positives=[30]).strategies()
    with pytest.raises(PromptingError, match="make no strategy"):
        Grid([]).strategies()
    with pytest.raises(PromptingError, match="more than 2000"):
        Grid(["yolo", "clip"], positives=range(1, 21), negatives=range(21), margins=range(0, 10)).strategies()
