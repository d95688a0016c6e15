"""Labels as people have them, of one person's mask (H, W) bool."""

from __future__ import annotations

import cv2
import fiftyone as fo
import numpy as np
from PIL import Image

WHOLE = [0, 0, 1, 1]


def seg(mask=None, **kwargs) -> fo.Segmentation:
    return fo.Segmentation(mask=mask, **kwargs)


def det(label="person", bounding_box=WHOLE, **kwargs) -> fo.Detections:
    return fo.Detections(detections=[fo.Detection(label=label, bounding_box=list(bounding_box), **kwargs)])


def values(person, value=1, dtype=np.uint8) -> np.ndarray:
    return person.astype(dtype) * dtype(value)


def outlined(person, void=255, value=1, dtype=np.uint8) -> np.ndarray:
    """The person with void along the outline, as VOC has it."""
    thick = cv2.dilate(person.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=3).astype(bool)
    thin = cv2.erode(person.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=3).astype(bool)
    mask = values(person, value, dtype)
    mask[thick & ~thin] = void
    return mask


def coloured(person, colour) -> np.ndarray:
    return person[..., None] * np.array(colour, np.uint8)


def saved(image, path, **kwargs) -> str:
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **kwargs)
    return str(path)


def palette_picture(indices: np.ndarray, *colours) -> Image.Image:
    image = Image.fromarray(indices, "P")
    image.putpalette([part for colour in ((0, 0, 0), *colours) for part in colour])
    return image


def soft(person, dtype=np.float32) -> np.ndarray:
    """Half its range is at the person's outline."""
    blurred = cv2.GaussianBlur(person.astype(np.float32), (0, 0), 4)
    inside = np.where(person, np.maximum(blurred, 0.51), np.minimum(blurred, 0.49))
    return inside.astype(dtype)


def parts(mask) -> int:
    """How many connected parts a mask has."""
    return cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0] - 1
