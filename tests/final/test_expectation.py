"""Expected IoUs are calibrated, and no picture is scored by a model that saw it."""

import numpy as np
import pytest

from prompting.final.expectation import FEWEST, FOR_STEPS, Expectation
from prompting.final.folds import folds_of, short_names


def labelled(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Features of which one tells, in a curve, how good a mask is; some are missing."""
    rng = np.random.default_rng(seed)
    features = rng.random((count, 6))
    true = np.clip(features[:, 2] ** 2 + rng.normal(0, 0.05, count), 0, 1)
    features[rng.random(features.shape) < 0.05] = np.nan
    features[:, 5] = np.nan
    return features, true, [f"{seed}-{i}" for i in range(count)]


@pytest.mark.parametrize("count", [FEWEST, 20, FOR_STEPS, 200])
def test_expected_is_right_in_the_mean(count):
    features, true, ids = labelled(count)
    expectation = Expectation.fit(features, true, ids)
    others, elsewhere, _ = labelled(300, seed=1)
    assert abs(expectation.of(others).mean() - elsewhere.mean()) < (0.15 if count < FOR_STEPS else 0.05)
    assert (expectation.held_out >= 0).all() and (expectation.held_out <= 1).all()


def test_with_enough_pictures_a_curve_is_put_right():
    features, true, ids = labelled(300)
    expectation = Expectation.fit(features, true, ids)
    low, high = (expectation.held_out < 0.1), expectation.held_out > 0.6
    for part in (low, high):
        assert expectation.held_out[part].mean() == pytest.approx(true[part].mean(), abs=0.04)
    assert np.corrcoef(expectation.held_out, true)[0, 1] > 0.9


def test_a_pictures_own_truth_makes_no_difference_to_what_is_expected_of_it():
    features, true, ids = labelled(60)
    other = true.copy()
    other[7] = 1 - other[7]
    here = folds_of(ids) == folds_of(ids)[7]
    before, after = (Expectation.fit(features, one, ids).held_out for one in (true, other))
    assert np.array_equal(before[here], after[here]) and not np.array_equal(before[~here], after[~here])


def test_folds_belong_to_the_pictures_and_not_to_their_order():
    ids = [f"id{i}" for i in range(23)]
    folds = dict(zip(ids, folds_of(ids)))
    assert dict(zip(ids[::-1], folds_of(ids[::-1]))) == folds
    assert sorted(np.bincount(list(folds.values()))) == [4, 4, 5, 5, 5]


def test_too_few_teach_nothing():
    features, true, ids = labelled(FEWEST - 1)
    assert Expectation.fit(features, true, ids) is None


def test_files_of_one_name_in_several_folders_have_folds_of_their_own_wherever_the_dataset_is():
    names = [f"cam{i % 4}/{i // 4:04d}.png" for i in range(60)] + ["one.png", "deep/er/cam9/0001.png"]
    there, moved = ([f"{folder}/{name}" for name in names] for folder in ("/data/a", "C:\\b\\c"))
    assert short_names(there) == short_names(moved) == [*names[:-1], "cam9/0001.png"]
    assert short_names(there[::-1]) == short_names(there)[::-1]
    assert short_names(["/a/x.png", "/a/x.png", "/b/y.png"]) == ["/a/x.png".rpartition("/")[2]] * 2 + ["y.png"]
    folds = dict(zip(there, folds_of(short_names(there))))
    assert dict(zip(there[::-1], folds_of(short_names(there[::-1])))) == folds
