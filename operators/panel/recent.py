"""What the App's server remembers of panels, as long as it runs."""

from __future__ import annotations

from collections import OrderedDict

MOST_KNOWN = 1000


class Recent(OrderedDict):
    """The entries that were set last."""

    def __setitem__(self, key, value) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        while len(self) > MOST_KNOWN:
            self.popitem(last=False)
