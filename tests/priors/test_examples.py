"""What is learned from labelled patches: which of them count, how many, and what the words beside them are worth."""

import numpy as np
import pytest

from prompting.priors import examples
from prompting.priors.examples import MOST, Classifier, smallest_part, some_of
from prompting.priors.patches import examples_in, kinds_of, shares


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def patches(count: int, kind: int, width: int = 16) -> np.ndarray:
    """Noise that is brighter in a direction of the kind's own."""
    return rng().normal(size=(count, width)).astype(np.float32) + 6 * np.eye(width, dtype=np.float32)[kind]


def learned(*counts: int, said=None) -> tuple[Classifier, np.ndarray, np.ndarray]:
    """A classifier of so many patches of each kind, the background first, and what it learned from."""
    features = np.concatenate([patches(count, kind) for kind, count in enumerate(counts)])
    kinds = np.repeat(np.arange(len(counts)), counts)
    said = np.zeros((len(kinds), len(counts) - 1)) if said is None else said(kinds)
    return Classifier.fit(features, kinds, said), features, kinds


def test_shares_are_those_of_each_class_whatever_size_the_mask_has():
    labels = np.zeros((40, 60), np.uint8)
    labels[:10, :15], labels[20:30, 45:], labels[35:, :30] = 1, 2, 255
    covered, ignored = shares(labels, 2, (4, 4))
    assert covered.shape == (2, 4, 4) and ignored.shape == (4, 4)
    assert covered[0, 0, 0] == 1 and covered[0].sum() == 1 and covered[1, 2, 3] == 1
    assert ignored[3, 0] == pytest.approx(0.5, abs=0.01) and ignored[3, 3] == 0


def test_a_patch_counts_where_most_or_hardly_any_of_it_is_covered():
    covered = np.array([[[0.05, 0.3, 0.69], [0.71, 1.0, 0.0]]], np.float32)
    ignored = np.array([[0, 0, 0], [0, 0, 0.5]], np.float32)
    assert kinds_of(covered, ignored).tolist() == [[0, -1, -1], [1, 1, -1]]


@pytest.mark.parametrize("largest", [0.5, 0.02])
def test_of_things_smaller_than_a_patch_those_with_most_of_them_count(largest):
    covered = np.zeros((1, 3, 3), np.float32)
    covered[0, 1, 1], covered[0, 0, 0] = largest, largest / 3
    kinds = kinds_of(covered, np.zeros((3, 3), np.float32))
    assert kinds[1, 1] == 1 and (kinds == 1).sum() == 1


def test_a_class_that_isnt_there_has_no_patches():
    covered = np.zeros((2, 2, 2), np.float32)
    covered[0, 0, 0] = 1
    assert set(kinds_of(covered, np.zeros((2, 2), np.float32)).ravel().tolist()) == {0, 1}


def test_a_mask_of_the_whole_picture_leaves_no_background():
    assert (kinds_of(np.ones((1, 3, 3), np.float32), np.zeros((3, 3), np.float32)) == 1).all()


def test_no_more_patches_are_taken_than_asked_for_and_of_each_kind_some():
    kinds = np.repeat([-1, 0, 1, 2], [100, 1000, 500, 3])
    chosen = some_of(kinds, 300, rng())
    assert np.bincount(kinds[chosen]).tolist() == [100, 100, 3] and (np.diff(chosen) > 0).all()
    assert np.array_equal(chosen, some_of(kinds, 300, rng()))
    assert len(some_of(np.full(5, -1), 300, rng())) == 0
    assert np.bincount(kinds[some_of(kinds, 1, rng())]).tolist() == [1, 1, 1]


def test_the_same_patches_teach_the_same_to_the_bit():
    one, other = learned(300, 50)[0], learned(300, 50)[0]
    assert np.array_equal(one.weights, other.weights) and np.array_equal(one.offsets, other.offsets)


@pytest.mark.parametrize("counts", [(300, 60), (300, 60, 40, 30), (40, 300), (MOST // 2, 20), (3, 1)])
def test_what_was_shown_is_found_again_of_one_class_and_of_several(counts):
    classifier, features, kinds = learned(*counts)
    scores = features @ classifier.weights.T + classifier.offsets
    guess = np.concatenate([np.zeros((len(scores), 1)), scores], axis=1).argmax(axis=1)
    assert classifier.weights.shape == (len(counts) - 1, features.shape[1])
    assert min((guess == kinds)[kinds == kind].mean() for kind in range(len(counts))) > 0.9


def test_words_are_trusted_as_far_as_they_tell_the_examples_apart():
    right = learned(300, 60, said=lambda kinds: (kinds[:, None] == 1) * 4.0 - 2)[0]
    silent = learned(300, 60)[0]
    wrong = learned(300, 60, said=lambda kinds: 2 - (kinds[:, None] == 1) * 4.0)[0]
    noise = learned(300, 60, said=lambda kinds: np.random.default_rng(1).normal(size=(len(kinds), 1)))[0]
    assert right.trust == 1 and silent.trust == 0 and wrong.trust == 0 and noise.trust < 0.4


def test_patches_of_a_class_are_counted_alike_in_small_and_large_pictures():
    labels = np.zeros((210, 420), np.uint8)
    labels[10:60, 20:80], labels[100:103, 7:9], labels[150:170, :100] = 1, 2, 255
    small, large = examples_in(labels, 3), examples_in(labels.repeat(4, 0).repeat(4, 1), 3)
    assert small.tolist() == large.tolist() == [5 * 6, 1, 0]
    assert examples_in(labels[:1], 3).tolist() == [0, 0, 0]


def test_things_are_looked_for_down_to_half_of_what_was_shown_but_no_larger_than_clips():
    assert smallest_part([0.3, 0.2]) == 0.002
    assert smallest_part([0.001, 0.002, 0.4]) == 0.001
    assert examples.smallest_part([0.0004]) == pytest.approx(0.0002)
