"""SAM 2's own preprocessing: a picture squashed to a square, whatever its size, in little memory.

The numbers are those of sam2's ``SAM2Transforms`` (floats, bilinear, antialiased) to the last bit; of a large picture
in a third of the time. Made smaller in bytes it would take half of that, but logits would differ by up to 0.95, and
masks in a pixel of 900.
"""

from __future__ import annotations

import threading

import numpy as np
import torch
import torch.nn.functional as F

ROWS = 96
"""A picture's rows that are numbers at once: those of a large one fill a processor's cache, all of them 144 MB."""
HELD = 96 << 20
"""So many bytes, enough for 24 megapixels, are kept from one picture to the next: memory that nobody had before costs a
quarter of the time."""
_held = threading.local()


def squash(image: np.ndarray, side: int) -> torch.Tensor:
    """A picture as (3, side, side) float32 in [0, 1], on the host.

    torch goes along the rows first, and each row is made by itself: so they can be given to it some at a time.

    Args:
        image: (H, W, 3) uint8
        side: of the square
    """
    height, width = image.shape[:2]
    narrow = torch.from_numpy(_room(height * side * 3)).view(height, side, 3).permute(2, 0, 1)[None]
    numbers = torch.empty((min(ROWS, height), width, 3))
    for top in range(0, height, ROWS):
        some = torch.from_numpy(image[top : top + ROWS])
        rows = numbers[: len(some)].copy_(some).div_(255).permute(2, 0, 1)[None]
        narrow[:, :, top : top + ROWS] = _resized(rows, len(some), side)
    return _resized(narrow, side, side)[0]


def _resized(pixels: torch.Tensor, height: int, width: int) -> torch.Tensor:
    if pixels.shape[-2:] == (height, width):
        return pixels.clone()  # torch would give back the same memory
    return F.interpolate(pixels, size=(height, width), mode="bilinear", antialias=True, align_corners=False)


def _room(count: int) -> np.ndarray:
    """Room for so many float32, which the next picture of this thread gets again."""
    if count * 4 > HELD:
        return np.empty(count, np.float32)
    if len(getattr(_held, "room", ())) < count:
        _held.room = np.empty(count, np.float32)
    return _held.room[:count]
