"""Numbers on masks that lie on each other."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from prompting.pixels.masks import Window
from prompting.pixels.places import places as places_of


def box(left, top, right, bottom, shape=(60, 80)):
    mask = np.zeros(shape, bool)
    mask[top:bottom, left:right] = True
    return mask


def places(masks, room):
    return places_of([Window.of(mask) for mask in masks], room)


def test_a_number_lies_in_the_middle_of_what_is_a_masks_own():
    assert places([box(10, 10, 31, 31)], room=5) == [(20, 20)]
    left, right = places([box(0, 0, 50, 60), box(30, 0, 80, 60)], room=5)
    assert left[0] < 30 and right[0] >= 50


def test_a_ring_has_its_number_on_itself_and_not_in_its_hole():
    ring = box(10, 10, 50, 50) & ~box(16, 16, 44, 44)
    ((x, y),) = places([ring], room=5)
    assert ring[y, x]


def test_equal_masks_have_places_apart():
    first, second, third = places([box(0, 0, 80, 60)] * 3, room=8)
    for one, other in ((first, second), (first, third), (second, third)):
        assert max(abs(a - b) for a, b in zip(one, other)) > 8


def test_an_empty_mask_has_no_place_and_a_pixel_has_one():
    assert places([box(0, 0, 0, 0), box(3, 4, 4, 5)], room=8) == [None, (3, 4)]
    assert places([], room=8) == []


@given(st.lists(arrays(bool, (7, 9)), min_size=1, max_size=4), st.integers(0, 4))
def test_every_place_lies_in_its_mask(masks, room):
    for mask, place in zip(masks, places(masks, room), strict=True):
        assert mask.any() == (place is not None)
        assert place is None or mask[place[1], place[0]]
