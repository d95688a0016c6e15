"""Work in other threads whose results come in the order of the work: reading ahead of a run, writing behind it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Job, Result = TypeVar("Job"), TypeVar("Result")


def in_order(function: Callable[[Job], Result], jobs: Iterable[Job], workers: int, most: int) -> Iterator[Result]:
    """What a function makes of each job, in the jobs' order; with one worker, also called in that order.

    Close it (``contextlib.closing``) where it may be left early: jobs that wait are dropped, and those under way end
    before it does.

    Args:
        function: called in another thread; what it raises is raised here, in its job's turn
        jobs: taken in the calling thread, when there is room
        workers: threads
        most: jobs that wait, are under way or have a result that waits, at once
    """
    pool = ThreadPoolExecutor(workers)
    waiting: deque = deque()
    try:
        for job in jobs:
            waiting.append(pool.submit(function, job))
            if len(waiting) >= most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
