"""Clicks on others tell an instance from its neighbours, and never lie on the instance itself."""

import numpy as np
import pytest
from skimage.draw import ellipse

from prompting.pixels.regions import Region
from prompting.prompts.neighbours import clicks_on_others
from prompting.prompts.prompters import prompt_of
from prompting.prompts.strategies import strategy_of

SHAPE = (200, 400)


def person(x: int, width: int = 30, y: int = 100, label: str = "person") -> Region:
    mask = np.zeros(SHAPE, bool)
    mask[ellipse(y, x, 70, width, shape=SHAPE)] = True
    return Region(label, mask=mask)


def boxed(x1, y1, x2, y2) -> Region:
    return Region("person", box=np.array([x1, y1, x2, y2], np.float32), shape=SHAPE)


def test_nearest_come_first_whatever_their_class():
    near, far = person(160, label="horse"), person(300)
    (click,) = clicks_on_others(person(100), [far, near], 1)
    assert near.mask.full()[round(click[1]), round(click[0])]
    assert len(clicks_on_others(person(100), [far, near], 5)) == 2


def test_click_lies_on_the_other_alone_where_masks_overlap():
    one, other = person(100), person(120)
    (click,) = clicks_on_others(one, [other], 3)
    x, y = click.round().astype(int)
    assert other.mask.full()[y, x] and not one.mask.full()[y, x]


def test_another_that_lies_wholly_within_gives_no_click():
    assert len(clicks_on_others(person(100, 60), [person(100, 20)], 3)) == 0


def test_of_two_boxes_over_each_other_the_smaller_one_is_clicked_on():
    """The middle of the larger one may be the smaller one's body: a child before its father."""
    father, child = boxed(50, 10, 150, 190), boxed(80, 80, 120, 190)
    assert clicks_on_others(father, [child], 3).tolist() == [[100, 135]]
    assert len(clicks_on_others(child, [father], 3)) == 0
    assert clicks_on_others(child, [boxed(200, 10, 260, 190)], 3).tolist() == [[230, 100]]


def test_masks_of_a_picture_that_was_brought_down_give_clicks_in_its_pixels():
    small, large = person(160), Region("person", mask=person(160).mask, shape=(800, 1600))
    own = Region("person", mask=person(100).mask, shape=(800, 1600))
    (before,), (click,) = clicks_on_others(person(100), [small], 1), clicks_on_others(own, [large], 1)
    assert click == pytest.approx(before * 4 + 1.5)


@pytest.mark.parametrize(("spelling", "on_others"), [("field:box+4n", 0), ("field:box+4o", 2), ("field:box+4b", 2)])
def test_a_strategy_says_whether_negatives_go_around_on_others_or_both(spelling, on_others):
    one, others = person(100), [person(180), person(20, 15)]
    avoid = one.mask.full() | others[0].mask.full() | others[1].mask.full()
    prompt = prompt_of(strategy_of(spelling), one, avoid, np.random.default_rng(0), others=others)
    x, y = prompt.point_coords.round().astype(int).T
    assert sum(other.mask.full()[y, x].any() for other in others) == on_others
    assert len(prompt.point_labels) == {"field:box+4o": 2}.get(spelling, 4)
    assert not one.mask.full()[y, x].any()


def test_nobody_beside_leaves_the_box_alone():
    prompt = prompt_of(strategy_of("field:box+4o"), person(100), None, np.random.default_rng(0))
    assert len(prompt.point_labels) == 0 and prompt.box is not None
