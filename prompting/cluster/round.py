"""Pages are given to workers as they are free; one whose worker died is given to somebody else.

A sample is written in one update, and writing it again is writing it once: nothing is lost or half there, whoever dies.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator

import ray
from ray.exceptions import RayError, RayTaskError

from ..dataset.lock import Hold
from ..errors import DatabaseLost, PromptingError, Stopped, first_line
from .pages import Page, Pages

LOOK_SECONDS = 0.5
ALONE_SECONDS, AWAY_SECONDS = 300.0, 60.0
"""How long a run waits where no worker is left, for Ray may find a node for one; and for a database that is away."""
REST_SECONDS = 2.0
MOST_DEATHS = 20
"""So many deaths in a row, and no page done between them, aren't a picture's fault."""
GIVEN_UP = (
    "the worker that did this picture died twice, killed or out of memory; make the picture smaller, give workers more"
    " memory, or see Ray's logs"
)
BEGIN, OPEN = "begin", "open"


class Round:
    """One pass over the pages.

    Args:
        crew: who knows how workers are spoken to
        members: the workers, all ready
        hold: the run's lock
        job: that they opened
        pages: what is to be done
    """

    def __init__(self, crew, members, hold: Hold, job, pages: Pages):
        self._crew, self._hold, self._job, self._pages = crew, hold, job, pages
        self._free, self._resting = list(members), []
        self._busy: dict = {}  # reference -> worker, what it does (a page, or making ready again), since when
        self._deaths, self._away_since, self._last_alive = 0, None, time.monotonic()
        self._trouble = "they died"

    def outcomes(self) -> Iterator:
        """What came of each sample, as soon as it is known."""
        while self._pages or self._working:
            stopping = self._hold.asked_to_stop.is_set()
            if stopping and not self._working:
                return
            while self._free and self._pages and not stopping:
                member, page = self._free.pop(), self._pages.next()
                self._busy[self._crew.do(member, page.items)] = member, page, time.monotonic()
            self._wake()
            if self._busy:
                ready, _ = ray.wait(list(self._busy), timeout=LOOK_SECONDS)
                for ref in ready:
                    yield from self._hear(ref, *self._busy.pop(ref))
            else:
                time.sleep(LOOK_SECONDS)
            self._give_up_alone()

    @property
    def _working(self) -> bool:
        return any(isinstance(doing, Page) for _, doing, _ in self._busy.values())

    def _hear(self, ref, member, doing, since: float) -> Iterator:
        try:
            said = ray.get(ref)
        except RayTaskError as error:
            self._failed(error, member, doing)
        except RayError as error:
            self._trouble = f"the last said {first_line(error)}"
            self._rest(member)
            if isinstance(doing, Page):
                self._crew.repeated = True
                yield from self._died(doing)
        else:
            if isinstance(doing, Page):
                yield from self._done(said, member, doing, since)
            elif doing == BEGIN:
                self._begun(said, member)
            else:
                self._free.append(member)
                self._last_alive = time.monotonic()

    def _done(self, said, member, page: Page, since: float) -> Iterator:
        now = time.monotonic()
        self._deaths, self._away_since, self._last_alive = 0, None, now
        self._free.append(member)
        self._pages.took(page, now - since)
        self._pages.back(page, said.left)
        self._crew.refused |= said.refused
        for words in said.warnings:
            warnings.warn(f"On the node {member.node}: {words}", stacklevel=2)
        yield from said.outcomes

    def _failed(self, error: RayTaskError, member, doing) -> None:
        """A worker raised an error, and lives."""
        cause = error.cause
        if isinstance(cause, DatabaseLost):
            self._away_since = self._away_since or time.monotonic()
            if time.monotonic() - self._away_since > AWAY_SECONDS:
                raise cause
            self._last_alive = time.monotonic()
        elif not isinstance(cause, PromptingError):
            raise cause from error
        elif isinstance(doing, Page):
            raise cause
        if isinstance(doing, Page):
            self._crew.repeated = True
            self._pages.back(doing)
        if not isinstance(cause, Stopped):
            self._trouble = str(cause)
        self._rest(member)

    def _died(self, page: Page) -> Iterator:
        self._deaths += 1
        if self._deaths > MOST_DEATHS:
            raise PromptingError(
                f"{self._deaths} workers died one after the other ({self._trouble}); see Ray's logs, and run again with"
                " existing='skip'."
            )
        yield from self._job.fail(self._pages.died(page), GIVEN_UP)

    def _begun(self, said: tuple[str, str | None], member) -> None:
        """Ray started a worker anew, on the same node or another."""
        member.node, refusal = said
        self._last_alive = time.monotonic() if refusal is None else self._last_alive
        if refusal:
            self._trouble = refusal
            self._rest(member)
        else:
            self._busy[self._crew.open_again(member)] = member, OPEN, time.monotonic()

    def _rest(self, member) -> None:
        self._resting.append((time.monotonic() + REST_SECONDS, member))

    def _wake(self) -> None:
        now = time.monotonic()
        woken = [member for until, member in self._resting if until <= now]
        self._resting = [(until, member) for until, member in self._resting if until > now]
        for member in woken:
            self._busy[self._crew.begin(member)] = member, BEGIN, now

    def _give_up_alone(self) -> None:
        """End a run that has nobody left, and gets nobody."""
        if not self._free and not self._working and time.monotonic() - self._last_alive > ALONE_SECONDS:
            raise PromptingError(
                f"No worker is left, and none came back within {ALONE_SECONDS:.0f} s ({self._trouble}); what was done"
                " is whole: run again with existing='skip'."
            )
