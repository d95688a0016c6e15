"""Masks that wait, eight pixels a byte: a thousand of them on a large photograph would not fit otherwise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Bits:
    """A (h, w) bool array as bits.

    Attributes:
        packed: (h, b) uint8, a row's pixels from the highest bit of its first byte on; 0 where there are none
        skipped: how many bits of a row lie before its first pixel, 0 to 7
        width: w
    """

    packed: np.ndarray
    skipped: int
    width: int

    @property
    def shape(self) -> tuple[int, int]:
        """(h, w)."""
        return len(self.packed), self.width

    @property
    def size(self) -> int:
        """How many pixels there are."""
        return len(self.packed) * self.width

    def unpacked(self) -> np.ndarray:
        """The (h, w) bool array, a new one each time."""
        return np.unpackbits(self.packed, axis=1)[:, self.skipped : self.skipped + self.width].view(bool)
