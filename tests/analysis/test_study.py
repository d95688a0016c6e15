"""A study tells the winner honestly, recommends no more than it is worth, and draws what each part does."""

from dataclasses import replace

import numpy as np
import pytest

from prompting.analysis.study import Study
from prompting.errors import PromptingError
from prompting.prompts.strategies import strategy_of

SPELLED = (
    "yolo:box",
    "yolo:box@1",
    "yolo:box@3",
    "yolo:1p",
    "yolo:3p",
    "yolo:box+3p",
    "yolo:box+3p3n",
    "yolo:box+3p3o",
)


def study(
    quality: dict[str, float], pictures: int = 60, noise: float = 0.02, stopped: dict | None = None, seed=0
) -> Study:
    rng = np.random.default_rng(seed)
    hard = rng.normal(0, 0.1, pictures)
    names = tuple(strategy_of(spelling).name for spelling in quality)
    ious = np.array([mean + hard + rng.normal(0, noise, pictures) for mean in quality.values()])
    calls = np.array([np.full(pictures, 1.0 + strategy_of(name).rounds) for name in names])
    for spelling, count in (stopped or {}).items():
        row = list(quality).index(spelling)
        ious[row, count:] = calls[row, count:] = np.nan
    files = tuple(f"{i}.jpg" for i in range(pictures))
    return Study(names, ious, calls, files, 0.05 if stopped else None, "masks", pictures)


def test_a_better_one_is_worth_its_cost():
    found = study({"yolo:box": 0.6, "yolo:box@1": 0.65, "yolo:box@3": 0.7})
    assert found.leader.spelling == found.best.spelling == "yolo:box@3"
    assert found.front == ["yolo_box", "yolo_box_r1", "yolo_box_r3"]
    assert "all others are worse" in found.verdict()


def test_of_those_that_chance_does_not_part_the_cheapest_is_recommended():
    found = study({"yolo:box@3": 0.601, "yolo:box@1": 0.6005, "yolo:box": 0.6, "yolo:1p": 0.4}, noise=0.05)
    assert found.best.spelling == "yolo:box"
    assert {found.names[i] for i in found.alike} == {"yolo_box_r3", "yolo_box_r1", "yolo_box"}
    if found.leader != found.best:
        assert "others by no more than chance: take yolo:box (0." in found.verdict()


def test_the_winner_of_many_equals_is_told_without_its_luck():
    """Thirty of the same quality: the best of them looks better than it is, and the honest score doesn't."""
    luck, honest = [], []
    for seed in range(20):
        found = study({f"yolo:box{m}": 0.6 for m in range(30)}, pictures=40, noise=0.2, seed=seed)
        truth = 0.6 + (found.ious.mean() - 0.6)  # the pictures' own
        luck.append(found.means[found.finalists[0]] - truth)
        honest.append(found.honest.mean - truth)
    assert np.mean(luck) > 0.03
    assert abs(np.mean(honest)) < 0.02


def test_who_stopped_is_no_finalist_and_is_told_so():
    found = study({"yolo:box": 0.6, "yolo:1p": 0.4}, stopped={"yolo:1p": 16})
    assert found.judged.tolist() == [60, 16]
    assert [found.names[i] for i in found.finalists] == ["yolo_box"]
    assert found.table.loc["yolo_1p", "end"] == "stopped" and found.table.loc["yolo_box", "end"] == "recommended"
    assert "1 stopped, having nothing to win (error rate 0.05)" in str(found)


def test_one_that_stopped_on_easy_pictures_stands_where_its_difference_to_the_leader_puts_it():
    easy = np.r_[np.full(16, 0.9), np.full(64, 0.5)]
    ious = np.stack([easy, easy - 0.1])
    ious[1, 16:] = np.nan
    files = tuple(map(str, range(80)))
    found = Study(("yolo_box", "yolo_1p"), ious, np.ones((2, 80)), files, 0.05)
    assert found.means.tolist() == pytest.approx([0.58, 0.8])
    assert found.levels.tolist() == pytest.approx([0.58, 0.48])
    assert found.table.loc["yolo_1p", "mean_iou"] == pytest.approx(0.48)
    assert found.table.loc["yolo_1p", "low"] <= 0.48 <= found.table.loc["yolo_1p", "high"]
    assert list(found.plot().data[1].y) == pytest.approx([0.58, 0.48])


def test_a_difference_that_is_none_is_not_paid_for_however_sure_it_is():
    found = study({"yolo:box": 0.6, "yolo:box@1": 0.604, "yolo:box@2": 0.7}, noise=0.0001)
    without = study({"yolo:box": 0.6, "yolo:box@1": 0.604}, noise=0.0001)
    assert found.best.spelling == "yolo:box@2" and without.best.spelling == "yolo:box@1"
    worth = replace(without, worth=0.005)
    assert worth.best.spelling == "yolo:box" and worth.leader.spelling == "yolo:box@1"
    assert "better than one other by no more than chance or 0.005: take yolo:box" in worth.verdict()


def test_a_prior_that_finds_nothing_is_not_cheaper_for_that():
    """Its calls are few because it gives none: what a picture costs is what a strategy asks for."""
    found = study({"yolo:box": 0.6, "clip:box": 0.6}, noise=0.05)
    found.calls[found.names.index("clip_box")] = 0.1
    assert found.best == found.leader


def test_of_equally_cheap_ones_the_better_is_recommended_and_fewer_clicks_where_that_makes_no_difference():
    """Eight pictures tell none of them from another: the picture that one wins another loses."""
    won = np.array([0.3, -0.3] * 4)
    ious = np.array([0.62 + won, 0.6 - won, 0.621 + won])
    names = ("yolo_3p", "yolo_1p", "yolo_9p")
    found = Study(names, ious, np.ones((3, 8)), tuple("abcdefgh"), None, worth=0.005)
    assert len(found.alike) == 3 and found.leader.spelling == "yolo:9p"
    assert found.best.spelling == "yolo:3p"
    assert replace(found, worth=0.0).best.spelling == "yolo:9p"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("nose",), "no curve of 'nose'; choose from positives"),
        (("rounds", "clip:box"), "clip:box wasn't swept; choose one of study.names, as yolo:box"),
        (("rounds", "yolo:bax"), "has a mistake at 'bax'"),
    ],
)
def test_what_has_no_curve_is_said(asked, said):
    with pytest.raises(PromptingError, match=said):
        study({"yolo:box": 0.6, "yolo:1p": 0.4}).curve(*asked)


def test_curves_change_one_part_and_a_box_is_one_without_clicks():
    found = study(dict(zip(SPELLED, (0.6, 0.62, 0.66, 0.4, 0.5, 0.64, 0.65, 0.67))))
    assert [point.value for point in found.curve("rounds", "yolo:box")] == [0, 1, 3]
    assert [point.value for point in found.curve("positives", "yolo:1p")] == [1, 3]
    assert [(point.value, point.name) for point in found.curve("positives", "yolo:box")] == [
        (0, "yolo_box"),
        (3, "yolo_box_3p"),
    ]
    assert [point.value for point in found.curve("negatives", "yolo:box+3p3o")] == [0, 3]
    assert {point.value for point in found.curve("negatives_on", "yolo:box+3p3n")} == {"ring", "others"}
    for point in found.curve("rounds", "yolo:box"):
        assert point.low <= point.mean <= point.high
        assert point.mean == pytest.approx(found.means[found.names.index(point.name)])


def test_a_curve_of_clicks_outside_has_each_number_once_wherever_they_were_tried():
    found = study(dict.fromkeys(("yolo:box+1p", "yolo:box+1p2n", "yolo:box+1p2o", "yolo:box+1p4o"), 0.6))
    values = {around: [point.value for point in found.curve("negatives", around)] for around in found.names}
    assert values["yolo_box_1p"] == values["yolo_box_1p2n"] == [0, 2]
    assert values["yolo_box_1p2o"] == values["yolo_box_1p4o"] == [0, 2, 4]
    found = study(dict.fromkeys(("yolo:box", "yolo:box+2o"), 0.6))
    assert [point.name for point in found.curve("negatives", "yolo:box")] == ["yolo_box", "yolo_box_2o"]


def test_it_is_what_it_was_when_it_is_read_again():
    found = study({"yolo:box": 0.6, "yolo:1p": 0.4}, stopped={"yolo:1p": 16})
    again = Study.from_dict(found.to_dict())
    assert again.best == found.best and str(again) == str(found)
    assert np.allclose(again.ious, found.ious, equal_nan=True, atol=1e-6)


def test_figures_are_plotlys():
    found = study(dict(zip(SPELLED, np.linspace(0.6, 0.5, len(SPELLED)))))
    for dark in (True, False):
        assert set(found.figures(dark)) >= {"cost", "rounds"}
    assert found.plot().data and found.plot("rounds").data
    assert "<table" in found._repr_html_() and "best:" in repr(found)


def test_one_that_was_stopped_says_so_wherever_it_is_read():
    whole = study({"yolo:box": 0.6, "yolo:1p": 0.4})
    part = replace(whole, ious=whole.ious[:, :19], calls=whole.calls[:, :19], files=whole.files[:19])
    for found in (part, Study.from_dict(part.to_dict())):
        assert found.verdict().startswith("Not finished, 41 of 60 pictures are still to be looked at")
        assert "2 strategies on 19 of 60 pictures" in str(found) and "19 of 60" in repr(found)
    assert "finished" not in str(whole) and "60 of 60" not in str(whole)
    first = replace(whole, ious=whole.ious[:, :1], calls=whole.calls[:, :1], files=whole.files[:1])
    assert "on 1 picture " in first.verdict() and "other pictures" not in first.verdict()


def test_others_that_cost_the_same_are_said_to_ask_for_no_fewer_corrections():
    """The table has the calls that were made; what is cheaper goes by the corrections that are asked for."""
    found = study({"yolo:box@1": 0.6, "yolo:box10@1": 0.6}, noise=0.05)
    assert found.best == found.leader
    assert "the one that can't be told from it asks for no fewer corrections" in found.verdict()
