"""How far an evaluation is, which goes over the same pictures several times."""

from __future__ import annotations

from ..dataset.lock import Hold
from .progress import Passes, time_left

RENDER, AGREE, SCORE, COUNT = "render", "agree", "score", "count"
"""The passes over the pictures: the truth, the agreement; for each strategy, our scores and FiftyOne's."""


class Teller:
    """Tells how far an evaluation is, whoever listens, and ends it where it is asked to.

    Args:
        pictures: that are evaluated
        strategies: how many
        agreeing: whether the agreement is measured too
        hold: the run's lock
    """

    def __init__(self, pictures: int, strategies: int, agreeing: bool, hold: Hold):
        passes = {RENDER: pictures, SCORE: strategies * pictures, COUNT: strategies * pictures}
        self._passes, self._hold = Passes({**passes, **({AGREE: pictures} if agreeing else {})}), hold
        self._pictures = pictures

    def leave_out(self, pictures: int) -> None:
        """Some pictures take no further part."""
        self._pictures -= pictures

    def told(self, kind: str, done: int, doing: str) -> tuple[int, int, str]:
        """One more picture of a pass; it is the pass's ``done``-th.

        Raises:
            Stopped: somebody asked for it
        """
        self._hold.check()
        self._passes.advance(kind)
        left, passes = self._passes.left(), self._passes
        self._hold.tell(passes.done, passes.total, left)
        return passes.done, passes.total, f"{doing}, {done} of {self._pictures} samples{time_left(left)}"
