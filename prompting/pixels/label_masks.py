"""The one reader of people's label masks: what their pixels mean, or why that can't be told.

A mask comes as an array in the database or as a file, and says what is where in
one of these encodings (:class:`Encoding`, which
:mod:`prompting.pixels.label_survey` derives from all masks of a field at once):

- **values**: a number for each class, of 8, 16 or more bits, bool, 1 bit, or
  floats that hold whole numbers. Of a palette picture (mode P) the indices are
  the values; FiftyOne's own ``get_mask()`` gives their colours. Grey that was
  saved as RGB is grey. Transparency that hides nothing is dropped.
- **colours**: RGB, where the field's mask targets name colours (``"#ff0000"``).
- **levels**: one class, from soft (0 to 1, or 0 to 255) or noisy (a binary mask
  that was compressed as a JPEG, or resized with smoothing): more than half is the class.

Instance masks of Detections are binary or soft. Knows FiftyOne's labels by their
attributes, and needs nothing of FiftyOne.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

import cv2
import numpy as np

from ..errors import PromptError
from .images import opener
from .masks import IGNORED, Window, nearest, pick, resize_mask

FULL_OF = {1: 255, 2: 65535}
"""The highest value of 8 and of 16 bits: void by custom (VOC, Cityscapes), or the foreground of a binary mask."""
LOSSY = ("JPEG", "JPEG2000", "MPO", "AVIF")
TINGE = 16
"""So much of the 255 levels may lie between the channels of grey after compression."""
UNIT, BELOW = 1.25, -0.25
"""Soft masks from 0 to 1 go beyond where they were smoothed or resized in float: by rounding, or by cubic curves."""


@dataclass(frozen=True)
class Problem:
    """Why masks can't be read: "masks that <what>", and what to do about it."""

    what: str
    advice: str


COLOURS = Problem(
    "are pictures of colours, which the field's mask targets don't name",
    'set dataset.mask_targets[field] = {"#rrggbb": name}, or save one channel of values',
)
TRANSPARENT = Problem("have their shape in the transparency", "save one channel of values, without alpha")
SHAPELESS = Problem("are no pictures of one, three or four channels", "save them as (height, width) arrays of values")
NOT_NUMBERS = Problem("hold NaN or infinity", "write 0 there, or a value for void")
SOFT = Problem(
    "are soft where values are needed",
    "soft masks are understood from 0 to 1 or from 0 to 255, of a single class; save whole numbers",
)
MANY_LEVELS = Problem(
    "belong to one instance each but have several values", "an instance's mask is bool, 0 and 255, or soft from 0 to 1"
)
NO_BOX = Problem(
    "belong to boxes that are none: of no width or height, NaN, or not of four numbers",
    "mend bounding_box, which is [left, top, width, height] relative to the picture, or leave their samples out",
)
NO_PIXELS = Problem("have no pixel", "draw them again, delete those labels, or leave their samples out")


class MaskProblem(PromptError):
    """One mask that can't be read; ``problem`` says why, in words that also serve many."""

    def __init__(self, problem: Problem):
        super().__init__(f"masks that {problem.what} can't be read; {problem.advice}.")
        self.problem = problem


@dataclass(frozen=True)
class Pixels:
    """A mask as it is stored.

    Attributes:
        array: (H, W) bool, whole numbers or floats; or (H, W, 3) uint8 where the channels differ
        lossy: it comes from a file whose compression changes values
        palette: (N, 3) uint8, where the array is the indices of a palette
    """

    array: np.ndarray
    lossy: bool = False
    palette: np.ndarray | None = None


def read_pixels(label) -> Pixels | None:
    """The mask of a Detection or a Segmentation, from the database or from disk, or None where it has none.

    Raises:
        PromptError: its file is missing or can't be read
        MaskProblem: it has an unknown number of channels, transparency that hides something, or NaN
    """
    try:
        if label.mask is not None:
            pixels = Pixels(np.asarray(label.mask))
        elif label.mask_path:
            pixels = _from_file(label)
        else:
            return None
    except Exception as error:
        where = getattr(label, "mask_path", None) or "in the database"
        raise PromptError(f"A mask can't be read ({type(error).__name__}); check the file {where}") from error
    return Pixels(_plain(pixels.array, pixels.lossy), pixels.lossy, pixels.palette)


def _from_file(label) -> Pixels:
    """A palette's indices and 1 bit as they are; all else as FiftyOne reads it, which knows more formats."""
    lossy = False
    try:
        with opener()(label.mask_path) as picture:
            lossy = _is_lossy(picture, label.mask_path)
            if picture.mode == "P":
                palette = np.array(picture.getpalette("RGB"), np.uint8).reshape(-1, 3)
                return Pixels(np.array(picture), False, palette)
            if picture.mode == "1":
                return Pixels(np.array(picture))
    except (OSError, SyntaxError, ValueError):
        pass  # not Pillow's; FiftyOne (OpenCV) says whether it is a picture at all
    array = label.get_mask()
    if array is None:
        raise ValueError("no picture")
    return Pixels(array, lossy)


def _is_lossy(picture, path: str) -> bool:
    """Whether a file's compression changes values: a JPEG, also within a TIFF, and a WebP that isn't lossless."""
    if picture.format == "WEBP":
        with open(path, "rb") as file:
            return b"VP8L" not in file.read()
    return picture.format in LOSSY or picture.info.get("compression") in ("jpeg", "tiff_jpeg", "webp")


def _plain(array: np.ndarray, lossy: bool = False) -> np.ndarray:
    """(H, W) where one channel says all, else (H, W, 3) uint8; lossy grey comes back a little coloured from a WebP."""
    if array.ndim == 3 and array.shape[2] in (2, 4) and array.size:
        colours, alpha = array[..., :-1], array[..., -1]
        if (alpha != alpha.flat[0]).any() and colours[alpha == 0].any():
            raise MaskProblem(TRANSPARENT)
        if not colours.any() and (alpha != alpha.flat[0]).any():
            raise MaskProblem(TRANSPARENT)
        array = colours
    if array.ndim == 3 and array.shape[2] in (1, 3):
        if lossy and array.dtype == np.uint8 and np.ptp(array, axis=2).max(initial=0) <= TINGE:
            array = np.median(array, axis=2).astype(np.uint8)[..., None]
        first = array[..., 0]
        if array.shape[2] == 1 or all(np.array_equal(first, array[..., i]) for i in (1, 2)):
            array = first
        elif array.dtype != np.uint8:
            raise MaskProblem(COLOURS)
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] == 3):
        raise MaskProblem(SHAPELESS)
    if array.dtype.kind not in "buif":
        raise MaskProblem(SHAPELESS)
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise MaskProblem(NOT_NUMBERS)
        if np.array_equal(array, np.rint(array)):
            array = array.astype(np.int64)
    return array


@dataclass(frozen=True)
class Encoding:
    """What the pixels of a Segmentation field mean.

    Attributes:
        values: the pixel values of each class (several may be one class); empty where a single class is every value
            but 0 and the ignored ones. Colours are whole numbers, red * 65536 + green * 256 + blue.
        ignored: values that count for nothing, as crowds do
        named: all values that the mask targets name, other classes' too
        colours: the values are colours
        threshold: of soft and noisy masks: what is above is the class
    """

    values: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    ignored: tuple[int, ...] = ()
    named: tuple[int, ...] = ()
    colours: bool = False
    threshold: float | None = None

    @classmethod
    def from_dict(cls, stored: Mapping) -> Encoding:
        """Undo :meth:`to_dict`."""
        values = {name: tuple(of) for name, of in stored["values"]}
        lists = {name: tuple(stored[name]) for name in ("ignored", "named")}
        return cls(values, **lists, **{name: stored[name] for name in ("colours", "threshold")})

    def to_dict(self) -> dict:
        """Plain JSON; the classes as pairs, for the database allows no dots in names of fields."""
        plain = {**asdict(self), "values": [[name, list(of)] for name, of in self.values.items()]}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}

    def label_map(self, label, height: int | None, width: int | None, value_of: Mapping[str, int]) -> np.ndarray | None:
        """A Segmentation at a picture's size, in other values.

        Args:
            label: the Segmentation
            height, width: of the picture; the mask is stretched to it, nearest neighbour (None: the mask's own)
            value_of: the value to give each class

        Returns:
            (H, W) uint8, 0 background and 255 what counts for nothing; None where the label has no mask

        Raises:
            PromptError: it can't be read
        """
        pixels = read_pixels(label)
        if pixels is None:
            return None
        mask = self.meaning(pixels)
        mask = resize_mask(mask, height or mask.shape[0], width or mask.shape[1])
        result = np.zeros(mask.shape, np.uint8)
        if not self.values:  # a single class: all that isn't background
            result[mask != 0] = next(iter(value_of.values()))
        for name, values in self.values.items():
            result[np.isin(mask, values)] = value_of[name]
        result[np.isin(mask, self.ignored)] = IGNORED
        return result

    def meaning(self, pixels: Pixels) -> np.ndarray:
        """A stored mask as (H, W) whole numbers of this encoding.

        Raises:
            MaskProblem: it is of another encoding
        """
        if self.colours:
            return as_colours(pixels)
        array = pixels.array
        if array.ndim == 3:
            raise MaskProblem(COLOURS)
        if array.dtype == bool:
            return array.astype(np.uint8) * np.uint8(_full_if_named(self.named))
        if pixels.palette is not None:
            return _grey_if_named(pixels, self.named)
        if self.threshold is not None:
            exact = not pixels.lossy and array.size and array.max() <= UNIT  # a mask of 0 and 1 among noisy ones
            return (array > (min(self.threshold, 0.5) if exact else self.threshold)).astype(np.uint8)
        if array.dtype.kind == "f":
            raise MaskProblem(SOFT)
        return array


def as_colours(pixels: Pixels) -> np.ndarray:
    """(H, W) int32, a number for each colour; grey is a colour too."""
    array = pixels.array
    if pixels.palette is not None:
        array = np.resize(pixels.palette, (256, 3))[array]
    if array.ndim == 2:
        if array.dtype.kind == "f" or (array.size and not 0 <= array.min() <= array.max() <= 255):
            raise MaskProblem(SOFT)
        array = (array * np.uint8(255) if array.dtype == bool else array)[..., None].repeat(3, axis=2)
    red, green, blue = (array[..., i].astype(np.int32) for i in range(3))
    return red << 16 | green << 8 | blue


def _full_if_named(named: Iterable[int]) -> int:
    """The value of what is set in a mask of two levels: 1, or 255 where that alone has a name."""
    return 255 if 255 in named and 1 not in named else 1


def _grey_if_named(pixels: Pixels, named: Iterable[int]) -> np.ndarray:
    """A palette's indices; its grey levels where those, and not the indices, have names (a grey PNG made smaller)."""
    if set(np.unique(pixels.array).tolist()) - {0} <= set(named):
        return pixels.array
    levels = _grey_levels(pixels)
    if named and levels is not None and set(np.unique(levels).tolist()) - {0} <= set(named):
        return levels
    return pixels.array


def _grey_levels(pixels: Pixels) -> np.ndarray | None:
    """The colours of a palette picture, (H, W) uint8, if all that it uses are grey."""
    colours = np.resize(pixels.palette, (256, 3))
    used = colours[np.unique(pixels.array)]
    return colours[:, 0][pixels.array] if (used == used[:, :1]).all() else None


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
    levels = None if pixels.palette is None else _grey_levels(pixels)
    if levels is not None:
        array, highest = levels, int(levels.max())
    for full in FULL_OF.values():
        if full // 2 < highest <= full:
            return array > full // 2
    raise MaskProblem(MANY_LEVELS)


def unit_or_byte(lowest: float, highest: float) -> int:
    """The full value of soft masks that have values between whole numbers: 1, or 255 where they reach its half.

    Raises:
        MaskProblem: of neither range: nothing would be above its half
    """
    full = 1 if highest <= UNIT else 255
    if lowest < BELOW * full or highest > UNIT * full or (full == 255 and highest <= 127.5):
        raise MaskProblem(SOFT)
    return full


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
    rows, columns = nearest(ys - y1, mask.shape[0], y2 - y1), nearest(xs - x1, mask.shape[1], x2 - x1)
    return Window.cut(pick(mask, rows, columns), int(ys[0]), int(xs[0]), (height, width))


INSANE = 1e6
"""A box or a point so many pictures away means nothing."""


def pixel_box(detection, height: int, width: int) -> np.ndarray | None:
    """A Detection's box (4,) xyxy in pixels, or None where it isn't four numbers of a sane size or has no area."""
    given = np.array(detection.bounding_box, float).ravel()
    if given.shape != (4,) or not (np.abs(given) < INSANE).all() or (given[2:] <= 0).any():  # NaN is not below either
        return None
    return np.concatenate([given[:2], given[:2] + given[2:]]) * (width, height, width, height)


def count_parts(label_map: np.ndarray, values: Iterable[int]) -> int:
    """How many connected parts a (H, W) uint8 label map has of these values."""
    return sum(
        cv2.connectedComponents((label_map == value).astype(np.uint8), connectivity=8)[0] - 1 for value in values
    )
