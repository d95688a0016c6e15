"""From low-res logits to masks: as many pixels are drawn as a mask may have, and not as many as the picture has.

SAM 2 answers with 256 x 256 logits however large the picture is. They are stretched to it (bilinear, as sam2's
``SAM2ImagePredictor`` does it) and cut at 0. Where no logit nearby is positive nothing is: what is drawn is the window
of the positive ones and their neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F

from ..pixels.masks import Window

HELD = 64 << 20
"""So many bytes of masks wait on a device at once for the host to take them."""


@torch.inference_mode()
def draw(logits: torch.Tensor, height: int, width: int) -> list[Window]:
    """The masks of low-res logits in a picture.

    Args:
        logits: (N, h, w) float32, on any device
        height, width: the picture's

    Returns:
        N windows, on the host
    """
    positive = logits > 0
    rows, columns = (positive.any(dim=axis).cpu().numpy() for axis in (2, 1))
    down, across = _axis(logits.shape[1], height), _axis(logits.shape[2], width)
    places = [(down.around(row), across.around(column)) for row, column in zip(rows, columns, strict=True)]
    drawn = _on_host if logits.device.type == "cpu" else _on_device
    parts = drawn(logits, down, across, places)
    return [
        Window.packed(part, rows.start, columns.start // 8 * 8, (height, width))
        for part, (rows, columns) in zip(parts, places, strict=True)
    ]


class _Axis:
    """Between which logits each pixel of one direction lies, as torch's ``upsample_bilinear2d`` has it.

    Attributes:
        before, behind: (L,) int, the logits that a pixel lies between
        share: (L,) float32, how much there is in it of the one behind
    """

    def __init__(self, logits: int, pixels: int):
        half = np.float32(0.5)
        at = np.maximum((np.arange(pixels, dtype=np.float32) + half) * np.float32(logits / pixels) - half, 0)
        self.before = at.astype(np.int64)
        self.behind = np.minimum(self.before + 1, logits - 1)
        self.share = at - self.before.astype(np.float32)

    def around(self, positive: np.ndarray) -> slice:
        """The pixels beside whose logits there is a positive one."""
        found = np.flatnonzero(positive)
        if not len(found):
            return slice(0, 0)
        return slice(*np.searchsorted(self.before, (found[0] - 1, found[-1] + 1)).tolist())

    def on(self, device: torch.device) -> tuple[torch.Tensor, ...]:
        return tuple(torch.from_numpy(values).to(device) for values in (self.before, self.behind, self.share))


_axis = lru_cache(maxsize=8)(_Axis)
Places = Sequence[tuple[slice, slice]]


def _on_host(logits: torch.Tensor, down: _Axis, across: _Axis, places: Places) -> Iterator[np.ndarray]:
    """Each mask's window as bits, (h, b) uint8, from the column on that is the last multiple of eight.

    Along the rows first, of which there are few. Then all of the picture's rows between two rows of logits at once:
    each is the one and so much of its difference to the other, which is a product and a comparison a pixel. They are
    packed while they are in the processor's cache: memory that nobody had before takes longer than the arithmetic.
    """
    for one, (rows, columns) in zip(logits.numpy(), places, strict=True):
        before, behind, share = down.before[rows], down.behind[rows], down.share[rows]
        skipped, width = columns.start % 8, columns.stop - columns.start
        part = np.empty((len(share), -(-(skipped + width) // 8) if width else 0), np.uint8)
        if part.size:
            few = one[before[0] : behind[-1] + 1]
            left, right = (few.take(side[columns], axis=1) for side in (across.before, across.behind))
            wide = left + (right - left) * across.share[columns]
            starts = np.flatnonzero(np.diff(before, prepend=-1))
            ends = np.append(starts[1:], len(part))
            most = int((ends - starts).max())
            steps, drawn = np.empty((most, width), np.float32), np.zeros((most, skipped + width), bool)
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
                row, following, some = wide[before[start] - before[0]], wide[behind[start] - before[0]], end - start
                np.multiply(share[start:end, None], following - row, out=steps[:some])
                np.greater(steps[:some], -row, out=drawn[:some, skipped:])
                part[start:end] = np.packbits(drawn[:some], axis=1)
        yield part


def _on_device(logits: torch.Tensor, down: _Axis, across: _Axis, places: Places) -> Iterator[np.ndarray]:
    """Each mask's window, as :func:`_on_host` has it; as many as may wait are asked for before the host waits for the
    first."""
    above, below, lower = down.on(logits.device)
    left, right, further = across.on(logits.device)
    waiting: list[torch.Tensor] = []
    for one, (rows, columns) in zip(logits, places, strict=True):
        wide = torch.lerp(one[:, left[columns]], one[:, right[columns]], further[columns])
        drawn = torch.lerp(wide[above[rows]], wide[below[rows]], lower[rows, None]) > 0
        waiting.append(F.pad(drawn, (columns.start % 8, 0)))
        if sum(part.numel() for part in waiting) > HELD:
            yield from (np.packbits(part.cpu().numpy(), axis=1) for part in waiting)
            waiting = []
    yield from (np.packbits(part.cpu().numpy(), axis=1) for part in waiting)
