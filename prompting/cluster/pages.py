"""Which samples a worker gets next, and what becomes of those whose worker died: no more than a list and a rule."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

PAGE_SECONDS, MOST = 5.0, 200
"""A page takes a worker about so long, and has so many samples at most: so much is told, or lost, at once. To ask for
one and to end it takes some hundredths of a second."""
TRIES = 2
"""A batch whose worker died so often while it was alone is to blame; of several pictures each is then tried alone."""


@dataclass(frozen=True)
class Page:
    """Samples that a worker gets at once: whole batches, so that sums are rounded as in one process.

    Attributes:
        items: ids, and what is to be known of each
        deaths: workers that died of it while it was one batch
    """

    items: Mapping[str, Any]
    deaths: int = 0


class Pages:
    """What is left to do.

    Args:
        items: ids, and what is to be known of each, in their order
        at_once: a batch, from the first sample on
        workers: how many share them
    """

    def __init__(self, items: Mapping[str, Any], at_once: int, workers: int):
        self._fresh, self._left = iter(items.items()), len(items)
        self._at_once, self._workers = at_once, workers
        self._again: deque[Page] = deque()
        self._seconds: float | None = None

    def __bool__(self) -> bool:
        return bool(self._left or self._again)

    def next(self) -> Page | None:
        """The next page; those that were tried before come last."""
        if self._left:
            items = dict(islice(self._fresh, self._length()))
            self._left -= len(items)
            return Page(items)
        return self._again.popleft() if self._again else None

    def took(self, page: Page, seconds: float) -> None:
        """How long a page took, which decides how long the next ones are."""
        self._seconds = seconds / len(page.items)

    def back(self, page: Page, ids: Sequence[str] | None = None) -> None:
        """What of a page wasn't done, by nobody's fault; by default all of it."""
        items = page.items if ids is None else {one: page.items[one] for one in ids}
        if items:
            self._again.append(Page(items, page.deaths))

    def died(self, page: Page) -> Mapping[str, Any]:
        """A worker died while it did a page: what of it is given up; the rest is tried again, batch by batch."""
        if len(page.items) > self._at_once:
            self._again.extend(map(Page, self._split(page, self._at_once)))
        elif page.deaths + 1 < TRIES:
            self._again.append(Page(page.items, page.deaths + 1))
        elif len(page.items) > 1:
            self._again.extend(map(Page, self._split(page, 1)))
        else:
            return page.items
        return {}

    def _length(self) -> int:
        """Samples of the next page: fewer at the end, so that nobody waits long for the last."""
        wanted = 1 if self._seconds is None else PAGE_SECONDS / max(self._seconds, 1e-6)
        most = min(wanted, MOST, self._left / (2 * self._workers))
        return self._at_once * max(1, int(most // self._at_once))

    @staticmethod
    def _split(page: Page, count: int) -> Iterator[dict]:
        items = iter(page.items.items())
        while part := dict(islice(items, count)):
            yield part
