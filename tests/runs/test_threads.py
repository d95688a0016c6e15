"""Work in other threads comes back in order, is bounded, and ends when it is no longer wanted."""

import threading
import time
from contextlib import closing

import pytest

from prompting.runs.threads import in_order


def test_results_come_in_the_order_of_the_jobs_however_long_each_takes():
    def slow_if_even(job):
        time.sleep(0.02 * (job % 2 == 0))
        return job

    assert list(in_order(slow_if_even, range(20), workers=4, most=6)) == list(range(20))


def test_no_more_jobs_are_taken_than_there_is_room_for():
    taken, left = 0, 0

    def jobs():
        nonlocal taken
        for job in range(50):
            taken += 1
            yield job

    for _ in in_order(lambda job: job, jobs(), workers=2, most=3):
        left += 1
        assert taken - left < 3
    assert left == 50


def test_one_worker_works_in_order_and_elsewhere():
    seen = []

    def note(job):
        seen.append((job, threading.get_ident()))

    list(in_order(note, range(10), workers=1, most=4))
    assert [job for job, _ in seen] == list(range(10))
    assert {thread for _, thread in seen}.isdisjoint({threading.get_ident()})


def test_an_error_comes_out_in_its_turn_and_what_waits_is_dropped():
    done = []

    def fail_at_three(job):
        if job == 3:
            raise ValueError("the third")
        done.append(job)
        return job

    came = []
    with pytest.raises(ValueError, match="the third"):
        for job in in_order(fail_at_three, range(100), workers=1, most=5):
            came.append(job)
    assert came == [0, 1, 2]
    assert max(done) <= 3 + 5


def test_one_that_is_left_early_ends_its_work_before_it_is_closed():
    under_way, ended = threading.Event(), []

    def slowly(job):
        under_way.set()
        time.sleep(0.05)
        ended.append(job)
        return job

    with closing(in_order(slowly, range(100), workers=1, most=4)) as results:
        next(results)
        under_way.wait()
    count = len(ended)
    time.sleep(0.1)
    assert len(ended) == count <= 5


def test_an_error_of_the_jobs_themselves_ends_the_threads():
    def jobs():
        yield 1
        raise KeyError("no more")

    before = threading.active_count()
    with pytest.raises(KeyError, match="no more"):
        list(in_order(lambda job: job, jobs(), workers=2, most=4))
    assert threading.active_count() == before
