"""How often a run's dialog is told how far the run is."""

from __future__ import annotations

import re
import time

PAUSE_SECONDS = 0.5


class Pace:
    """What is new is told at once, and that it goes on twice a second: the App draws the dialog anew each time."""

    def __init__(self):
        self._when, self._doing = float("-inf"), None

    def skips(self, shown: dict | None) -> bool:
        """Whether a message tells too little too soon after the last.

        Args:
            shown: what it has the run's dialog show; None where it is something else
        """
        if (shown or {}).get("results", {}).get("progress", 1) >= 1:
            return False
        label = shown["outputs"]["type"]["properties"]["progress"]["view"]["label"]
        doing, now = re.sub(r"[\d.]+", "", label.partition(", about")[0]), time.monotonic()
        if doing == self._doing and now - self._when < PAUSE_SECONDS:
            return True
        self._when, self._doing = now, doing
        return False
