"""A prompt that SAM 2 would take in silence is refused, and the message says why."""

import numpy as np
import pytest

from prompting.errors import PromptError, PromptingError
from prompting.segmentation.prompt import NEGATIVE, POSITIVE, Prompt, no_points

HEIGHT, WIDTH = 100, 200
BOX = np.array([10, 20, 110, 90], np.float32)


def clicks(coords, labels, box=None) -> Prompt:
    return Prompt("person", np.array(coords, np.float32), np.array(labels), box)


@pytest.mark.parametrize(
    "prompt",
    [
        Prompt("person", box=BOX),
        Prompt("person", box=np.array([0, 0, WIDTH, HEIGHT])),
        clicks([[50, 50]], [1]),
        clicks([[0, 0], [WIDTH, HEIGHT]], [1, 0]),
        clicks([[50, 50]], [0], BOX),
        clicks(no_points(), [], BOX),
    ],
    ids=["box", "box of the whole picture", "click", "clicks in the corners", "box and negative", "box and no points"],
)
def test_good_prompt_passes(prompt):
    prompt.check(HEIGHT, WIDTH)


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        (Prompt("person"), "needs a box or at least one positive point"),
        (clicks(no_points(), []), "needs a box or at least one positive point"),
        (clicks([[50, 50], [60, 60]], [0, 0]), "needs a box or at least one positive point"),
        (Prompt("person", box=np.array([110, 20, 10, 90])), r"\[110.0, 20.0, 10.0, 90.0\] is empty or reversed"),
        (Prompt("person", box=np.array([10, 90, 110, 20])), "empty or reversed"),
        (Prompt("person", box=np.array([10, 20, 10, 90])), "empty or reversed"),
        (Prompt("person", box=np.array([10, 20, np.nan, 90])), "four finite numbers"),
        (Prompt("person", box=np.array([10, 20, np.inf, 90])), "four finite numbers"),
        (Prompt("person", box=np.array([10, 20, 110])), "four finite numbers"),
        (Prompt("person", box=BOX[None]), "four finite numbers"),
        (Prompt("person", box=np.array([-1, 20, 110, 90])), "reaches out of the picture of 200 x 100"),
        (Prompt("person", box=np.array([10, 20, 110, 101])), "reaches out of the picture of 200 x 100"),
        (clicks([[50, 50]], [2]), r"must be 1 \(positive\) or 0 \(negative\), not \[2\]"),
        (clicks([[50, 50], [60, 60]], [1, -1]), "must be 1"),
        (clicks([[50, 50]], [1, 0]), r"not \(1, 2\) and \(2,\)"),
        (clicks([50, 50], [1]), r"must be \(P, 2\)"),
        (clicks([[50, 50, 1]], [1]), r"must be \(P, 2\)"),
        (clicks([[50, 101]], [1]), "outside the picture of 200 x 100"),
        (clicks([[50, 50], [-1, 50]], [1, 0], BOX), "outside the picture"),
        (clicks([[np.nan, 50]], [1]), "outside the picture"),
        (clicks([[50, np.inf]], [1]), "outside the picture"),
    ],
)
def test_bad_prompt_is_refused_with_the_reason(prompt, message):
    with pytest.raises(PromptError, match=message) as caught:
        prompt.check(HEIGHT, WIDTH)
    assert isinstance(caught.value, PromptingError)


def test_only_one_positive_point_without_a_box_is_a_lone_click():
    assert clicks([[50, 50]], [1]).is_lone_click
    assert not clicks([[50, 50], [60, 60]], [1, 0]).is_lone_click
    assert not clicks([[50, 50]], [1], BOX).is_lone_click
    assert not Prompt("person", box=BOX).is_lone_click


def test_another_click_keeps_the_box_and_the_earlier_clicks():
    first = clicks([[50, 50]], [1], BOX)
    second = first.with_click((70.0, 60.0), NEGATIVE)
    assert second.point_coords.tolist() == [[50, 50], [70, 60]]
    assert second.point_labels.tolist() == [POSITIVE, NEGATIVE]
    assert second.box is BOX
    assert len(first.point_labels) == 1


def test_first_click_on_a_box_alone():
    prompt = Prompt("person", box=BOX).with_click((50, 50), POSITIVE)
    prompt.check(HEIGHT, WIDTH)
    assert prompt.point_coords.tolist() == [[50, 50]]


def test_clicks_know_their_round():
    first = Prompt("person", np.array([[1, 1], [2, 2]], np.float32), np.array([1, 0]))
    assert first.point_rounds.tolist() == [0, 0]
    assert first.with_click((3, 3), 1).with_click((4, 4), 0).point_rounds.tolist() == [0, 0, 1, 2]
    assert Prompt("person", box=np.array([0, 0, 1, 1])).with_click((0, 0), 1).point_rounds.tolist() == [1]
