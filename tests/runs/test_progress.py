"""The time left is what the latest pictures say; nothing is said before there is anything to go by."""

import pytest

from prompting.runs.progress import Pace, Passes, Progress, time_left


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_slow_first_picture_counts_for_nothing():
    clock = Clock()
    pace, left = Pace(10, clock=clock), []
    for done in range(1, 11):
        clock.now += 60 if done == 1 else 2
        left.append(pace.left(done))
    assert left == [None, 16, 14, 12, 10, 8, 6, 4, 2, 0]


def test_pictures_that_come_in_bursts_are_not_taken_for_quick_ones():
    clock = Clock()
    pace = Pace(12, at_once=4, clock=clock)
    for done in range(1, 9):
        clock.now += 8 if done % 4 == 1 else 0
        left = pace.left(done)
        assert left is None if done < 8 else left == 8
    clock.now += 5
    assert pace.left(8) == 3  # it goes on counting


def test_the_latest_pictures_say_how_long_the_next_ones_take():
    clock = Clock()
    pace = Pace(1000, clock=clock)
    for done in range(1, 501):
        clock.now += 1 if done < 400 else 3
        left = pace.left(done)
    assert left == pytest.approx(1500)


def test_each_kind_of_pass_has_its_own_pace_and_an_unknown_one_that_of_the_others():
    clock = Clock()
    passes = Passes({"quick": 4, "slow": 4}, clock)
    for _ in range(4):
        assert passes.left() is None
        clock.now += 1
        passes.advance("quick")
    assert passes.left() == 4  # as if the slow ones were quick
    for _ in range(2):
        clock.now += 10
        passes.advance("slow")
    assert (passes.done, passes.total, passes.left()) == (6, 8, 20)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""), (0.2, ""), (7.4, ", about 7 s left"), (41, ", about 40 s left"), (200, ", about 3 min left"),
        (3600, ", about 60 min left"), (7300, ", about 2 h left"), (9000, ", about 2 h 30 min left"),
    ],
)  # fmt: skip
def test_it_is_said_no_more_exactly_than_it_can_be_known(seconds, said):
    assert time_left(seconds) == said


def test_time_left_is_not_what_progress_is():
    assert Progress(1, 2, 0, 3.0) == Progress(1, 2, 0)
