"""Points and boxes lie where they must, whatever the mask."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.spatial.distance import pdist
from skimage.draw import disk, ellipse

from prompting.pixels.masks import Window
from prompting.prompts.sampling import (
    MAX_CANDIDATES,
    centroid,
    deepest_point,
    grow_box,
    ring_points,
    spread_points,
)

SEEDS = st.integers(0, 2**32 - 1)
MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24))
FEW = settings(max_examples=50)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def body(height: int = 200, width: int = 160) -> np.ndarray:
    """A standing person, roughly: a head on a longer body."""
    mask = np.zeros((height, width), bool)
    mask[ellipse(120, 80, 70, 32)] = True
    mask[disk((40, 80), 20)] = True
    return mask


def crescent() -> np.ndarray:
    mask = np.zeros((100, 100), bool)
    mask[disk((50, 50), 45)] = True
    mask[disk((50, 65), 40, shape=mask.shape)] = False
    return mask


def on(mask: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Whether each point lies on the mask."""
    x, y = points.astype(int).T
    return mask[y, x]


@pytest.mark.parametrize("count", range(1, 9))
def test_spread_gives_exactly_as_many_points_as_wanted_and_all_inside(count):
    points = spread_points(body(), count, rng())
    assert points.shape == (count, 2)
    assert len(np.unique(points, axis=0)) == count
    assert on(body(), points).all()


@pytest.mark.parametrize("count", [2, 5, 8])
def test_spread_points_keep_farther_apart_than_random_ones(count):
    mask = body()
    pixels = np.argwhere(mask)[:, ::-1]
    random = [pdist(pixels[rng(seed).choice(len(pixels), count, replace=False)]).min() for seed in range(30)]
    for seed in range(5):
        assert pdist(spread_points(mask, count, rng(seed))).min() > 1.5 * np.median(random)


def test_spread_points_keep_off_the_border():
    inner = np.zeros_like(body())
    inner[2:-2, 2:-2] = body()[2:-2, 2:-2]
    for dy, dx in [(-3, 0), (3, 0), (0, -3), (0, 3)]:
        shifted = np.add(spread_points(inner, 8, rng()), (dx, dy))
        assert on(body(), shifted).all()


def test_first_spread_point_is_the_deepest():
    mask = body()
    (x, y), _ = deepest_point(mask)
    assert spread_points(mask, 3, rng())[0].tolist() == [x, y]


@pytest.mark.parametrize("shape", [(12, 5), (6, 3), (40, 2), (3, 3)])
def test_small_person_still_gets_all_five_points(shape):
    mask = np.zeros((200, 200), bool)
    mask[100 : 100 + shape[0], 50 : 50 + shape[1]] = True
    points = spread_points(mask, 5, rng())
    assert points.shape == (5, 2)
    assert on(mask, points).all()


def test_long_thin_shape_with_one_knob_gets_points_along_it():
    """Only the knob's middle is deep; five points don't fit there."""
    mask = np.zeros((40, 1100), bool)
    mask[20, 50:1050] = mask[19:22, 500:503] = True
    points = spread_points(mask, 5, rng())
    assert len(points) == 5
    assert pdist(points).min() > 100


def test_mask_of_two_pixels_gives_two_points_at_most():
    mask = np.zeros((10, 10), bool)
    mask[4, 4:6] = True
    assert sorted(spread_points(mask, 5, rng()).tolist()) == [[4, 4], [5, 4]]


def test_empty_mask_gives_no_points_and_stacks_with_others():
    empty = np.zeros((10, 10), bool)
    assert spread_points(empty, 5, rng()).shape == (0, 2)
    assert ring_points(empty, empty, 3, rng()).shape == (0, 2)
    assert np.vstack([spread_points(empty, 5, rng()), [[1.0, 2.0]]]).shape == (1, 2)


def test_no_points_wanted_gives_none():
    assert spread_points(body(), 0, rng()).shape == (0, 2)
    assert ring_points(body(), body(), 0, rng()).shape == (0, 2)


def test_same_seed_same_points_and_another_seed_others():
    mask = np.zeros((300, 300), bool)
    mask[disk((150, 150), 120)] = True
    assert mask.sum() > MAX_CANDIDATES
    for sample in (lambda seed: spread_points(mask, 5, rng(seed)), lambda seed: ring_points(mask, mask, 3, rng(seed))):
        assert np.array_equal(sample(7), sample(7))
        assert not np.array_equal(sample(7), sample(8))


def test_ring_points_lie_outside_the_mask_and_near_it():
    mask = body()
    points = ring_points(mask, mask, 3, rng())
    assert points.shape == (3, 2)
    assert not on(mask, points).any()
    pixels = np.argwhere(mask)[:, ::-1]
    distances = np.linalg.norm(points[:, None] - pixels[None], axis=2).min(axis=1)
    size = np.sqrt(mask.sum())
    assert (distances >= 0.07 * size).all()
    assert (distances <= 0.36 * size).all()


def test_ring_points_surround_the_mask_instead_of_clustering():
    assert pdist(ring_points(body(), body(), 3, rng())).min() > 60


def test_ring_points_spare_the_person_next_to_it():
    mask, both = body(200, 300), body(200, 300)
    both[:, 120:200] = True
    points = ring_points(mask, both, 3, rng())
    assert len(points) == 3
    assert not on(both, points).any()


def test_mask_that_fills_the_picture_has_no_ring():
    full = np.ones((30, 40), bool)
    assert ring_points(full, full, 3, rng()).shape == (0, 2)


def test_mask_with_others_all_around_has_no_ring():
    mask = np.zeros((60, 60), bool)
    mask[20:40, 20:40] = True
    assert ring_points(mask, np.ones_like(mask), 3, rng()).shape == (0, 2)


def test_centroid_is_the_mean_of_the_pixels():
    mask = np.zeros((20, 30), bool)
    mask[5:8, 10:21] = True
    assert centroid(mask).tolist() == [[15.0, 6.0]]


def test_centroid_of_a_bent_shape_lies_off_it():
    """The baseline's weakness, kept on purpose."""
    assert not on(crescent(), centroid(crescent()).round()).any()
    assert on(crescent(), spread_points(crescent(), 1, rng())).all()


def test_tight_box_has_a_margin_of_five_percent():
    mask = np.zeros((300, 400), bool)
    mask[100:140, 200:300] = True
    assert grow_box(Window.of(mask).box, 0.05, *mask.shape).tolist() == [195, 98, 305, 142]


def test_box_grows_only_as_far_as_the_picture():
    assert grow_box(np.array([0, 10, 100, 50], np.float32), 0.1, 52, 105).tolist() == [0, 6, 105, 52]


def test_deepest_point_of_a_square_is_its_middle():
    mask = np.zeros((50, 50), bool)
    mask[10:21, 30:41] = True
    assert deepest_point(mask) == ((35.0, 15.0), 6.0)


def test_edge_of_the_picture_counts_as_border():
    (x, y), depth = deepest_point(np.ones((21, 41), bool))
    assert y == 10
    assert depth == 11


def test_nothing_has_no_depth():
    assert deepest_point(np.zeros((5, 5), bool)) == ((0.0, 0.0), 0.0)


def awkward(test):
    """The masks that break recipes, beside hypothesis's own."""
    stripes = np.zeros((9, 9), bool)
    stripes[::2] = True
    corner = np.zeros((7, 5), bool)
    corner[-1, -1] = True
    for mask in (np.zeros((4, 6), bool), np.ones((4, 6), bool), np.ones((1, 1), bool), stripes, stripes.T, corner):
        test = example(mask, 5, 0)(test)
    return FEW(given(MASKS, st.integers(1, 8), SEEDS)(test))


@awkward
def test_any_mask_gives_distinct_points_inside_as_many_as_it_has_room_for(mask, count, seed):
    points = spread_points(mask, count, rng(seed))
    assert len(points) == min(count, mask.sum())
    assert len(np.unique(points, axis=0)) == len(points)
    assert on(mask, points).all()


@awkward
def test_any_ring_lies_in_the_picture_and_off_the_mask(mask, count, seed):
    points = ring_points(mask, mask, count, rng(seed))
    assert points.shape[1] == 2
    assert len(points) <= count
    x, y = points.T
    assert ((x >= 0) & (x < mask.shape[1]) & (y >= 0) & (y < mask.shape[0])).all()
    assert not on(mask, points).any()


@awkward
def test_box_contains_every_region_pixel_and_stays_in_the_picture(mask, count, seed):
    if not mask.any():
        return
    x1, y1, x2, y2 = grow_box(Window.of(mask).box, 0.05, *mask.shape)
    ys, xs = np.nonzero(mask)
    assert x1 <= xs.min() and y1 <= ys.min() and x2 >= xs.max() + 1 and y2 >= ys.max() + 1
    assert 0 <= x1 < x2 <= mask.shape[1] and 0 <= y1 < y2 <= mask.shape[0]
