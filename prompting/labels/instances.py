"""Single instances: a Detection's mask, its box in pixels, and whether it stands for a crowd."""

from __future__ import annotations

import numpy as np

from ..pixels.masks import Window, nearest, pick
from .encoding import FULL_OF, grey_levels, unit_or_byte
from .problems import COLOURS, MANY_LEVELS, MaskProblem
from .stored import Pixels, read_pixels

INSANE = 1e6
"""A box or a point so many pictures away means nothing."""


def instance_bits(pixels: Pixels) -> np.ndarray:
    """An instance's stored mask as (H, W) bool: soft masks are cut at half of their range, which is 1, or that of
    their whole numbers.

    Raises:
        MaskProblem: colours, or several values that are not soft
    """
    array = pixels.array
    if array.ndim == 3:
        raise MaskProblem(COLOURS)
    if array.dtype == bool or not array.size:
        return array.astype(bool)
    if array.dtype.kind == "f":
        full = unit_or_byte(float(array.min()), float(array.max()))
        return array > full / 2
    lowest, highest = int(array.min()), int(array.max())
    if lowest < 0:
        raise MaskProblem(MANY_LEVELS)
    if highest <= 1 or not np.any((array != 0) & (array != highest)):
        return array != 0
    levels = None if pixels.palette is None else grey_levels(pixels)
    if levels is not None:
        array, highest = levels, int(levels.max())
    for full in FULL_OF.values():
        if full // 2 < highest <= full:
            return array > full // 2
    raise MaskProblem(MANY_LEVELS)


def is_crowd(label) -> bool:
    """Whether a Detection stands for a crowd, which counts for nothing; text and numbers that say no are no."""
    given = label.get_attribute_value("iscrowd", False)
    if isinstance(given, str):
        return given.strip().casefold() not in ("", "0", "0.0", "false", "no", "none")
    return bool(given) and given == given  # NaN is what tables have where nothing was said


def instance_mask(detection, height: int, width: int) -> np.ndarray | None:
    """:func:`instance_window` as a (H, W) bool picture."""
    window = instance_window(detection, height, width)
    return None if window is None else window.full()


def instance_window(detection, height: int, width: int) -> Window | None:
    """A Detection's mask in a (H, W) picture, or None where it has none or its box has no area.

    FiftyOne crops instance masks to the box; they are stretched to the box's
    pixels, as the App draws them. What lies outside the picture is never made:
    a box may be far larger than the picture.

    Raises:
        PromptError: the mask can't be read
    """
    pixels, box = read_pixels(detection), pixel_box(detection, height, width)
    if pixels is None or not pixels.array.size or box is None:
        return None
    mask = instance_bits(pixels)
    x1, y1, x2, y2 = (round(value) for value in box.tolist())
    x2, y2 = max(x1 + 1, x2), max(y1 + 1, y2)
    ys, xs = np.arange(max(0, y1), min(height, y2)), np.arange(max(0, x1), min(width, x2))
    if not len(ys) or not len(xs):
        return Window.empty((height, width))
    if mask.shape == (y2 - y1, x2 - x1):
        part = mask[ys[0] - y1 : ys[-1] - y1 + 1, xs[0] - x1 : xs[-1] - x1 + 1]
    else:
        rows, columns = nearest(ys - y1, mask.shape[0], y2 - y1), nearest(xs - x1, mask.shape[1], x2 - x1)
        part = pick(mask, rows, columns)
    return Window.cut(part, int(ys[0]), int(xs[0]), (height, width))


def clipped_box(detection, height: int, width: int) -> np.ndarray | None:
    """A Detection's box (4,) float32 xyxy in pixels, cut at the picture's edges; None where that is under a pixel."""
    box = pixel_box(detection, height, width)
    if box is None:
        return None
    box = np.clip(box, 0, (width, height, width, height)).astype(np.float32)
    return box if box[2] - box[0] >= 1 and box[3] - box[1] >= 1 else None


def pixel_box(detection, height: int, width: int) -> np.ndarray | None:
    """A Detection's box (4,) xyxy in pixels, or None where it isn't four numbers of a sane size or has no area."""
    given = np.array(detection.bounding_box, float).ravel()
    if given.shape != (4,) or not (np.abs(given) < INSANE).all() or (given[2:] <= 0).any():  # NaN is not below either
        return None
    return np.concatenate([given[:2], given[:2] + given[2:]]) * (width, height, width, height)
