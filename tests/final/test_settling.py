"""Which pictures settle a comparison, and when it is settled."""

import numpy as np
import pytest

from prompting.final.enough import enough
from prompting.final.settling import Draw, settle

PICTURES = 80
IDS = [str(i) for i in range(PICTURES)]


@pytest.fixture(scope="module")
def masks():
    """How far two strategies' masks are from each other, and the difference of their IoU: never more than that."""
    rng = np.random.default_rng(0)
    distances = rng.beta(0.5, 2, PICTURES)
    distances[:10] = 0
    return distances, np.clip(rng.normal(0.25, 0.5, PICTURES), -1, 1) * distances


def outcome(told, true: float) -> tuple[bool, bool]:
    """Whether the interval holds the true difference of a to b, and whether it is settled."""
    low, high = (told.low, told.high) if told.better == "a" else (-told.high, -told.low)
    return low - 1e-9 <= true <= high + 1e-9, told.settled


@pytest.mark.parametrize("labelled", [10, 20, 40])
def test_the_drawn_settle_sooner_than_any_and_their_intervals_hold(masks, labelled):
    distances, differences = masks
    true, drawn, random = differences.mean(), [], []
    for seed in range(100):
        draw = Draw.of(IDS, distances, seed)
        known = {one: differences[int(one)] for one in draw.ids[:labelled]}
        drawn.append(outcome(settle("a", "b", draw, {}, known), true))
        some = np.random.default_rng(seed).permutation(PICTURES)[:labelled]
        random.append(outcome(enough("a", "b", differences[some], PICTURES), true))
    held, settled = np.mean(drawn, axis=0)
    assert held >= 0.88 and settled > np.mean(random, axis=0)[1] + 0.1


def test_pictures_on_which_both_masks_are_the_same_come_last(masks):
    distances, _ = masks
    draw = Draw.of(IDS, distances, seed=3)
    assert set(draw.ids[-10:]) == set(IDS[:10])
    assert (draw.distances[:10].mean()) > 2 * distances.mean()
    assert draw.ids == Draw.of(IDS, distances, seed=3).ids != Draw.of(IDS, distances, seed=4).ids


def test_what_was_labelled_before_counts_for_itself_however_it_was_chosen(masks):
    distances, differences = masks
    worst = np.argsort(differences)[:30]  # nobody's random draw
    rest = [i for i in range(PICTURES) if i not in worst]
    known, true, held = {str(i): differences[i] for i in worst}, differences.mean(), []
    for seed in range(100):
        draw = Draw.of([str(i) for i in rest], distances[rest], seed)
        labelled = {one: differences[int(one)] for one in draw.ids[:15]}
        held.append(outcome(settle("a", "b", draw, known, labelled), true)[0])
    assert np.mean(held) >= 0.88


def test_with_all_labelled_nothing_is_left_to_chance(masks):
    distances, differences = masks
    draw = Draw.of(IDS, distances)
    told = settle("a", "b", draw, {}, {one: differences[int(one)] for one in IDS})
    assert told.settled and told.difference == pytest.approx(differences.mean()) == pytest.approx(told.low)
    assert told.labelled == PICTURES


def test_labels_after_a_gap_speak_for_themselves_alone(masks):
    distances, differences = masks
    draw = Draw.of(IDS, distances)
    some = {one: differences[int(one)] for one in draw.ids[:20]}
    gap = some | {one: differences[int(one)] for one in draw.ids[30:35]}
    one, other = settle("a", "b", draw, {}, some), settle("a", "b", draw, {}, gap)
    assert other.labelled == one.labelled + 5 and other.high - other.low < one.high - one.low


def test_too_few_tell_nothing(masks):
    distances, differences = masks
    draw = Draw.of(IDS, distances)
    assert settle("a", "b", draw, {}, {}) is None
    assert enough("a", "b", [0.1] * 4, 100) is None


def test_how_many_more_it_takes_is_the_usual_number_with_its_doubt():
    rng = np.random.default_rng(0)
    differences = rng.normal(0.05, 0.2, 40)
    told = enough("a", "b", differences, 100_000)
    assert told.needed == pytest.approx((2.8 * differences.std(ddof=1) / told.difference) ** 2, rel=0.02)
    assert told.at_least < told.needed < told.at_most and not told.settled
    assert f"about {told.needed - 40} more would settle it" in str(told)
    few = enough("a", "b", rng.normal(0.05, 0.2, 40), 60)
    assert few.needed <= 60
    none = enough("a", "b", rng.normal(0, 0.2, 40), 100)
    assert none.at_most == 100


def test_the_better_one_is_named_whichever_comes_first():
    differences = np.array([-0.1, -0.12, -0.08, -0.1, -0.11])
    told = enough("a", "b", differences, 1000)
    assert (told.better, told.worse) == ("b", "a") and told.settled and told.difference > 0
    assert "b is 0.102 better than a" in str(told) and "settled; further labels" in str(told)
