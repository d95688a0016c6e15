"""Boxes are tight and components whole, whatever the mask."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from prompting.pixels.masks import Window
from prompting.pixels.regions import components
from tests.properties.shapes import (
    MANY,
    masks,
)


@MANY
@given(masks())
def test_box_is_the_tightest_there_is(mask):
    assume(mask.any())
    x1, y1, x2, y2 = Window.of(mask).box.astype(int)
    inside = mask[y1:y2, x1:x2]
    assert inside.sum() == mask.sum()
    assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()


@MANY
@given(masks(), st.floats(0, 1))
def test_components_are_large_enough_apart_and_ordered(mask, smallest):
    parts = components(mask, smallest)
    areas = [part.area for part in parts]
    assert areas == sorted(areas, reverse=True)
    assert all(area >= smallest * mask.size for area in areas)
    for part in parts:
        assert not (part & ~mask).any()
        assert len(components(part.full(), 0)) == 1
