"""Pictures as people see them: upright, 8 bits, RGB, and no larger than there is use for."""

from __future__ import annotations

import math
import sys

import cv2
import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from ..errors import PromptingError

MAX_PIXELS = 4096 * 4096
"""A larger picture is made smaller when it is read, for SAM 2 sees a million pixels; its masks have its own size."""

SIDEWAYS = (5, 6, 7, 8)
"""The EXIF orientations that swap width and height."""

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What each EXIF orientation asks for."""

DEPTHS = (8, 10, 12, 14, 16)
"""The bits that sensors have: a picture of 16 bits a channel is taken to use the fewest of these that hold its largest
value, so that 10 bits in a file of 16 look as they would in 8, and 16 stay what they are."""


BITS_PER_SAMPLE, PHOTOMETRIC, PLANES, WHITE_IS_ZERO = 258, 262, 284, 0
HEIC = {b"ftyp" + brand for brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")}


def read_image(path: str) -> np.ndarray:
    """A picture as people see it (EXIF orientation applied), (H, W, 3) uint8 RGB.

    Raises:
        PromptingError: the file is missing or no readable picture
    """
    return _read(path, math.inf)[0]


def read_bounded(path: str, most: int = MAX_PIXELS) -> tuple[np.ndarray, tuple[int, int]]:
    """A picture as :func:`read_image` gives it, of so many pixels at most, and its own (height, width).

    Raises:
        PromptingError: the file is missing or no readable picture
    """
    return _read(path, most)


def upright_size(path: str) -> tuple[int, int] | None:
    """The (height, width) of a picture as people see it, from its file's first bytes; None where they don't say."""
    try:
        with opener()(path) as image:
            width, height = image.size
            sideways = _orientation(image) in SIDEWAYS
            return (width, height) if sideways else (height, width)
    except Exception:  # reading it will say what is wrong
        return None


def _read(path: str, most: float) -> tuple[np.ndarray, tuple[int, int]]:
    try:
        with opener()(path) as image:
            width, height = image.size
            deep = _is_deep(image)  # now: Pillow forgets it as soon as it decodes
            scale = min(1.0, math.sqrt(most / (width * height)))
            size = max(1, int(width * scale)), max(1, int(height * scale))
            if scale < 1:
                image.draft(None, size)  # a JPEG can be decoded at a half or a quarter of its size
            orientation = _orientation(image)
            sideways = orientation in SIDEWAYS
            upright = _deep(image, path) if deep else _rgb(image)
            if orientation in TURNS:
                upright = upright.transpose(TURNS[orientation])
            if scale < 1:
                upright = upright.resize(size[::-1] if sideways else size, Image.Resampling.BILINEAR)
            # a copy, for torch wants to be able to write
            return np.array(upright), (width, height) if sideways else (height, width)
    except Exception as error:
        raise PromptingError(f"the picture can't be read: {_reason(error, path)}; check the file {path}") from error


def opener():
    """Pillow's own open(): Ultralytics replaces it by one that installs packages when it can't tell a file's format."""
    return getattr(sys.modules.get("ultralytics.utils.patches"), "_image_open", Image.open)


def _orientation(image: Image.Image) -> int | None:
    """How the camera was held. A block of EXIF that can't be read says nothing, as in OpenCV and FiftyOne, and no more
    does what editors write into XMP beside it: browsers and OpenCV don't turn a picture for that, but Pillow would."""
    for beside in ("xmp", "XML:com.adobe.xmp"):
        image.info.pop(beside, None)
    try:
        found = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:
        return None
    return found if isinstance(found, int) else None


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F"):
        raise ValueError("numbers of 32 bits are no colours")
    return image if image.mode == "RGB" else image.convert("RGB")


def _is_deep(image: Image.Image) -> bool:
    """Whether a picture has 16 bits a channel, of which Pillow would keep the upper 8 of colours, and clip greys."""
    how = " ".join(str(tile[3]) for tile in image.tile)
    return image.mode.startswith("I;16") or ";16" in how or 16 in np.atleast_1d(_tag(image, BITS_PER_SAMPLE))


def _tag(image: Image.Image, number: int):
    """What a TIFF says of itself; None of other files."""
    return getattr(image, "tag_v2", {}).get(number)


def _deep(image: Image.Image, path: str) -> Image.Image:
    """A picture of 16 bits a channel in 8."""
    if _tag(image, PLANES) == 2:  # OpenCV mixes them up
        import tifffile

        pixels = np.moveaxis(tifffile.imread(path, key=0), 0, -1)
    else:
        pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
        if pixels is not None and pixels.ndim == 3:
            pixels = pixels[..., 2::-1]  # from blue, green, red and perhaps how opaque
    if pixels is None or pixels.dtype != np.uint16:
        raise ValueError("its 16 bits a channel are stored in an unusual way; save it in 8 bits")
    pixels = pixels[..., :3] if pixels.ndim == 3 else pixels[..., None]
    used = int(pixels.max(initial=0)).bit_length()
    pixels = (pixels >> next(depth - 8 for depth in DEPTHS if used <= depth)).astype(np.uint8)
    if _tag(image, PHOTOMETRIC) == WHITE_IS_ZERO:
        pixels = 255 - pixels
    return Image.fromarray(np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3))))


def _reason(error: Exception, path: str) -> str:
    """Why, in words where the library has none for people."""
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "it is a folder"
    if isinstance(error, PermissionError):
        return "you may not read it"
    if isinstance(error, UnidentifiedImageError):
        with open(path, "rb") as file:
            if file.read(12)[4:] in HEIC:
                return "it is a HEIC, which needs a program of its own: convert it to a JPEG or PNG"
        return "it is empty or of no known format"
    if isinstance(error, Image.DecompressionBombError):
        return f"it has more than {2 * Image.MAX_IMAGE_PIXELS:,} pixels"
    return " ".join(str(error).split()) or type(error).__name__
