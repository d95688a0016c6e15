"""Points lie where they must and boxes stay in the picture, whatever the mask."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from prompting.pixels.masks import Window
from prompting.pixels.regions import components
from prompting.prompts.sampling import centroid, deepest_point, grow_box, most_depth, ring_points, spread_points
from prompting.segmentation.prompt import Prompt
from tests.properties.shapes import (
    FEW,
    MANY,
    SEEDS,
    SHAPES,
    boxes,
    masks,
    on,
    pairs,
    rng,
)


@MANY
@given(masks())
def test_deepest_point_is_as_deep_as_any(mask):
    (x, y), depth = deepest_point(mask)
    depths = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    assert depth == pytest.approx(depths.max(), abs=1e-4)
    if mask.any():
        assert depths[int(y), int(x)] == pytest.approx(depth, abs=1e-4)
    assert depth <= most_depth(Window.of(mask))


@FEW
@given(SEEDS, st.sampled_from([2, 6, 15]), st.booleans())
@example(193, 2, False)  # two are as deep but for a last bit
def test_the_deepest_point_of_a_large_mask_is_the_first_of_the_deepest(seed, smooth, frame):
    mask = cv2.GaussianBlur(rng(seed).normal(size=(240, 310)).astype(np.float32), (0, 0), smooth) > 0
    mask[:40] |= frame
    depths = cv2.distanceTransform(np.pad(mask, 1).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    y, x = np.unravel_index(np.argmax(np.rint(np.square(depths, dtype=float))), depths.shape)
    assert deepest_point(mask) == ((x, y), pytest.approx(depths[y, x]))


@MANY
@given(masks())
def test_centroid_lies_in_the_masks_box_and_an_empty_mask_has_none(mask):
    points = centroid(mask)
    if not mask.any():
        assert points.shape == (0, 2)
        return
    x1, y1, x2, y2 = Window.of(mask).box
    assert x1 <= points[0, 0] <= x2 - 1 and y1 <= points[0, 1] <= y2 - 1


@MANY
@given(pairs(), st.integers(0, 8), SEEDS)
def test_ring_points_spare_the_mask_and_all_that_is_to_be_avoided(pair, count, seed):
    mask, avoid = pair
    points = ring_points(mask, avoid, count, rng(seed))
    assert points.shape == (len(points), 2) and len(points) <= count
    assert not on(mask | avoid, points).any()
    assert len(np.unique(points, axis=0)) == len(points)


@MANY
@given(masks(), st.integers(1, 6), SEEDS)
def test_memory_layout_makes_no_difference(mask, count, seed):
    plain = np.array(mask, order="C")
    assert np.array_equal(spread_points(mask, count, rng(seed)), spread_points(plain, count, rng(seed)))
    assert np.array_equal(ring_points(mask, mask, count, rng(seed)), ring_points(plain, plain, count, rng(seed)))
    assert np.array_equal(Window.of(mask).box, Window.of(plain).box)
    assert np.array_equal(components(mask, 0), components(plain, 0))
    assert deepest_point(mask) == deepest_point(plain)


@MANY
@given(SHAPES.flatmap(lambda s: st.tuples(st.just(s), boxes(*s))), st.floats(0, 3))
def test_grown_box_contains_the_box_and_stays_in_the_picture(picture, margin):
    (height, width), box = picture
    grown = grow_box(box, margin, height, width)
    assert grown.dtype == np.float32
    assert (grown[:2] <= box[:2]).all() and (grown[2:] >= box[2:]).all()
    Prompt("person", box=grown).check(height, width)


@MANY
@given(masks(), st.integers(0, 40), SEEDS)
def test_spread_points_are_as_many_as_asked_apart_and_on_the_mask(mask, count, seed):
    points = spread_points(mask, count, rng(seed))
    assert len(points) == min(count, mask.sum())
    assert len(np.unique(points, axis=0)) == len(points)
    assert on(mask, points).all()
