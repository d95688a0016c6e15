"""One picture of everything: a row a photograph, a column a strategy, with masks, prompts and scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import fiftyone as fo
import numpy as np
from PIL import Image, ImageDraw, ImageFont

CELL, GAP, HEADER = 220, 6, 26
MASK, OUTSIDE, POSITIVE, NEGATIVE, BOX = (255, 140, 0), (12, 14, 18), (60, 220, 60), (240, 50, 50), (80, 200, 255)


def save_contact_sheet(dataset: fo.Dataset, strategies: Sequence[str], path: Path, prefix: str = "sam2") -> None:
    """Draw the dataset's results; the first column is the truth."""
    font = ImageFont.load_default(size=14)
    samples = list(dataset)
    images = [_thumbnail(sample.filepath) for sample in samples]
    tops = np.cumsum([HEADER, *(image.height + GAP for image in images)])
    sheet = Image.new("RGB", ((len(strategies) + 1) * (CELL + GAP), int(tops[-1])), OUTSIDE)
    draw = ImageDraw.Draw(sheet)
    for column, title in enumerate(("truth", *strategies)):
        left = column * (CELL + GAP)
        draw.text((left + 4, 5), title, fill="white", font=font)
        for sample, image, top in zip(samples, images, tops):
            cell = _truth_cell(sample, image, prefix) if column == 0 else _cell(sample, image, title, prefix, font)
            sheet.paste(cell, (left, int(top)))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def _thumbnail(path: str) -> Image.Image:
    image = Image.open(path).convert("RGB")
    return image.resize((CELL, round(image.height * CELL / image.width)), Image.Resampling.LANCZOS)


def _truth_cell(sample: fo.Sample, image: Image.Image, prefix: str) -> Image.Image:
    return _overlay(image, sample[f"{prefix}_truth"].get_mask() == 1)


def _cell(sample: fo.Sample, image: Image.Image, strategy: str, prefix: str, font) -> Image.Image:
    stem = f"{prefix}_{strategy}"
    cell = _overlay(image, sample[stem].get_mask() > 0)
    draw = ImageDraw.Draw(cell)
    for box in sample[f"{stem}_prompt_boxes"].detections:
        x, y, w, h = box.bounding_box
        corners = [x * cell.width, y * cell.height, (x + w) * cell.width - 1, (y + h) * cell.height - 1]
        draw.rectangle(corners, outline=BOX, width=2)
    for keypoint in sample[f"{stem}_prompt_points"].keypoints:
        for (x, y), label in zip(keypoint.points, keypoint.sam_labels):
            x, y = x * cell.width, y * cell.height
            draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill=POSITIVE if label else NEGATIVE, outline="black")
    score = f"IoU {sample[f'{prefix}_eval_{strategy}_iou']:.2f}"
    if sample[f"{stem}_status"] == "no_prompt":
        score += ", no prompt"
    draw.rectangle((0, cell.height - 20, 8 * len(score) + 6, cell.height), fill=OUTSIDE)
    draw.text((4, cell.height - 18), score, fill="white", font=font)
    return cell


def _overlay(image: Image.Image, mask: np.ndarray) -> Image.Image:
    """The picture with what is outside the mask darkened and what is inside tinted."""
    small = Image.fromarray(mask.astype(np.uint8) * 255).resize(image.size, Image.Resampling.BILINEAR)
    alpha = np.asarray(small, np.float32)[..., None] / 255
    pixels = np.asarray(image, np.float32)
    tinted = 0.62 * pixels + 0.38 * np.array(MASK, np.float32)
    return Image.fromarray((alpha * tinted + (1 - alpha) * 0.55 * pixels).astype(np.uint8))
