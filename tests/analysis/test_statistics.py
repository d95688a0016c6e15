"""Intervals, tests and counts: by hand, and with numbers from the literature."""

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from prompting.analysis.statistics import TIE, differences, holm, mean_interval

# intervals


def test_interval_of_a_mean_holds_it_and_narrows_with_more_images():
    rng = np.random.default_rng(0)
    few, many = rng.uniform(0.3, 0.9, 10), rng.uniform(0.3, 0.9, 1000)
    (low, high), (lower, upper) = mean_interval(few), mean_interval(many)
    assert low < few.mean() < high
    assert lower < many.mean() < upper
    assert upper - lower < (high - low) / 3
    # the normal approximation is good at a thousand images
    assert upper - lower == pytest.approx(2 * 1.96 * many.std() / np.sqrt(1000), rel=0.1)


def test_interval_covers_the_true_mean_in_95_of_100_experiments():
    rng = np.random.default_rng(0)
    intervals = [mean_interval(rng.beta(5, 2, 100)) for _ in range(400)]
    covered = sum(low <= 5 / 7 <= high for low, high in intervals)
    assert 0.92 < covered / 400 < 0.98


def test_interval_is_the_same_every_time():
    values = np.random.default_rng(1).random(20)
    assert mean_interval(values) == mean_interval(values)


def test_one_image_has_no_interval():
    assert mean_interval([0.5]) is None
    assert mean_interval([0.5, math.nan]) is None


def test_equal_scores_have_an_interval_without_width():
    assert mean_interval([0.5] * 8) == (0.5, 0.5)


# Holm's correction


def test_holm_of_the_fifteen_tests_of_neuhaus():
    """The p-values of Neuhaus et al. (1992) as Benjamini and Hochberg (1995) list them: 3 stay significant."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
         0.7590, 1.0]  # fmt: skip
    adjusted = holm(p)
    assert adjusted[:4] == pytest.approx([15 * 0.0001, 14 * 0.0004, 13 * 0.0019, 12 * 0.0095])
    assert np.count_nonzero(adjusted < 0.05) == 3
    assert adjusted[9:].tolist() == [1] * 6


def test_holm_keeps_the_order_in_which_the_tests_came_and_never_lets_a_larger_p_pass_a_smaller_one():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_is_between_the_raw_p_and_bonferroni(p):
    adjusted = holm(p)
    assert (adjusted >= np.array(p)).all()
    assert (adjusted <= np.minimum(1, np.array(p) * len(p))).all()


# differences


def test_differences_by_hand():
    base, changes = np.full(5, 0.5), np.array([0.2, 0.3, TIE / 2, -TIE / 2, -0.1])
    compared = differences({"other": base + changes, "base": base}, "base")
    assert list(compared) == ["other"]
    difference = compared["other"]
    assert difference.mean == pytest.approx(0.08)
    assert difference.low < 0.08 < difference.high
    assert (difference.wins, difference.ties, difference.losses) == (2, 2, 1)


def test_p_of_darwins_maize():
    """Darwin's 15 pairs of maize plants (Fisher, 1935), in eighths of an inch: two-sided p = 0.041."""
    eighths = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    compared = differences({"self": np.zeros(15), "crossed": np.array(eighths) / 100}, "self")
    assert compared["crossed"].p == pytest.approx(0.0413, abs=1e-4)


def test_the_interval_is_that_of_paired_differences():
    rng = np.random.default_rng(0)
    base = rng.random(200)  # pictures differ far more than strategies do
    compared = differences({"base": base, "other": base + rng.normal(0.02, 0.01, 200)}, "base")["other"]
    assert 0.015 < compared.low < compared.mean < compared.high < 0.025


def test_p_values_are_corrected_for_the_number_of_strategies():
    rng = np.random.default_rng(0)
    scores = {"base": rng.random(30)}
    scores |= {f"s{i}": scores["base"] + rng.normal(0.02, 0.05, 30) for i in range(4)}
    compared = differences(scores, "base")
    raw = [stats.wilcoxon(scores[name] - scores["base"]).pvalue for name in compared]
    assert [difference.p for difference in compared.values()] == pytest.approx(holm(raw))


@pytest.mark.filterwarnings("error")
def test_equal_strategies_have_p_one_and_only_ties():
    scores = np.random.default_rng(0).random(12)
    difference = differences({"a": scores, "b": scores.copy()}, "a")["b"]
    assert (difference.mean, difference.low, difference.high, difference.p) == (0, 0, 0, 1)
    assert (difference.wins, difference.ties, difference.losses) == (0, 12, 0)


def test_an_image_that_lacks_one_score_is_left_out_of_that_pair_alone():
    nan = math.nan
    scores = {
        "base": np.array([0.1, 0.2, 0.3, nan]),
        "whole": np.array([0.2, 0.3, 0.4, 0.5]),
        "holed": np.array([nan, 0.4, 0.5, 0.6]),
    }
    compared = differences(scores, "base")
    assert (compared["whole"].wins, compared["holed"].wins) == (3, 2)
    assert compared["whole"].mean == pytest.approx(0.1)
    assert compared["holed"].mean == compared["holed"].low == pytest.approx(0.2)


def test_a_strategys_interval_does_not_depend_on_who_else_is_compared():
    rng = np.random.default_rng(0)
    scores = {name: rng.random(40) for name in ("base", "a", "b", "c")}
    alone = differences({name: scores[name] for name in ("base", "a")}, "base")["a"]
    among = differences(scores, "base")["a"]
    assert (alone.low, alone.high) == (among.low, among.high)


def test_one_image_has_a_difference_and_neither_interval_nor_p():
    difference = differences({"a": np.array([0.5]), "b": np.array([0.7])}, "a")["b"]
    assert difference.mean == pytest.approx(0.2)
    assert (difference.low, difference.high, difference.p, difference.wins) == (None, None, None, 1)


def test_a_strategy_without_shared_images_takes_no_part_in_the_correction():
    nothing = np.full(10, math.nan)
    base = np.linspace(0.1, 0.9, 10)
    compared = differences({"base": base, "other": base + 0.05, "none": nothing}, "base")
    assert compared["other"].p == differences({"base": base, "other": base + 0.05}, "base")["other"].p
    assert math.isnan(compared["none"].mean)
    assert (compared["none"].low, compared["none"].p, compared["none"].ties) == (None, None, 0)


def test_five_thousand_images_of_seven_strategies_take_no_time():
    rng = np.random.default_rng(0)
    scores = {f"s{i}": rng.random(5000) for i in range(7)}
    started = time.process_time()
    differences(scores, "s0")
    assert time.process_time() - started < 2
