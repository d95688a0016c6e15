"""A race stops who has nothing to win, and hardly ever the one that is best."""

import numpy as np
import pytest

from prompting.analysis.racing import EVERY, FIRST, WORTH, Race, looks_at


def raced(scores: np.ndarray, prices=None, error_rate: float = 0.05, worth: float = WORTH) -> tuple[list[int], int]:
    """Who is left of strategies with these scores (V, N), and how many of the scores were looked at."""
    race = Race(np.ones(len(scores)) if prices is None else prices, scores.shape[1], error_rate, worth)
    made = 0
    for done in range(EVERY, scores.shape[1] + 1, EVERY):
        made += EVERY * len(race.running)
        if done >= race.next_look:
            race.look(scores[:, :done])
    return race.running, made


def pictures(quality, count: int, noise: float, seed: int) -> np.ndarray:
    """Scores whose means over all pictures are these; pictures are hard for all."""
    rng = np.random.default_rng(seed)
    drawn = rng.normal(0, noise, (len(quality), count))
    centred = drawn - drawn.mean(axis=1, keepdims=True)
    return np.asarray(quality)[:, None] + rng.normal(0, 0.2, count) + centred


def test_clearly_worse_ones_stop_early_and_the_best_stays():
    quality = [0.7, 0.69, *np.linspace(0.3, 0.6, 38)]
    left, made = raced(pictures(quality, 80, 0.1, 0))
    assert 0 in left and len(left) < 8
    assert made < 0.35 * 80 * len(quality)


def test_fifty_cost_like_twenty_where_pictures_are_many():
    """Alike in groups, as strategies are: noise is shared by those that say nearly the same."""
    rng = np.random.default_rng(0)
    groups = np.repeat(rng.normal(0, 0.15, (5, 400)), 10, axis=0)
    scores = 0.6 + groups + rng.normal(0, 0.03, (50, 400)) + np.repeat(rng.uniform(0, 0.1, 5), 10)[:, None]
    left, made = raced(scores)
    assert made < 0.4 * scores.size
    assert scores[left].mean(axis=1).max() >= scores.mean(axis=1).max() - WORTH


@pytest.mark.parametrize("noise", [0.03, 0.1])
def test_one_that_is_better_than_all_others_by_what_a_difference_is_worth_stops_no_oftener_than_is_said(noise):
    """The hardest case: each of nine equals may get ahead of it by chance, and none may stand for it."""
    quality = [0.6 + 1.01 * WORTH, *[0.6] * 9]
    lost = sum(0 not in raced(pictures(quality, 80, noise, seed))[0] for seed in range(60))
    assert lost <= 8  # of 60 with a chance of 0.05 each: more in one of 200 such tests


def test_whoever_stopped_is_stood_for_by_one_that_costs_no_more_and_is_hardly_worse():
    """The other way round too: there is one left at every price."""
    rng = np.random.default_rng(3)
    lost = 0
    for seed in range(20):
        quality, prices = rng.normal(0.6, 0.01, 24), rng.integers(1, 5, 24)
        scores = pictures(quality, 80, 0.03, seed)
        left, _ = raced(scores, prices)
        for price in np.unique(prices):
            there = [i for i in left if prices[i] <= price]
            lost += quality[there].max() < quality[prices <= price].max() - WORTH
    assert lost <= 4  # of 80


def test_a_cheaper_one_never_stops_because_of_a_dearer_one():
    left, _ = raced(pictures([0.5, 0.9], 80, 0.01, 0), prices=[1, 2])
    assert left == [0, 1]
    assert raced(pictures([0.5, 0.9], 80, 0.01, 0), prices=[2, 1])[0] == [1]


def test_nobody_stops_before_the_first_pictures_or_alone_or_when_all_is_done():
    scores = pictures([0.9, 0.1], 80, 0.01, 0)
    race = Race([1, 1], 80)
    race.look(scores[:, : FIRST - 1])
    assert race.running == [0, 1]
    race.look(scores)  # nothing is left that could be spared
    assert race.running == [0, 1]
    race.look(scores[:, :FIRST])
    assert race.running == [0]
    race.look(scores[:, : 2 * FIRST])
    assert race.running == [0]


def test_of_those_with_the_same_scores_the_first_stays_once_few_pictures_are_left_that_could_tell_them_apart():
    rows = np.tile(np.random.default_rng(0).random(640), (3, 1))
    assert raced(rows)[0] == [0]
    assert raced(rows[:, :160])[0] == [0, 1, 2]


def test_without_a_worth_only_those_stop_that_are_behind():
    scores = pictures([0.6, 0.6, 0.3], 80, 0.05, 1)
    assert raced(scores, worth=0.0)[0] == [0, 1]


@pytest.mark.parametrize("count", [1, 16, 17, 80, 5000])
def test_looks_are_as_rare_as_pictures_are_many_and_none_is_the_last(count):
    looks = list(looks_at(count))
    assert all(FIRST <= look < count for look in looks)
    assert len(looks) <= max(0, count / EVERY - 1)
    assert len(looks) < 70


@pytest.mark.parametrize(("count", "rare"), [(80, 0.03), (320, 0.03), (320, 0.06)])
def test_one_that_is_better_on_rare_pictures_alone_is_not_lost_before_they_are_seen(count, rare):
    """As those that differ by a confidence: the same masks, but that one misses a person now and then."""
    lost = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        whole = rng.beta(5, 2, count)
        scores = np.stack([whole, np.where(rng.random(count) < rare, 0, whole)])
        left, _ = raced(scores)
        lost += scores[left].mean(axis=1).max() < scores[0].mean() - WORTH
        left, _ = raced(scores[::-1])
        lost += scores[::-1][left].mean(axis=1).max() < scores[0].mean() - WORTH
    assert lost <= 12  # of 120 with a chance of 0.05 each
