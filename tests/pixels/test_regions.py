"""Regions: one for each body, boxes to the pixel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays

from prompting.pixels.masks import Window
from prompting.pixels.regions import components, stretched, stretched_box, working_shape


def test_box_is_exact_with_exclusive_right_and_lower_edge():
    mask = np.zeros((50, 80), bool)
    mask[10:20, 30:60] = True
    box = Window.of(mask).box
    assert box.tolist() == [30, 10, 60, 20]
    assert box.dtype == np.float32


def test_box_of_one_pixel_has_area():
    mask = np.zeros((5, 5), bool)
    mask[4, 0] = True
    assert Window.of(mask).box.tolist() == [0, 4, 1, 5]


def test_box_of_a_view_of_another_array_is_exact_too():
    mask = np.zeros((40, 30), bool)
    mask[5:9, 10:20] = True
    assert Window.of(mask.T).box.tolist() == [5, 10, 9, 20]
    assert Window.of(mask[::2, ::2]).box.tolist() == [5, 3, 10, 5]


def test_people_apart_become_regions_of_their_own():
    mask = np.zeros((100, 100), bool)
    mask[10:90, 10:30] = mask[10:90, 40:60] = mask[10:90, 70:90] = True
    parts = components(mask, 0.002)
    assert [part.box.tolist() for part in parts] == [[10, 10, 30, 90], [40, 10, 60, 90], [70, 10, 90, 90]]


def test_regions_come_with_the_largest_first():
    mask = np.zeros((60, 60), bool)
    mask[0:5, 0:5] = mask[10:40, 10:40] = mask[50:58, 50:58] = True
    assert [part.area for part in components(mask, 0)] == [900, 64, 25]


def test_pixels_that_touch_at_a_corner_are_one_region():
    assert len(components(np.eye(6, dtype=bool), 0)) == 1


def test_smallest_is_a_share_of_the_picture_and_not_a_number_of_pixels():
    mask = np.zeros((100, 100), bool)
    mask[0:2, 0:10] = True
    assert len(components(mask, 0.002)) == 1
    assert components(mask, 0.0021) == []
    assert components(np.pad(mask, 50), 0.002) == []


@pytest.mark.parametrize("smallest", [0, 0.002])
def test_empty_mask_has_no_region(smallest):
    assert components(np.zeros((10, 10), bool), smallest) == []


@settings(max_examples=50)
@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24)))
def test_regions_partition_any_mask(mask):
    parts = components(mask, 0)
    assert np.array_equal(
        np.sum([np.zeros(mask.shape, int), *(part.full() for part in parts)], axis=0), mask.astype(int)
    )
    assert all(part.any() and part.shape == mask.shape for part in parts)


@pytest.mark.parametrize(
    ("size", "wanted"), [((480, 640), (480, 640)), ((3000, 4000), (887, 1182)), ((1, 40_000_000), (1, 6_476_000))]
)
def test_a_large_picture_is_worked_on_at_a_million_pixels(size, wanted):
    height, width = working_shape(*size)
    assert (height, width) == pytest.approx(wanted, rel=0.01)


def test_middles_of_pixels_stay_middles_at_another_size_and_nothing_moves_at_the_same():
    coords = np.array([[0, 0], [9, 4], [3.25, 1.125]], np.float32)
    assert np.array_equal(stretched(coords, (5, 10), (5, 10)), coords)
    assert stretched(coords[:2], (5, 10), (20, 40)).tolist() == [[1.5, 1.5], [37.5, 17.5]]
    assert stretched_box([1, 2, 3, 4], (5, 10), (20, 40)).tolist() == [4, 8, 12, 16]
