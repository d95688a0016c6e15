"""A mask as it is stored, as an array in the database or as a file: its values, before anybody knows what they mean.

Of a palette picture (mode P) the indices are the values; FiftyOne's own ``get_mask()`` gives their colours. Grey that
was saved as RGB is grey. Transparency that hides nothing is dropped. Knows FiftyOne's labels by their attributes, and
needs nothing of FiftyOne.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import PromptError
from ..pixels.images import opener
from .problems import COLOURS, NOT_NUMBERS, SHAPELESS, TRANSPARENT, MaskProblem

LOSSY = ("JPEG", "JPEG2000", "MPO", "AVIF")
TINGE = 16
"""So much of the 255 levels may lie between the channels of grey after compression."""


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
        raise _unreadable(label, error) from error
    return Pixels(_plain(pixels.array, pixels.lossy), pixels.lossy, pixels.palette)


def label_map_of(label) -> np.ndarray:
    """The (H, W) label map of a Segmentation of ours (H, W, 3: of an overlay's), from the database or from disk.

    Of ours alone: what people's masks hold is told by :func:`read_pixels`.

    Raises:
        PromptError: it has none, or its file is missing or can't be read
    """
    try:
        array = label.get_mask()
    except Exception as error:
        raise _unreadable(label, error) from error
    if array is None:
        raise PromptError("A mask is gone; apply the strategy again with existing='skip', which does what is missing.")
    return array


def _unreadable(label, error: Exception) -> PromptError:
    where = getattr(label, "mask_path", None) or "in the database"
    return PromptError(f"A mask can't be read ({type(error).__name__}); check the file {where}")


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
