"""What is promised of the pictures without a truth holds as often as it says."""

import numpy as np
import pytest

from prompting.final.promise import FEWEST, promise

PICTURES = 80


def pictures(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """IoUs as strategies have them, many good and some nought, and what might be expected of them."""
    rng = np.random.default_rng(seed)
    true = np.where(rng.random(PICTURES) < 0.12, 0, rng.beta(6, 2, PICTURES))
    return true, np.clip(0.3 + 0.6 * true + rng.normal(0, 0.1, PICTURES), 0, 1)


@pytest.mark.parametrize("labelled", [10, 20, 40])
@pytest.mark.parametrize("believable", [True, False])
def test_intervals_hold_as_often_as_they_say(labelled, believable):
    true, expected = pictures()
    held, draws, rng = 0, 600, np.random.default_rng(1)
    if not believable:
        expected = rng.random(PICTURES)
    for _ in range(draws):
        order = rng.permutation(PICTURES)
        known, rest = order[:labelled], order[labelled:]
        told = promise(true[known], expected[known], expected[rest])
        held += told.low <= true[rest].mean() <= told.high
    assert 0.90 <= held / draws <= 0.99


def test_expectations_that_tell_something_make_the_interval_narrower():
    true, expected = pictures()
    known, rest = np.arange(40), np.arange(40, PICTURES)
    told = promise(true[known], expected[known], expected[rest])
    plain = promise(true[known], np.full(40, 0.5), np.full(40, 0.5))
    assert plain.believed == 0 and plain.mean == pytest.approx(true[known].mean())
    assert told.high - told.low < 0.7 * (plain.high - plain.low)


def test_expectations_that_are_all_too_high_are_put_right():
    true, _ = pictures()
    expected = np.clip(true + 0.2, 0, 1.2)
    told = promise(true[:40], expected[:40], expected[40:])
    assert told.mean == pytest.approx(true[40:].mean(), abs=0.02)
    assert "if the 40 labelled pictures are a random draw of all" in str(told)


def test_too_few_labelled_pictures_promise_nothing():
    true, expected = pictures()
    told = promise(true[: FEWEST - 1], expected[: FEWEST - 1], expected)
    assert told.mean is None and "too few" in str(told)
    assert "There are no masks without a truth" in str(promise(true, expected, []))


def test_the_accepted_ones_are_spoken_of_apart():
    true, expected = pictures()
    good = expected > 0.7
    told = promise(true[:40][good[:40]], expected[:40][good[:40]], expected[40:][good[40:]], "accepted masks")
    assert told.low <= true[40:][good[40:]].mean() <= told.high
    assert str(told).startswith(f"Of {good[40:].sum()} accepted masks the mean IoU is 0.")


def test_pictures_that_were_proposed_speak_for_themselves_alone():
    """The worst expected were labelled next; what is left is better than a draw of them all, and told to be."""
    true, expected = pictures()
    held, offs, naive, rng = 0, [], [], np.random.default_rng(2)
    for _ in range(300):
        order = rng.permutation(PICTURES)
        drawn, others = order[:12], order[12:]
        worst, rest = np.split(others[np.argsort(expected[others])], [20])
        known = np.concatenate([drawn, worst])
        chosen = np.arange(len(known)) >= 12
        told = promise(true[known], expected[known], expected[rest], proposed=chosen)
        assert (told.labelled, told.proposed, told.left_out, told.pictures) == (12, 20, True, len(rest))
        held += told.low <= true[rest].mean() <= told.high
        offs.append(told.mean - true[rest].mean())
        naive.append(promise(true[known], np.full(32, 0.5), np.full(len(rest), 0.5)).mean - true[rest].mean())
    assert held / 300 >= 0.9 and abs(np.mean(offs)) < 0.03 < abs(np.mean(naive))
    assert "20 more that were proposed to be labelled next are no random draw, and left out" in str(told)
    few = promise(true[known[7:]], expected[known[7:]], expected[rest], proposed=chosen[7:])
    assert not few.left_out and "20 of these 25 were proposed to be labelled next" in str(few)
