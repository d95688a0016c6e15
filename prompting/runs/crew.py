"""Who does a run's work: this process, or workers on other machines; what they do is the same.

A run is a request that is checked, a **job** that is sent to whoever works, and records that are finished. A job loads
what it takes, once a process, and then does samples, a page after the other; what comes of each comes back as an
:class:`Outcome`. :mod:`prompting.cluster` has the other crew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import fiftyone as fo

from ..dataset.lock import Hold
from ..steps import Steps
from .progress import Pace, Rate


@dataclass(frozen=True)
class Outcome:
    """What came of a sample, for whoever started the run; what goes into the sample is written already, or soon is.

    Attributes:
        sample_id: whose
        value: of the job's own
    """

    sample_id: str
    value: Any


class Work(Protocol):
    """A job under way in a process.

    Attributes:
        about: what only the loaded models tell; alike in all processes
        refused: sample id -> why it could not be stored, of what was last done
    """

    about: Any
    refused: Mapping[str, str]

    def do(self, items: Mapping[str, Any]) -> Iterator[Outcome]:
        """Do samples, ids and what is to be known of each, in their order; when it ends, all of it is written.

        It ends early, between two samples, where the run is asked to stop.
        """
        ...


class Job(Protocol):
    """What is to be done; it can be pickled."""

    def open(self, check: Callable[[], None]) -> Work:
        """Load what it takes.

        Args:
            check: to be called between steps and samples; it raises where the run is asked to stop
        """
        ...

    def fail(self, items: Mapping[str, Any], why: str) -> Iterator[Outcome]:
        """Give samples up, which nobody could do, and say so in them; without anything loaded.

        Args:
            items: as in :meth:`Work.do`
            why: a sentence's end
        """
        ...


class TellingJob(Job, Protocol):
    """A job that tells how far it is while it loads what it takes, for it learns from pictures first."""

    def opening(self, check: Callable[[], None]) -> Steps[Work]:
        """As :meth:`Job.open`."""
        ...


class Crew(Protocol):
    """Those who work on a run.

    Attributes:
        refused: sample id -> why it could not be stored
        many: whether several work at once, whose samples come back a page at a time
        repeated: whether some samples were begun twice, for who did them died
    """

    refused: Mapping[str, str]
    many: bool
    repeated: bool

    def ask(self, function: Callable, *args) -> Any:
        """What a module's function says where the work is done; all have to say the same."""
        ...

    def see(self, paths: Sequence[str]) -> None:
        """Refuse a crew of which some can't read files that others can."""
        ...

    def open(self, job: Job) -> Any:
        """Have everybody load what a job takes; the work's ``about``."""
        ...

    def opening(self, job: TellingJob) -> Steps[Any]:
        """The same of a job that tells how far it is, where that is heard."""
        ...

    def outcomes(self, items: Mapping[str, Any], at_once: int = 1) -> Iterator[Outcome]:
        """Have samples done: what comes of each, in whatever order.

        Args:
            items: ids, and what is to be known of each
            at_once: samples that are worked on together, from the first on
        """
        ...


class Engine(Protocol):
    """Makes a crew for a run."""

    def crew(self, dataset: fo.Dataset, hold: Hold) -> AbstractContextManager[Crew]:
        """Everybody who works on a run, until the block ends.

        Args:
            dataset: that is worked on
            hold: the run's lock
        """
        ...


class Here:
    """This process alone."""

    def crew(self, dataset: fo.Dataset, hold: Hold) -> AbstractContextManager[Crew]:
        return nullcontext(_Alone(hold))


HERE = Here()


class _Alone:
    many = repeated = False

    def __init__(self, hold: Hold):
        self._hold, self._work = hold, None

    @property
    def refused(self) -> Mapping[str, str]:
        return self._work.refused

    def ask(self, function: Callable, *args) -> Any:
        return function(*args)

    def see(self, paths: Sequence[str]) -> None:
        """There is nobody who could see others."""

    def open(self, job: Job) -> Any:
        self._work = job.open(self._hold.check)
        return self._work.about

    def opening(self, job: TellingJob) -> Steps[Any]:
        self._work = yield from job.opening(self._hold.check)
        return self._work.about

    def outcomes(self, items: Mapping[str, Any], at_once: int = 1) -> Iterator[Outcome]:
        return self._work.do(items)


def pace(crew: Crew, total: int, at_once: int = 1) -> Pace:
    """What tells how long the rest of a run takes.

    Args:
        crew: who works on it
        total: samples
        at_once: how many are worked on together
    """
    return Rate(total) if crew.many else Pace(total, at_once)
