"""A strategy's result drawn on its photograph, in the App's colours."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import cv2
import fiftyone as fo
import numpy as np
from PIL import Image, ImageColor, ImageDraw

from ..analysis.palette import NEGATIVE, POSITIVE, TRUTH, colour_of
from ..dataset.names import StrategyFields, truth_field
from ..dataset.storage import clicks_in
from ..labels.stored import label_map_of
from ..pixels.masks import IGNORED

CLASS_COLOURS = tuple(map(ImageColor.getrgb, ("#ff8c00", "#cc79a7", "#f0e442", "#0072b2", "#009e73", "#d55e00")))
"""Where there are several classes; those after the sixth begin again."""
NOTHING_COUNTS = (128, 128, 128)

DIMMED, TINT = 0.55, 0.38
"""How bright what is outside of a mask stays, and how much colour is put on what is inside."""


def shrink(image: Image.Image, width: int, height: int | None = None) -> Image.Image:
    """The picture as large as fits; it never grows."""
    scale = min(1, width / image.width, (height or image.height) / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS)


def truth_picture(sample: fo.Sample, image: Image.Image, prefix: str) -> Image.Image:
    """The photograph with the truth on it, grey where pixels count for nothing; as it is where there is no truth."""
    truth = sample[truth_field(prefix)] if sample.has_field(truth_field(prefix)) else None
    if truth is None:
        return image.copy()
    return overlay(image, label_map_of(truth), class_colours(sample, truth_field(prefix), TRUTH))


def strategy_picture(
    sample: fo.Sample, image: Image.Image, strategy: str, prefix: str, colour: str | None = None
) -> Image.Image:
    """The photograph with a strategy's mask and the prompts that made it; just the photograph where there is none."""
    fields = StrategyFields.of(prefix, strategy)
    if sample[fields.mask] is None:
        return image.copy()
    colour = colour or colour_of(strategy)
    picture = overlay(image, label_map_of(sample[fields.mask]), class_colours(sample, fields.mask, colour))
    boxes = sample[fields.boxes] if sample.has_field(fields.boxes) else None
    draw_prompts(picture, boxes, clicks_in(sample, fields), colour)
    return picture


def class_colours(sample: fo.Sample, field: str, colour: str) -> tuple[tuple[int, ...], ...]:
    """A single class has the colour of whose mask it is, as in the App; several have their own."""
    targets = sample.dataset.mask_targets.get(field) or {}
    several = sum(int(value) != IGNORED for value in targets) > 1
    return CLASS_COLOURS if several else (ImageColor.getrgb(colour),)


def overlay(image: Image.Image, label_map: np.ndarray, colours: Sequence = CLASS_COLOURS) -> Image.Image:
    """The picture with what is outside of the masks darkened and what is inside tinted and outlined.

    Args:
        image: RGB, of any size
        label_map: (H, W) uint8, of any size: 0 background, i + 1 class i, 255 ignored
        colours: RGB of class 0, 1, …, from the start again where there are more
    """
    pixels = np.asarray(image, np.float32)
    result = DIMMED * pixels
    for value in np.flatnonzero(cv2.calcHist([label_map], [0], None, [256], [0, 256]).ravel()[1:]) + 1:
        colour = NOTHING_COUNTS if value == IGNORED else colours[(int(value) - 1) % len(colours)]
        inside = Image.fromarray((label_map == value).astype(np.uint8) * 255)
        alpha = np.asarray(inside.resize(image.size, Image.Resampling.BILINEAR), np.float32) / 255
        tinted = (1 - TINT) * pixels + TINT * np.array(colour, np.float32)
        result = alpha[..., None] * tinted + (1 - alpha[..., None]) * result
        outlines, _ = cv2.findContours((alpha > 0.5).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(result, outlines, -1, colour, 1, cv2.LINE_AA)
    return Image.fromarray(np.clip(result, 0, 255).astype(np.uint8))


def outline(image: Image.Image, mask: np.ndarray, colour: Sequence, width: int = 2) -> Image.Image:
    """The picture with a line round a (H, W) bool mask of its size, so many pixels wide."""
    result = np.array(image)
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(result, outlines, -1, tuple(map(int, colour)), width, cv2.LINE_AA)
    return Image.fromarray(result)


def draw_prompts(
    image: Image.Image, boxes: fo.Detections | None, points: fo.Keypoints | None, colour: str = CLASS_COLOURS[0]
) -> None:
    """Draw boxes in a colour and clicks onto a picture: positive clicks green, negative ones red."""
    draw = ImageDraw.Draw(image)
    for box in boxes.detections if boxes else ():
        x, y, w, h = box.bounding_box
        left, top = x * image.width, y * image.height
        # a box that is thinner than a pixel of the small picture is a line
        right, bottom = max(left, left + w * image.width - 1), max(top, top + h * image.height - 1)
        draw.rectangle((left, top, right, bottom), outline=colour, width=2)
    for keypoint in points.keypoints if points else ():
        for (x, y), label in zip(keypoint.points, keypoint.sam_labels):
            x, y = x * image.width, y * image.height
            draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=POSITIVE if label else NEGATIVE, outline="black")


def hexadecimal(colour: Sequence[int]) -> str:
    """A colour for CSS."""
    return "#" + "".join(f"{part:02x}" for part in colour)


def data_uri(image: Image.Image) -> str:
    """The picture as a JPEG that a page holds in itself."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
