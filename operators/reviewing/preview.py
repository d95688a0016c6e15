"""The label on its picture, or the masks that may be taken instead, each instance in a colour and with its number.

The panel shows it itself: FiftyOne 1.22 lets no operator choose the fields that an open picture shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .chosen import Chosen

if TYPE_CHECKING:
    from ...prompting.runs.review import Review

WIDTH, HEIGHT = 720, 400
"""Pixels at most: a panel beside a picture has half of the window, and the buttons are to be seen too."""
FONT_SIZE, SELECTED_WIDTH = 22, 4
"""Pixels: of the numbers, and of the red line round instances that are selected."""


def preview(review: Review, chosen: Chosen) -> tuple[str, int] | None:
    """A JPEG in itself, and its width; None where the picture can't be read.

    Args:
        review: of the labels
        chosen: which picture, and whose masks
    """
    import numpy as np
    from PIL import Image, ImageColor, ImageDraw

    from ...prompting.analysis.palette import colour_of
    from ...prompting.dataset.appearance import strategy_colours
    from ...prompting.errors import PromptingError
    from ...prompting.pixels.images import read_bounded
    from ...prompting.pixels.places import places
    from ...prompting.report.pictures import CLASS_COLOURS, data_uri, outline, overlay, shrink

    drawn = review.masks(chosen.sample_id, chosen.looked)
    try:
        pixels, _ = read_bounded(drawn.filepath, 4 * WIDTH * HEIGHT)
    except PromptingError:
        return None
    colours = CLASS_COLOURS
    if chosen.looked:
        prefix, strategy = chosen.looked
        colours = [ImageColor.getrgb(strategy_colours(review.dataset, prefix).get(strategy) or colour_of(strategy))]
    picture = shrink(Image.fromarray(pixels), WIDTH, HEIGHT)
    picture = overlay(picture, (drawn.label_map > 0).astype(np.uint8), colours)
    masks = {one: mask.at(picture.height, picture.width) for one, mask in drawn.instances.items()}
    for number, mask in enumerate(masks.values()):
        picture = outline(picture, mask.full(), colours[number % len(colours)])
    for one in masks.keys() & set(chosen.selected):
        picture = outline(picture, masks[one].full(), ImageColor.getrgb("red"), SELECTED_WIDTH)
    draw = ImageDraw.Draw(picture)
    for number, (one, place) in enumerate(zip(masks, places(list(masks.values()), FONT_SIZE)), start=1):
        if place:
            place = tuple(np.clip(place, FONT_SIZE // 2, np.subtract(picture.size, FONT_SIZE // 2)).tolist())
            edge = "red" if one in chosen.selected else "black"
            draw.text(place, str(number), "white", stroke_width=3, stroke_fill=edge, font_size=FONT_SIZE, anchor="mm")
    return data_uri(picture), picture.width
