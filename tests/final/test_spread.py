"""What to label next is hard, and not twenty of a kind."""

import numpy as np

from prompting.final.spread import alike_scale, spread


def test_of_near_copies_one_is_chosen():
    places = np.repeat([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]], 10, axis=0) + np.arange(30)[:, None] * 1e-6
    assert {i // 10 for i in spread(places, np.ones(30), 3)} == {0, 1, 2}


def test_the_worth_of_a_picture_counts_with_how_new_it_is():
    places = np.array([[0.0], [1.0], [1.1]])
    assert spread(places, np.array([1, 1, 2.0]), 1, labelled=[0]) == [2]
    assert spread(places, np.array([0, 1, 0.1]), 3) == [1, 2, 0] or spread(places, np.array([0, 1, 0.1]), 1) == [1]


def test_labelled_ones_are_not_chosen_and_keep_their_like_away():
    places = np.array([[0.0], [0.01], [3.0]])
    assert spread(places, np.ones(3), 5, labelled=[0]) == [2, 1]


def test_each_block_of_columns_counts_alike_and_unknown_is_the_mean():
    many, one = np.random.default_rng(0).normal(size=(50, 100)) * 7, np.arange(50.0)
    one[3] = np.nan
    scaled = alike_scale(many, one)
    assert scaled.shape == (50, 101) and np.allclose(scaled.mean(axis=0), 0)
    assert np.isclose((scaled[:, :100] ** 2).sum(), (scaled[:, 100] ** 2).sum(), rtol=0.05)
    assert scaled[3, 100] == 0
