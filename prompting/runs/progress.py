"""What a run tells while it works: how far it is, and how long the rest takes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..steps import Made, Steps

if TYPE_CHECKING:
    from ..dataset.lock import Hold

RECENT, FEWEST = 32, 3
"""Pictures differ, and so does what else a machine does: the latest say best how long the next ones take."""
SAME_MOMENT, LAST_SECONDS = 0.02, 60.0
LOOKING, LOADING, LEARNING = "looking at reference", "loading the models", "learning from reference"
LEARNING_LABELLED = "learning from labelled pictures, look"
"""What comes before the first sample, in words; a number follows where it is known."""
SECONDS_SHOWN = 0.2
"""What is done before the first sample is told no more often."""


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        done, total: samples
        failed: of the done
        seconds_left: about how long the others take; None where that isn't known yet
        each_second: samples a second, of all who work on them; None where one process does, or it isn't known yet
        doing: what comes before the samples, of which ``done`` and ``total`` are then (0, where there is but one)
    """

    done: int
    total: int
    failed: int
    seconds_left: float | None = field(default=None, compare=False)
    each_second: float | None = field(default=None, compare=False)
    doing: str | None = None


def beforehand(steps: Steps[Made], doing: str, hold: Hold) -> Generator[Progress, None, Made]:
    """What is done before the first sample, as often as it makes a step and somebody can read it.

    Args:
        steps: that tell how far it is
        doing: of each, in words
        hold: the run's lock

    Returns:
        what comes of the steps
    """
    pace, last = None, -SECONDS_SHOWN
    with closing(steps):
        while True:
            try:
                done, total = next(steps)
            except StopIteration as stop:
                return stop.value
            pace = pace or Pace(total)
            left, now = pace.left(done), time.monotonic()
            if done >= total:
                hold.tell_nothing()
                continue
            hold.tell(done, total, left, doing)
            if now - last >= SECONDS_SHOWN:
                last = now
                yield Progress(done, total, 0, left, doing=doing)


def before_the_first(steps: Generator, total: int) -> Generator[Progress]:
    """No sample done yet, as often as something that comes first makes a step; what that returns in the end."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value
        yield Progress(0, total, 0)


class Pace:
    """How long the rest of a run takes, by its latest pictures.

    The first ones count for nothing: models warm up on them, and files are read for the first time. Pictures that are
    worked on together come in bursts, so whole bursts alone are timed.

    Args:
        total: pictures, or steps that take as long as each other
        at_once: how many come in a burst
        clock: seconds
    """

    each_second: float | None = None

    def __init__(self, total: int, at_once: int = 1, clock: Callable[[], float] = time.monotonic):
        self.total, self._at_once, self._clock = total, at_once, clock
        self._marks: deque[tuple[int, float]] = deque(maxlen=max(2, RECENT // at_once))

    def left(self, done: int) -> float | None:
        """Seconds until all are done; None before there is anything to go by. To be called after each picture."""
        now = self._clock()
        if done and done % self._at_once == 0 and (not self._marks or done > self._marks[-1][0]):
            self._marks.append((done, now))
        if len(self._marks) < 2:
            return None
        (first, began), (last, ended) = self._marks[0], self._marks[-1]
        each = (ended - began) / (last - first)
        return max(0.0, each * (self.total - last) - (now - ended))


class Rate(Pace):
    """The same of several who work at once, whose pictures come back in bursts of any length.

    Attributes:
        each_second: pictures, by those of the last minute
    """

    def left(self, done: int) -> float | None:
        now = self._clock()
        if self._marks and now - self._marks[-1][1] < SAME_MOMENT:
            self._marks[-1] = (done, self._marks[-1][1])
        else:
            self._marks.append((done, now))
        while now - self._marks[0][1] > LAST_SECONDS and len(self._marks) > 2:
            self._marks.popleft()
        (first, began), (last, ended) = self._marks[0], self._marks[-1]
        if last == first or ended == began:
            return None
        self.each_second = (last - first) / (ended - began)
        return (self.total - last) / self.each_second


class Passes:
    """How far work is that goes over the same pictures in several passes, of several kinds, and how long it takes yet.

    A picture of one kind of pass takes as long as another, of another kind it may take ten times as long: what isn't
    known of a kind yet is taken for the mean of the others.

    Args:
        pictures: kind -> how many pictures all passes of that kind have together
        clock: seconds
    """

    def __init__(self, pictures: Mapping[str, int], clock: Callable[[], float] = time.monotonic):
        self._pictures, self._clock, self._last = dict(pictures), clock, clock()
        self._done: dict[str, int] = dict.fromkeys(pictures, 0)
        self._timed: dict[str, int] = dict.fromkeys(pictures, 0)
        self._seconds: dict[str, float] = dict.fromkeys(pictures, 0.0)

    @property
    def total(self) -> int:
        """Pictures of all passes."""
        return sum(self._pictures.values())

    @property
    def done(self) -> int:
        """Of the total."""
        return sum(self._done.values())

    def advance(self, kind: str, pictures: int = 1) -> None:
        """So many more are done in a pass of this kind."""
        now = self._clock()
        if self.done:  # the very first one counts for nothing: it waits for fields to be declared
            self._seconds[kind] += now - self._last
            self._timed[kind] += pictures
        self._done[kind] += pictures
        self._last = now

    def left(self) -> float | None:
        """Seconds until all are done; None before there is anything to go by."""
        timed = sum(self._timed.values())
        if timed < FEWEST:
            return None
        mean = sum(self._seconds.values()) / timed
        each = {kind: self._seconds[kind] / count if count else mean for kind, count in self._timed.items()}
        return sum(each[kind] * max(0, self._pictures[kind] - done) for kind, done in self._done.items())


def time_left(seconds: float | None) -> str:
    """``, about 40 s left``, no more exact than it can be known; nothing where it isn't known, or is over."""
    if seconds is None or seconds < 1:
        return ""
    if seconds < 90:
        return f", about {round(seconds) if seconds < 10 else 5 * round(seconds / 5)} s left"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f", about {minutes} min left"
    hours, minutes = divmod(10 * round(minutes / 10), 60)
    return f", about {hours} h {minutes} min left" if minutes else f", about {hours} h left"
