"""Painting and stretching masks keeps every pixel's meaning."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompting.analysis.metrics import image_iou
from prompting.pixels.masks import Window, intersection, intersection_over_union, paint, resize_mask, union
from tests.properties.shapes import (
    MANY,
    SEEDS,
    SHAPES,
    masks,
    pairs,
    rng,
    several_masks,
)


@MANY
@given(several_masks(), SEEDS)
def test_every_pixel_has_the_value_of_the_best_mask_that_covers_it(stack, seed):
    ious = rng(seed).permutation(len(stack)) / len(stack)
    values = rng(seed).integers(1, 256, len(stack))
    painted = paint(stack, ious, values, stack.shape[1:])
    best = np.where(stack, ious[:, None, None], -1).argmax(axis=0)
    assert np.array_equal(painted, np.where(stack.any(axis=0), values[best], 0))


@MANY
@given(pairs())
def test_iou_is_that_of_the_single_class_and_one_just_for_equal_masks(pair):
    a, b = pair
    iou = intersection_over_union(a, b)
    assert iou == intersection_over_union(b, a) == pytest.approx(image_iou(a.astype(np.uint8), b.astype(np.uint8), [1]))
    assert 0 <= iou <= 1
    assert (iou == 1) == np.array_equal(a, b)


@MANY
@given(masks())
def test_a_window_is_the_tightest_part_and_gives_the_mask_back(mask):
    window = Window.of(mask)
    assert np.array_equal(window.full(), mask) and np.array_equal(np.asarray(window), mask)
    assert window.area == mask.sum() and window.any() == mask.any() and window.shape == mask.shape
    assert not np.shares_memory(window.crop, mask)
    ys, xs = np.nonzero(mask)
    if len(ys):
        assert window.box.tolist() == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
        assert np.array_equal(mask[window.place], window.crop)
        for edge in (window.crop[0], window.crop[-1], window.crop[:, 0], window.crop[:, -1]):
            assert edge.any()


def packed(mask: np.ndarray, left: int = 0) -> Window:
    """A mask's window as bits, of a part that begins so far left of it."""
    left = left // 8 * 8
    return Window.packed(np.packbits(mask[:, left:], axis=1), 0, left, mask.shape)


@MANY
@given(masks())
def test_a_window_of_bits_is_the_window_of_the_mask(mask):
    columns = np.flatnonzero(mask.any(axis=0))
    bits, window = packed(mask, columns[0] if len(columns) else 0), Window.of(mask)
    assert (bits.top, bits.left, bits.bottom, bits.right) == (window.top, window.left, window.bottom, window.right)
    assert np.array_equal(bits.crop, window.crop) and bits.crop.dtype == bool
    assert (bits.area, bits.any(), bits.shape) == (window.area, window.any(), window.shape)
    assert np.array_equal(bits.at(5, 7).full(), window.at(5, 7).full())


@MANY
@given(several_masks())
def test_bits_are_painted_as_masks_are(stack):
    ious, values = np.linspace(0, 1, len(stack)), np.arange(len(stack)) + 1
    for given_values in (values, np.ones_like(values)):
        painted = paint([packed(mask) for mask in stack], ious, given_values, stack.shape[1:])
        assert np.array_equal(painted, paint(stack, ious, given_values, stack.shape[1:])) and painted.dtype == np.uint8


@MANY
@given(several_masks())
def test_a_union_shows_what_any_mask_shows(stack):
    assert np.array_equal(union([Window.of(mask) for mask in stack]).full(), stack.any(axis=0))


@MANY
@given(masks(), st.tuples(*[st.integers(-5, 30)] * 4))
def test_any_part_of_a_window_is_that_part_of_the_mask(mask, corners):
    top, bottom = sorted(corners[:2])
    left, right = sorted(corners[2:])
    wide = np.pad(mask, 40)
    assert np.array_equal(
        Window.of(mask).part(top, left, bottom, right), wide[top + 40 : bottom + 40, left + 40 : right + 40]
    )


@MANY
@given(pairs())
def test_windows_have_in_common_what_their_masks_have(pair):
    a, b = pair
    assert intersection(Window.of(a), Window.of(b)) == np.count_nonzero(a & b)
    assert intersection_over_union(Window.of(a), b) == intersection_over_union(a, b)
    assert np.array_equal(Window.of(a) & b, a & b) and np.array_equal(a & Window.of(b), a & b)


@MANY
@given(st.integers(1, 3), SHAPES, SHAPES)
def test_stretched_mask_shows_what_lies_under_the_middle_of_each_pixel(seed, given_shape, wanted):
    mask = rng(seed).integers(0, 256, given_shape).astype(np.uint8)
    resized = resize_mask(mask, *wanted)
    assert resized.shape == wanted and resized.dtype == mask.dtype
    for y in range(wanted[0]):
        for x in range(wanted[1]):
            row = (2 * y + 1) * given_shape[0] // (2 * wanted[0])
            column = (2 * x + 1) * given_shape[1] // (2 * wanted[1])
            assert resized[y, x] == mask[row, column]


@MANY
@given(masks(), SHAPES)
def test_a_window_at_another_size_is_the_stretched_mask_and_never_vanishes(mask, wanted):
    window = Window.of(mask).at(*wanted)
    assert window.shape == wanted
    stretched = resize_mask(mask, *wanted)
    if stretched.any() or not mask.any():
        assert np.array_equal(window.full(), stretched)
    else:
        assert window.area == 1
