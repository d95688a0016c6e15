"""Pictures as people see them: upright, 8 bits, RGB, and no larger than there is use for."""

from __future__ import annotations

import math
import sys

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from .errors import PromptingError

MAX_PIXELS = 4096 * 4096
"""A larger picture is made smaller to find prompts and masks: SAM 2 sees a million pixels and draws 65,536, and every
map of a class or an instance costs a byte or more for each pixel."""

SIDEWAYS = (5, 6, 7, 8)
"""The EXIF orientations that swap width and height."""


def read_image(path: str) -> np.ndarray:
    """A picture as people see it (EXIF orientation applied), (H, W, 3) uint8 RGB.

    Raises:
        PromptingError: the file is missing or no readable picture
    """
    return _read(path, math.inf)[0]


def read_bounded(path: str) -> tuple[np.ndarray, tuple[int, int]]:
    """A picture as :func:`read_image` gives it, of :data:`MAX_PIXELS` at most, and its own (height, width).

    Raises:
        PromptingError: the file is missing or no readable picture
    """
    return _read(path, MAX_PIXELS)


def upright_size(path: str) -> tuple[int, int] | None:
    """The (height, width) of a picture as people see it, from its file's first bytes; None where they don't say."""
    try:
        with _opener()(path) as image:
            width, height = image.size
            sideways = image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
            return (width, height) if sideways else (height, width)
    except Exception:  # reading it will say what is wrong
        return None


def _read(path: str, most: float) -> tuple[np.ndarray, tuple[int, int]]:
    try:
        with _opener()(path) as image:
            width, height = image.size
            scale = min(1.0, math.sqrt(most / (width * height)))
            size = max(1, int(width * scale)), max(1, int(height * scale))
            if scale < 1:
                image.draft(None, size)  # a JPEG can be decoded at a half or a quarter of its size
            sideways = image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
            ImageOps.exif_transpose(image, in_place=True)
            upright = _rgb(image)
            if scale < 1:
                upright = upright.resize(size[::-1] if sideways else size, Image.Resampling.BILINEAR)
            # a copy, for torch wants to be able to write
            return np.array(upright), (width, height) if sideways else (height, width)
    except Exception as error:
        raise PromptingError(f"the picture can't be read: {_reason(error)}; check the file {path}") from error


def _opener():
    """Pillow's own open(): Ultralytics replaces it by one that installs packages when it can't tell a file's format."""
    return getattr(sys.modules.get("ultralytics.utils.patches"), "_image_open", Image.open)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):  # convert() would clip 16 bits to white
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError("numbers of 32 bits are no colours")
    return image if image.mode == "RGB" else image.convert("RGB")


def _reason(error: Exception) -> str:
    """Why, in words where the library has none for people."""
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "it is a folder"
    if isinstance(error, PermissionError):
        return "you may not read it"
    if isinstance(error, UnidentifiedImageError):
        return "it is empty or of no known format"
    if isinstance(error, Image.DecompressionBombError):
        return f"it has more than {2 * Image.MAX_IMAGE_PIXELS:,} pixels"
    return " ".join(str(error).split()) or type(error).__name__
