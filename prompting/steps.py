"""Work that tells how far it is: generators that yield (done, total) now and then, and return what came of it."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

Made = TypeVar("Made")
Steps = Generator[tuple[int, int], None, Made]


def ended(steps: Generator[object, None, Made]) -> Made:
    """What such a generator returns, where nobody wants to know how far it is."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value
