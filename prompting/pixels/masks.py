"""Masks of instances as windows of a picture, and the operations on masks that several modules need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..errors import PromptError
from .bits import Bits

IGNORED = 255
"""Truth pixels of this value count for nothing: crowds that nobody outlined one by one."""


@dataclass(frozen=True, eq=False)
class Window:
    """A picture's (H, W) bool mask as the tightest part of it that holds all that is True.

    A hundred people on a large photograph take what they cover, and not a hundred times the picture. NumPy takes it for
    the whole mask: ``np.asarray(window)``, ``window & mask``.

    Attributes:
        held: the crop, a bool array or its bits
        top, left: the row and the column of the picture in which the crop begins
        shape: the picture's (H, W)
    """

    held: np.ndarray | Bits
    top: int
    left: int
    shape: tuple[int, int]

    @classmethod
    def of(cls, mask: Window | np.ndarray) -> Window:
        """A (H, W) bool mask as a window, which keeps no hold of the mask; a window is one already."""
        if isinstance(mask, cls):
            return mask
        return cls.cut(np.asarray(mask, bool), 0, 0, mask.shape)

    @classmethod
    def cut(cls, part: np.ndarray, top: int, left: int, shape: tuple[int, int]) -> Window:
        """The window of a mask that is False outside of a part.

        Args:
            part: (h, w) bool
            top, left: its first row and column in the mask
            shape: the mask's
        """
        x, y, w, h = cv2.boundingRect(part.view(np.uint8)) if part.size else (0, 0, 0, 0)
        if not w:
            return cls.empty(shape)
        return cls(part[y : y + h, x : x + w].copy(), top + y, left + x, tuple(shape))

    @classmethod
    def packed(cls, part: np.ndarray, top: int, left: int, shape: tuple[int, int]) -> Window:
        """The window of a mask that is False outside of a part, which is kept where most of it is in the window.

        Args:
            part: (h, b) uint8, eight pixels a byte, the first in the highest bit
            top, left: its first row and column in the mask, the column a multiple of eight
            shape: the mask's
        """
        rows = np.flatnonzero(part.any(axis=1))
        if not len(rows):
            return cls.empty(shape)
        columns = np.flatnonzero(np.unpackbits(np.bitwise_or.reduce(part, axis=0)))
        y1, y2, x1, x2 = (int(end) for end in (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1))
        few = part[y1:y2, x1 // 8 : -(-x2 // 8)]
        bits = Bits(few if 2 * few.size >= part.size else few.copy(), x1 % 8, x2 - x1)
        return cls(bits, top + y1, left + x1, tuple(shape))

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> Window:
        """A mask of which nothing is True."""
        return cls(np.zeros((0, 0), bool), 0, 0, tuple(shape))

    @property
    def crop(self) -> np.ndarray:
        """(h, w) bool, True somewhere in each of its outer rows and columns; (0, 0) where the mask is empty."""
        return self.held.unpacked() if isinstance(self.held, Bits) else self.held

    @property
    def bottom(self) -> int:
        """The row after the last."""
        return self.top + self.held.shape[0]

    @property
    def right(self) -> int:
        """The column after the last."""
        return self.left + self.held.shape[1]

    @property
    def box(self) -> np.ndarray:
        """(4,) float32 xyxy in pixels, the right and lower edge exclusive; all zero where the mask is empty."""
        return np.array([self.left, self.top, self.right, self.bottom], np.float32)

    @property
    def place(self) -> tuple[slice, slice]:
        """Where the crop lies: ``mask[window.place]`` is as large as it."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def area(self) -> int:
        """How many pixels are True."""
        return np.count_nonzero(self.crop)

    def any(self) -> bool:
        """Whether any pixel is True."""
        return bool(self.held.size)

    def full(self) -> np.ndarray:
        """The (H, W) bool mask."""
        return self.part(0, 0, *self.shape)

    def part(self, top: int, left: int, bottom: int, right: int) -> np.ndarray:
        """Rows ``top`` to ``bottom`` and columns ``left`` to ``right`` of the mask, exclusive, a bool array."""
        found = np.zeros((bottom - top, right - left), bool)
        y1, x1, y2, x2 = _common((self.top, self.left, self.bottom, self.right), (top, left, bottom, right))
        if y1 < y2 and x1 < x2:
            crop = self.crop[y1 - self.top : y2 - self.top, x1 - self.left : x2 - self.left]
            found[y1 - top : y2 - top, x1 - left : x2 - left] = crop
        return found

    def at(self, height: int, width: int) -> Window:
        """The mask at another size, nearest neighbour; what would vanish stays as one pixel."""
        if (height, width) == self.shape or not self.any():
            return Window(self.held, self.top, self.left, (height, width))
        rows, columns = (
            nearest(np.arange(wanted), given, wanted) for wanted, given in zip((height, width), self.shape, strict=True)
        )
        down = slice(*np.searchsorted(rows, (self.top, self.bottom)).tolist())
        across = slice(*np.searchsorted(columns, (self.left, self.right)).tolist())
        crop = self.crop
        part = pick(crop, rows[down] - self.top, columns[across] - self.left)
        found = Window.cut(part, down.start, across.start, (height, width))
        if found.any():
            return found
        y, x = (places[len(places) // 2] for places in np.nonzero(crop))
        top, left = (self.top + y) * height // self.shape[0], (self.left + x) * width // self.shape[1]
        return Window(np.ones((1, 1), bool), int(top), int(left), (height, width))

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return self.full() if dtype is None else self.full().astype(dtype)


def union(windows: Sequence[Window]) -> Window:
    """All that any of some masks, one at least, of a picture shows, in the memory of one of them."""
    found = np.zeros(windows[0].shape, bool)
    for window in windows:
        found[window.place] |= window.crop
    return Window.of(found)


def intersection(a: Window, b: Window) -> int:
    """How many pixels two masks of one picture have in common."""
    y1, x1, y2, x2 = _common((a.top, a.left, a.bottom, a.right), (b.top, b.left, b.bottom, b.right))
    if y1 >= y2 or x1 >= x2:
        return 0
    of_a = a.crop[y1 - a.top : y2 - a.top, x1 - a.left : x2 - a.left]
    return np.count_nonzero(of_a & b.crop[y1 - b.top : y2 - b.top, x1 - b.left : x2 - b.left])


def _common(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """What two (top, left, bottom, right) have in common; reversed where that is nothing."""
    return max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])


def intersection_over_union(a: Window | np.ndarray, b: Window | np.ndarray) -> float:
    """IoU of two masks of one picture; 1 where both are empty."""
    a, b = Window.of(a), Window.of(b)
    common = intersection(a, b)
    union = a.area + b.area - common
    return common / union if union else 1.0


def paint(
    masks: Sequence[Window | np.ndarray], predicted_iou: Sequence[float], values: Sequence[int], shape: tuple[int, int]
) -> np.ndarray:
    """Instances painted into one label map, the one with the highest predicted IoU on top.

    Args:
        masks: N of a picture's size
        predicted_iou: N
        values: N label values, 1 to 255
        shape: (H, W)

    Returns:
        (H, W) uint8
    """
    windows, one_class = [Window.of(mask) for mask in masks], set(values) <= {1}
    if one_class and all(isinstance(window.held, Bits) for window in windows):  # eight pixels at once
        canvas = np.zeros((shape[0], -(-shape[1] // 8)), np.uint8)
        for window in windows:
            bits, first = window.held.packed, window.left // 8
            canvas[window.top : window.bottom, first : first + bits.shape[1]] |= bits
        return np.unpackbits(canvas, axis=1, count=shape[1])
    label_map = np.zeros(shape, np.uint8)
    for i in np.argsort(predicted_iou, kind="stable"):
        place, crop = label_map[windows[i].place], windows[i].crop
        if one_class:  # ten times as quick, and nothing can be on top
            np.bitwise_or(place, crop.view(np.uint8), out=place)
        else:
            np.copyto(place, np.uint8(values[i]), where=crop)
    return label_map


def resize_mask(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """A label map at another size, nearest neighbour.

    Raises:
        PromptError: it has no pixels
    """
    mask = np.asarray(mask)
    if not mask.size:
        raise PromptError("A mask has no pixels.")
    if mask.shape == (height, width):
        return mask
    rows, columns = nearest(np.arange(height), mask.shape[0], height), nearest(np.arange(width), mask.shape[1], width)
    return pick(mask, rows, columns)


def nearest(places: np.ndarray, count: int, stretched: int) -> np.ndarray:
    """Which of ``count`` pixels, stretched over ``stretched``, lies under the middle of each place."""
    return np.clip((places + 0.5) * count / stretched, 0, count - 1).astype(int)


def pick(mask: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """These rows and columns of a label map, the first channel of one that was saved as a colour picture."""
    return (mask[..., 0] if mask.ndim == 3 else mask)[rows].take(columns, axis=1)


def taken_out(label_map: np.ndarray, window: Window, beneath: np.ndarray) -> np.ndarray:
    """A label map from which one instance is taken: its pixels show what lies beneath, all others what they did.

    Args:
        label_map: (H, W)
        window: the instance
        beneath: (H, W), the other instances painted
    """
    left = label_map.copy()
    np.copyto(left[window.place], beneath[window.place], where=window.crop)
    return left
