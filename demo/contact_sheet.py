"""One picture of everything: a row a photograph, a column a strategy, with masks, prompts and scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import fiftyone as fo
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from prompting.pixels.images import read_image
from prompting.report.pictures import shrink, strategy_picture, truth_picture

CELL, GAP, HEADER = 220, 6, 26
PAPER = (12, 14, 18)


def save_contact_sheet(dataset: fo.Dataset, strategies: Sequence[str], path: Path, prefix: str = "sam2") -> None:
    """Draw the dataset's results; the first column is the truth."""
    font = ImageFont.load_default(size=14)
    samples = list(dataset)
    images = [shrink(Image.fromarray(read_image(sample.filepath)), CELL) for sample in samples]
    tops = np.cumsum([HEADER, *(image.height + GAP for image in images)])
    sheet = Image.new("RGB", ((len(strategies) + 1) * (CELL + GAP), int(tops[-1])), PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, title in enumerate(("truth", *strategies)):
        left = column * (CELL + GAP)
        draw.text((left + 4, 5), title, fill="white", font=font)
        for sample, image, top in zip(samples, images, tops):
            if column:
                cell = strategy_picture(sample, image, title, prefix)
                _caption(cell, sample, title, prefix, font)
            else:
                cell = truth_picture(sample, image, prefix)
            sheet.paste(cell, (left, int(top)))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def _caption(cell: Image.Image, sample: fo.Sample, strategy: str, prefix: str, font) -> None:
    score = f"IoU {sample[f'{prefix}_eval_{strategy}_iou']:.2f}"
    if sample[f"{prefix}_{strategy}_status"] == "no_prompt":
        score += ", no prompt"
    draw = ImageDraw.Draw(cell)
    draw.rectangle((0, cell.height - 20, 8 * len(score) + 6, cell.height), fill=PAPER)
    draw.text((4, cell.height - 18), score, fill="white", font=font)
