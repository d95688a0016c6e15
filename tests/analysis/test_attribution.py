"""The parts of a loss add up, and each is the one that a person would blame."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from prompting.analysis.attribution import NONE, PARTS, Attempt, Ceiling, attribute, hit, largest_part
from prompting.analysis.metrics import image_iou
from prompting.pixels.masks import IGNORED, Window, paint
from prompting.pixels.regions import Region
from prompting.segmentation.prompt import Prompt

SHAPE = (4, 12)


def cells(*columns: int) -> np.ndarray:
    """A mask of whole columns of a picture of 4 x 12 pixels."""
    mask = np.zeros(SHAPE, bool)
    mask[:, list(columns)] = True
    return mask


def click(x: float, y: float = 1.0) -> Prompt:
    return Prompt("person", np.array([[x, y]], np.float32), np.array([1]))


def box(x1: float, x2: float) -> Prompt:
    return Prompt("person", box=np.array([x1, 0, x2, 4], np.float32))


def attempt(prompt: Prompt, mask: np.ndarray, *offered: np.ndarray, value: int = 1, iou: float = 0.9) -> Attempt:
    return Attempt(prompt, value, mask, iou, tuple((m, 0.5) for m in offered))


def ceiling(truth: np.ndarray, reached: np.ndarray) -> Ceiling:
    return Ceiling(Region("person", box=Window.of(truth).box, mask=truth), 1, reached, 0.9)


def split(attempts, ceilings, truth=None) -> dict[str, float]:
    """Parts of the loss of what these attempts paint."""
    if truth is None:
        truth = np.logical_or.reduce([np.zeros(SHAPE, bool), *(c.region.mask for c in ceilings)])
    mask = paint([a.mask for a in attempts], [a.predicted_iou for a in attempts], [a.value for a in attempts], SHAPE)
    parts = attribute(mask, np.asarray(truth, np.uint8), attempts, ceilings, [1])
    assert sum(parts.values()) == pytest.approx(1 - image_iou(mask, np.asarray(truth, np.uint8), [1]), abs=1e-12)
    return parts


def test_an_example_worked_by_hand():
    """Three people of 3 columns each: 0-2, 4-6, 8-10. Every number below is a count of columns."""
    a, b, c = cells(0, 1, 2), cells(4, 5, 6), cells(8, 9, 10)
    # SAM 2 makes of their boxes: all of a, all of b, and two of the three columns of c
    ceilings = [ceiling(a, a), ceiling(b, b), ceiling(c, cells(8, 9))]
    attempts = [
        attempt(
            click(1), cells(0), cells(0), cells(0, 1), cells(0, 1, 2, 3)
        ),  # kept 1 column of a where 2 were offered…
        attempt(box(4, 7), cells(5, 6)),  # the box of b gave 2 of its 3 columns
        attempt(click(11), cells(11)),  # a click on nobody, and none on c
    ]
    parts = split(attempts, ceilings)
    s0 = 3 / 10  # right: 0 5 6; painted or true: the nine of the people, and 11
    s1 = 5 / 11  # the best offered for a is 0-3 (IoU 3/4, not 2/3): right 0 1 2 5 6; 3 and 11 too many
    s2 = 5 / 10  # without the mask of the click on nobody
    s3 = 6 / 9  # a and b from their boxes
    s4 = 8 / 9  # and c
    assert parts == pytest.approx(
        {"choice": s1 - s0, "stray": s2 - s1, "prompt": s3 - s2, "miss": s4 - s3, "segmenter": 1 - s4}
    )


def test_person_without_a_prompt_is_a_miss():
    parts = split([], [ceiling(cells(0, 1), cells(0, 1))])
    assert parts == {"miss": 1, "stray": 0, "prompt": 0, "choice": 0, "segmenter": 0}


def test_prompt_on_nobody_is_stray():
    parts = split([attempt(click(9), cells(9))], [])
    assert parts == {"miss": 0, "stray": 1, "prompt": 0, "choice": 0, "segmenter": 0}


def test_what_the_truths_box_does_not_reach_is_the_segmenters():
    person = cells(0, 1, 2, 3)
    parts = split([attempt(box(0, 4), cells(0, 1))], [ceiling(person, cells(0, 1))])
    assert parts == pytest.approx({"miss": 0, "stray": 0, "prompt": 0, "choice": 0, "segmenter": 0.5})


def test_prompt_worse_than_the_truths_box_is_the_prompts():
    person = cells(0, 1, 2, 3)
    parts = split([attempt(box(0, 2), cells(0, 1))], [ceiling(person, person)])
    assert parts == pytest.approx({"miss": 0, "stray": 0, "prompt": 0.5, "choice": 0, "segmenter": 0})


def test_prompt_better_than_the_truths_box_counts_negative():
    person = cells(0, 1, 2, 3)
    parts = split([attempt(click(1), person)], [ceiling(person, cells(0, 1, 2))])
    assert parts == pytest.approx({"miss": 0, "stray": 0, "prompt": -0.25, "choice": 0, "segmenter": 0.25})


def test_worse_of_three_masks_is_the_choices():
    person = cells(0, 1, 2, 3)
    parts = split([attempt(click(1), cells(0), cells(0), person)], [ceiling(person, person)])
    assert parts == pytest.approx({"miss": 0, "stray": 0, "prompt": 0, "choice": 0.75, "segmenter": 0})


def test_nothing_there_and_nothing_found_is_no_loss():
    assert split([], []) == dict.fromkeys(PARTS, 0)


def test_crowds_count_for_nothing():
    truth = np.zeros(SHAPE, np.uint8)
    truth[:, 6:] = IGNORED
    truth[:, :2] = 1
    person = cells(0, 1)
    parts = split([attempt(box(0, 2), cells(0, 1, 8, 9))], [ceiling(person, person)], truth)
    assert parts == dict.fromkeys(PARTS, 0)


@pytest.mark.parametrize(
    ("prompt", "hits"),
    [
        (click(1), [0]),  # a positive point on it
        (click(9), []),
        (
            Prompt("person", np.array([[1, 1], [9, 1]], np.float32), np.array([0, 1])),
            [],
        ),  # a negative one doesn't count
        (box(0, 2), [0]),  # half of the person
        (box(1, 2), [0]),  # a quarter of the person, but filled by it
        (box(0, 12), [0, 1]),  # around both
        (box(5, 7), []),
        (box(3, 6), []),  # an edge of it
        (Prompt("dog", box=np.array([0, 0, 4, 4], np.float32)), []),  # another class
    ],
)
def test_what_a_prompt_hits(prompt, hits):
    people = [Region("person", mask=cells(0, 1, 2, 3)), Region("person", mask=cells(10, 11))]
    assert hit(attempt(prompt, cells()), people) == hits


def test_person_whom_a_neighbours_mask_covers_is_not_missed():
    a, b = cells(0, 1, 2), cells(3, 4, 5, 6)
    assert hit(attempt(click(1), cells(0, 1, 2, 3, 4)), [Region("person", mask=a), Region("person", mask=b)]) == [0, 1]
    assert hit(attempt(click(1), cells(0, 1, 2, 3)), [Region("person", mask=a), Region("person", mask=b)]) == [0]


def test_choice_is_never_negative():
    """A mask of two people is better for the picture than the best mask of the one that was clicked."""
    a, b = cells(0, 1), cells(2, 3)
    parts = split([attempt(click(1), cells(0, 1, 2, 3), cells(0, 1))], [ceiling(a, a), ceiling(b, b)])
    assert parts == dict.fromkeys(PARTS, 0)


masks = arrays(bool, SHAPE)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(masks, st.integers(0, 11), st.lists(masks, max_size=3)), max_size=4),
    st.lists(st.tuples(masks.filter(np.any), masks), max_size=4),
)
def test_parts_add_up_whatever_the_masks(made, there):
    attempts = [attempt(click(x), mask, *offered) for mask, x, offered in made]
    split(attempts, [ceiling(truth, reached) for truth, reached in there])


@pytest.mark.parametrize(
    ("costs", "largest"),
    [({"prompt": 0.2, "miss": 0.1}, "prompt"), ({"choice": -0.1, "segmenter": 0.3}, "segmenter"), ({}, NONE)],
)
def test_the_largest_part_is_named_and_none_where_nothing_is_lost(costs, largest):
    assert largest_part({**dict.fromkeys(PARTS, 0.0), **costs}) == largest


def test_a_gain_is_no_loss():
    assert largest_part({**dict.fromkeys(PARTS, 0.0), "choice": -0.2}) == NONE
