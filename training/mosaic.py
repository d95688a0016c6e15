"""Canvases with many objects, composed of crops of several photographs.

Most pictures of the pack show one object. A segmenter trained on them one at a
time learns "mask what is salient" and ignores its prompt; on a mosaic the
prompt is the only thing that says which object is meant. Objects of other
pictures pasted on top (Ghiasi et al., "Simple Copy-Paste", CVPR 2021) give it
people who overlap.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from training.photographs import Photograph

CELL_COUNTS = (1, 2, 3, 4, 6, 9)
CELL_WEIGHTS = (0.25, 0.22, 0.13, 0.2, 0.12, 0.08)


@dataclass
class Canvas:
    """A composed training picture."""

    image: np.ndarray  # (S, S, 3) uint8 RGB
    objects: np.ndarray  # (S, S) int32, 0 = nothing, k = names[k - 1]
    names: list[str]


def compose(pack: list[Photograph], weights: np.ndarray, size: int, rng: np.random.Generator) -> Canvas:
    """A ``size`` x ``size`` canvas of one to nine crops and zero to three pasted objects."""
    canvas = Canvas(np.zeros((size, size, 3), np.uint8), np.zeros((size, size), np.int32), [])
    for x, y, w, h in split(size, rng.choice(CELL_COUNTS, p=CELL_WEIGHTS), rng):
        photograph = pack[rng.choice(len(pack), p=weights)]
        image, instances = random_crop(photograph, w, h, rng)
        canvas.image[y : y + h, x : x + w] = jitter(image, rng)
        _add_objects(canvas, instances, photograph.names, x, y)
    for _ in range(rng.integers(0, 4)):
        _paste(canvas, pack[rng.choice(len(pack), p=weights)], rng)
    return canvas


def split(size: int, count: int, rng: np.random.Generator) -> list[tuple[int, int, int, int]]:
    """Cut a square into ``count`` rectangles (x, y, w, h), always halving the largest one roughly."""
    cells = [(0, 0, size, size)]
    while len(cells) < count:
        x, y, w, h = cells.pop(int(np.argmax([c[2] * c[3] for c in cells])))
        share = rng.uniform(0.35, 0.65)
        if w >= h:
            cut = int(w * share)
            cells += [(x, y, cut, h), (x + cut, y, w - cut, h)]
        else:
            cut = int(h * share)
            cells += [(x, y, w, cut), (x, y + cut, w, h - cut)]
    return cells


def random_crop(
    photograph: Photograph, width: int, height: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A flipped, slightly squashed crop of 35 to 100 % of the picture, resized to ``width`` x ``height``."""
    image, instances = photograph.image, photograph.instances
    x, y, w, h = crop_window(image.shape[1], image.shape[0], width / height, rng)
    image, instances = image[y : y + h, x : x + w], instances[y : y + h, x : x + w]
    if rng.random() < 0.5:
        image, instances = image[:, ::-1], instances[:, ::-1]
    shrinks = w > width
    image = cv2.resize(
        np.ascontiguousarray(image), (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    instances = cv2.resize(np.ascontiguousarray(instances), (width, height), interpolation=cv2.INTER_NEAREST)
    return image, instances


def crop_window(
    width: int, height: int, aspect: float, rng: np.random.Generator, smallest: float = 0.35
) -> tuple[int, int, int, int]:
    """A window (x, y, w, h) of about the given aspect (w / h), covering at least ``smallest`` of what fits."""
    aspect = aspect * np.exp(rng.uniform(-0.35, 0.35))
    scale = np.sqrt(rng.uniform(smallest, 1.0))
    w = min(width, height * aspect) * scale
    h = min(w / aspect, height)
    w, h = max(16, int(w)), max(16, int(h))
    w, h = min(w, width), min(h, height)
    return int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1)), w, h


def jitter(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Random brightness, contrast, tint and, one time in ten, greyscale."""
    if rng.random() < 0.1:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    gain = rng.uniform(0.75, 1.25) * rng.uniform(0.93, 1.07, 3)
    offset = rng.uniform(-20, 20)
    table = np.clip(np.arange(256)[:, None] * gain + offset, 0, 255).astype(np.uint8)
    return cv2.LUT(image, table[None])


def _add_objects(canvas: Canvas, instances: np.ndarray, names: tuple[str, ...], x: int, y: int) -> None:
    h, w = instances.shape
    region = canvas.objects[y : y + h, x : x + w]
    for value, name in enumerate(names, start=1):
        inside = instances == value
        if inside.any():
            canvas.names.append(name)
            region[inside] = len(canvas.names)


def _paste(canvas: Canvas, photograph: Photograph, rng: np.random.Generator) -> None:
    """Cut one object out of a photograph and lay it on the canvas, over what is there."""
    if not photograph.names:
        return
    value = int(rng.integers(1, len(photograph.names) + 1))
    x, y, w, h = cv2.boundingRect((photograph.instances == value).astype(np.uint8))
    if w * h < 400:
        return
    size = canvas.objects.shape[0]
    scale = size * np.exp(rng.uniform(np.log(0.08), np.log(0.6))) / max(w, h)
    new_w, new_h = max(4, int(w * scale)), max(4, int(h * scale))
    cut = slice(y, y + h), slice(x, x + w)
    inside = (photograph.instances[cut] == value).astype(np.float32)
    inside = cv2.resize(inside, (new_w, new_h), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    image = cv2.resize(
        photograph.image[cut], (new_w, new_h), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    if rng.random() < 0.5:
        inside, image = inside[:, ::-1], image[:, ::-1]
    left, top = int(rng.integers(0, size - new_w + 1)), int(rng.integers(0, size - new_h + 1))
    place = slice(top, top + new_h), slice(left, left + new_w)
    canvas.names.append(photograph.names[value - 1])
    alpha = inside[..., None]
    canvas.image[place] = (alpha * jitter(np.ascontiguousarray(image), rng) + (1 - alpha) * canvas.image[place]).astype(
        np.uint8
    )
    canvas.objects[place][inside >= 0.5] = len(canvas.names)
