"""A race stops who is behind, and hardly ever the one that is best."""

import numpy as np
import pytest

from prompting.analysis.racing import FIRST, behind, upper_end


def race(quality: np.ndarray, pictures: int, rng: np.random.Generator, error_rate: float = 0.05) -> tuple[set, int]:
    """Who is left of strategies with these mean scores, and how many pictures all of them took together."""
    hard = rng.normal(0, 0.2, pictures)  # pictures are hard for all
    scores = np.clip(quality[:, None] + hard + rng.normal(0, 0.1, (len(quality), pictures)), 0, 1)
    running, cost = np.arange(len(quality)), 0
    for done in range(8, pictures + 1, 8):
        cost += 8 * len(running)
        running = running[~behind(scores[running, :done], len(quality), error_rate)]
    return set(running.tolist()), cost


def test_clearly_worse_ones_stop_early_and_the_best_stays():
    quality = np.array([0.7, 0.69, *np.linspace(0.3, 0.55, 38)])
    left, cost = race(quality, 80, np.random.default_rng(0))
    assert {0, 1} <= left and len(left) < 8
    assert cost < 0.4 * 80 * len(quality)


def test_the_best_is_stopped_less_often_than_the_error_rate_says():
    """Among equals, looked at after every batch: the first is as good as any, and should hardly ever stop."""
    stopped = sum(0 not in race(np.full(10, 0.6), 80, np.random.default_rng(seed))[0] for seed in range(300))
    assert stopped <= 0.05 * 300


def test_nobody_stops_before_the_first_pictures_or_alone():
    ious = np.array([[1.0] * FIRST, [0.0] * FIRST])
    assert behind(ious, 2).tolist() == [False, True]
    assert not behind(ious[:, :-1], 2).any()
    assert not behind(ious[:1], 1).any()


def test_two_of_the_same_scores_never_part():
    row = np.random.default_rng(0).random(500)
    assert not behind(np.stack([row, row]), 2).any()


def test_the_sequence_is_wider_than_an_interval_for_one_look():
    differences = np.random.default_rng(0).normal(0, 1, (1, 100))
    assert upper_end(differences, 0.025)[0] > differences.mean() + 1.96 * differences.std(ddof=1) / 10


@pytest.mark.parametrize("count", [16, 64, 1024])
def test_it_narrows_as_pictures_come(count):
    rng = np.random.default_rng(1)
    few, many = rng.normal(0, 1, (1, count)), rng.normal(0, 1, (1, 4 * count))
    assert upper_end(many, 0.01)[0] - many.mean() < upper_end(few, 0.01)[0] - few.mean()
