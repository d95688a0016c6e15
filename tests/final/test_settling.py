"""Which pictures settle a comparison, and when it is settled."""

import numpy as np
import pytest

from prompting.final.betting import total_between
from prompting.final.enough import enough
from prompting.final.folds import by_lot
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


@pytest.mark.parametrize("labelled", [20, 40])
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


@pytest.mark.parametrize("drawn_by_distance", [True, False])
def test_who_asks_after_each_label_is_told_the_wrong_one_once_in_twenty_times_at_most(drawn_by_distance):
    """Where neither is better by anything worth a word, and where one loses rarely and by much."""
    rng = np.random.default_rng(0)
    alike = np.where(rng.random(PICTURES) < 0.5, 0, rng.normal(0, 0.15, PICTURES))
    rare = np.where(np.arange(PICTURES) < 3, -0.6, 0.01)
    for differences in (alike - alike.mean() + 0.002, rare - rare.mean() - 0.002):
        distances = np.minimum(1, np.abs(differences) * (1 + rng.exponential(1, PICTURES)))
        ruled_out = []
        for seed in range(100):
            draw = Draw.of(IDS, distances if drawn_by_distance else np.ones(PICTURES), seed)
            drawn = np.array([differences[int(one)] for one in draw.ids]) / draw.distances
            reaches = np.append(np.cumsum(draw.distances[::-1])[::-1], 0.0)
            # what was ruled out after any label stays so
            low, high = total_between(drawn[:-2], reaches[:-2] + 1e-9)
            ruled_out.append(not low - 1e-6 <= differences.sum() <= high + 1e-6)
        assert np.mean(ruled_out) <= 0.05


def test_pictures_that_are_sorted_settle_nothing_that_is_not_so():
    """Of a dataset's day and night one strategy is better by day, the other as much by night. Who has drawn some at
    random and asks again and again sees them by lot; in the dataset's order he would be told the wrong thing."""
    differences, wrong = np.where(np.arange(400) < 200, 0.3, -0.3), 0
    for seed in range(30):
        drawn = np.random.default_rng(seed).permutation(400)
        looks = [[*map(int, by_lot(map(str, drawn[:count]), seed))] for count in range(20, 100, 15)]
        wrong += any(enough("a", "b", differences[look], 400).settled for look in looks)
        assert enough("a", "b", differences[np.sort(drawn[:100])], 400).settled
    assert wrong <= 2


def test_what_is_no_random_draw_speaks_for_itself_alone():
    """Labelled for what was expected of them, a is better; of a random draw of the others b is."""
    random = np.random.default_rng(0).normal(-0.1, 0.02, 60)
    told = enough("a", "b", random, 1000, known=[0.4] * 20)
    assert (
        told.better == "b"
        and told.labelled == 80
        and told.difference == pytest.approx(0.1 * 0.98 - 0.4 * 0.02, abs=0.01)
    )
    alone = enough("a", "b", [], 1000, known=[0.4] * 20)
    assert alone.better == "a" and alone.difference == pytest.approx(0.4) and not alone.settled


def test_what_was_settled_stays_so(masks):
    distances, differences = masks
    draw = Draw.of(IDS, distances, seed=1)
    told = [settle("a", "b", draw, {}, {one: differences[int(one)] for one in draw.ids[:n]}) for n in range(8, 70, 4)]
    said = [one.settled for one in told]
    assert said == sorted(said) and said[-1] and not said[0]


def test_two_that_are_equal_leave_nothing_to_settle():
    draw = Draw.of(IDS, np.zeros(PICTURES))
    told = settle("a", "b", draw, {}, {})
    assert told.equal and told.complete and not told.settled
    assert str(told) == "a and b are equal on all 80 pictures: nothing to settle; take the cheaper."
    so_far = enough("a", "b", [0.0] * 10, PICTURES)
    assert (
        so_far.equal and not so_far.complete and "equal on all 10 labelled pictures: nothing to settle" in str(so_far)
    )


def test_how_many_more_it_takes_is_more_than_the_usual_number_for_one_look_and_has_its_doubt():
    rng = np.random.default_rng(0)
    differences = rng.normal(0.05, 0.2, 40)
    told = enough("a", "b", differences, 100_000)
    one_look = (2.8 * differences.std(ddof=1) / told.difference) ** 2
    assert 1.5 * one_look < told.needed < 3 * one_look
    assert told.at_least < told.needed < told.at_most and not told.settled
    assert f"about {told.needed - 40} more would settle it" in str(told)
    few = enough("a", "b", rng.normal(0.05, 0.2, 40), 60)
    assert few.needed <= 60
    none = enough("a", "b", rng.normal(0, 0.2, 40), 100)
    assert none.at_most == 100


def test_the_better_one_is_named_whichever_comes_first():
    differences = np.tile([-0.1, -0.12, -0.08, -0.1, -0.11], 20)
    told = enough("a", "b", differences, 1000)
    assert (told.better, told.worse) == ("b", "a") and told.settled and told.difference > 0
    assert "b is 0.102 better than a" in str(told) and "settled; that labels of all 1000 turn it round" in str(told)
