"""What the pixels of a field's masks mean.

A field has one of these encodings, which :mod:`prompting.labels.understanding` derives from all of its masks at once:

- **values**: a number for each class, of 8, 16 or more bits, bool, 1 bit, or floats that hold whole numbers
- **colours**: RGB, where the field's mask targets name colours (``"#ff0000"``)
- **levels**: one class, from soft (0 to 1, or 0 to 255) or noisy (a binary mask that was compressed as a JPEG, or
  resized with smoothing): more than half is the class
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

import numpy as np

from ..pixels.masks import IGNORED, resize_mask
from .problems import COLOURS, SOFT, MaskProblem
from .stored import Pixels, read_pixels

FULL_OF = {1: 255, 2: 65535}
"""The highest value of 8 and of 16 bits: void by custom (VOC, Cityscapes), or the foreground of a binary mask."""
UNIT, BELOW = 1.25, -0.25
"""Soft masks from 0 to 1 go beyond where they were smoothed or resized in float: by rounding, or by cubic curves."""


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
        if mask.dtype == np.uint8:  # a table of all values, for masks are large
            return self._renamed(np.arange(256, dtype=np.uint8), value_of)[mask]
        return self._renamed(mask, value_of)

    def _renamed(self, mask: np.ndarray, value_of: Mapping[str, int]) -> np.ndarray:
        """Whole numbers of this encoding in other values, uint8."""
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
    levels = grey_levels(pixels)
    if named and levels is not None and set(np.unique(levels).tolist()) - {0} <= set(named):
        return levels
    return pixels.array


def grey_levels(pixels: Pixels) -> np.ndarray | None:
    """The colours of a palette picture, (H, W) uint8, if all that it uses are grey."""
    colours = np.resize(pixels.palette, (256, 3))
    used = colours[np.unique(pixels.array)]
    return colours[:, 0][pixels.array] if (used == used[:, :1]).all() else None


def unit_or_byte(lowest: float, highest: float) -> int:
    """The full value of soft masks that have values between whole numbers: 1, or 255 where they reach its half.

    Raises:
        MaskProblem: of neither range: nothing would be above its half
    """
    full = 1 if highest <= UNIT else 255
    if lowest < BELOW * full or highest > UNIT * full or (full == 255 and highest <= 127.5):
        raise MaskProblem(SOFT)
    return full
