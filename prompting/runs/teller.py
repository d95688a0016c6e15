"""How far an evaluation is."""

from __future__ import annotations

from ..dataset.lock import Hold
from .progress import Passes, time_left

SCORE, KEEP = "score", "keep"
"""What takes its time: the pictures, and then the strategies, whose evaluations are registered."""


class Teller:
    """Tells how far an evaluation is, whoever listens, and ends it where it is asked to.

    Args:
        pictures: that are evaluated
        strategies: how many
        hold: the run's lock

    Attributes:
        scored: pictures so far
    """

    def __init__(self, pictures: int, strategies: int, hold: Hold):
        self._passes, self._hold = Passes({SCORE: pictures, KEEP: strategies}), hold
        self._pictures, self.scored = pictures, 0

    def check(self) -> None:
        """End here, where somebody asked for it.

        Raises:
            Stopped: somebody did
        """
        self._hold.check()

    def told(self) -> tuple[int, int, str]:
        """One more picture is scored.

        Raises:
            Stopped: somebody asked for it
        """
        self._hold.check()
        self.scored += 1
        return self._advance(SCORE, f"evaluating, {self.scored} of {self._pictures} samples")

    def kept(self, strategy: str) -> tuple[int, int, str]:
        """One more strategy's scores are kept; nothing stops that, so that all strategies are of one evaluation."""
        return self._advance(KEEP, f"keeping the scores of {strategy}")

    def _advance(self, kind: str, doing: str) -> tuple[int, int, str]:
        self._passes.advance(kind)
        left, passes = self._passes.left(), self._passes
        self._hold.tell(passes.done, passes.total, left)
        return passes.done, passes.total, doing + time_left(left)
