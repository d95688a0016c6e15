"""Pictures: masks are where they should be, prompts have their colours, nothing grows."""

import base64
import io

import fiftyone as fo
import numpy as np
import pytest
from PIL import Image, ImageColor

from prompting.analysis.palette import NEGATIVE, POSITIVE, colour_of
from prompting.dataset.names import StrategyFields
from prompting.pixels.masks import IGNORED
from prompting.report.pictures import (
    CLASS_COLOURS,
    data_uri,
    draw_prompts,
    overlay,
    shrink,
    strategy_picture,
    truth_picture,
)

GREY = Image.new("RGB", (60, 40), (100, 100, 100))


def left_half(value: int, height=40, width=60) -> np.ndarray:
    mask = np.zeros((height, width), np.uint8)
    mask[:, : width // 2] = value
    return mask


def test_what_is_outside_of_the_mask_is_darker_and_what_is_inside_has_its_colour():
    pixels = np.asarray(overlay(GREY, left_half(1)), int)
    inside, outside = pixels[20, 10], pixels[20, 50]
    assert (outside < 100).all() and len(set(outside)) == 1
    colour = np.array(CLASS_COLOURS[0])
    assert np.corrcoef(inside, colour)[0, 1] > 0.99


def test_masks_of_any_size_fit_the_picture():
    small = np.asarray(overlay(GREY, left_half(1)), int)
    large = np.asarray(overlay(GREY, left_half(1, 400, 600)), int)
    assert np.abs(small[:, [5, 20, 40, 55]] - large[:, [5, 20, 40, 55]]).max() <= 2


def test_classes_have_different_colours_and_ignored_pixels_none():
    colours = [np.asarray(overlay(GREY, left_half(value)))[20, 10] for value in (1, 2, 3, IGNORED)]
    assert len({tuple(colour) for colour in colours}) == 4
    assert len(set(colours[-1])) == 1


def test_an_empty_mask_darkens_everything():
    pixels = np.asarray(overlay(GREY, np.zeros((40, 60), np.uint8)))
    assert len(np.unique(pixels)) == 1 and pixels.max() < 100


def test_boxes_and_both_kinds_of_clicks_are_where_they_were_set():
    image = GREY.copy()
    boxes = fo.Detections(detections=[fo.Detection(label="person", bounding_box=[0.1, 0.1, 0.8, 0.8])])
    points = fo.Keypoints(keypoints=[fo.Keypoint(label="person", points=[[0.25, 0.5], [0.75, 0.5]], sam_labels=[1, 0])])
    draw_prompts(image, boxes, points, colour_of("yolo_box"))
    assert image.getpixel((15, 20)) == ImageColor.getrgb(POSITIVE)
    assert image.getpixel((45, 20)) == ImageColor.getrgb(NEGATIVE)
    assert image.getpixel((30, 4)) == ImageColor.getrgb(colour_of("yolo_box"))


@pytest.mark.parametrize(
    ("size", "expected"), [((800, 400), (200, 100)), ((400, 800), (100, 200)), ((90, 60), (90, 60))]
)
def test_pictures_shrink_to_the_frame_and_never_grow(size, expected):
    assert shrink(Image.new("RGB", size), 200, 200).size == expected


def test_a_very_long_picture_keeps_a_pixel_of_height():
    assert shrink(Image.new("RGB", (10_000, 10)), 200).size == (200, 1)


def test_the_page_holds_the_picture_itself():
    kind, encoded = data_uri(GREY).split(",")
    assert kind == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(encoded))).size == GREY.size


def test_a_strategy_s_mask_is_drawn_on_its_photograph(explained):
    sample = explained.match(fo.ViewField("filepath").ends_with("astronaut.png")).first()
    image = Image.open(sample.filepath).convert("RGB")
    brightness = np.asarray(strategy_picture(sample, image, "yolo_box", "sam2"), int).sum(axis=2)
    before = np.asarray(image, int).sum(axis=2)
    mask = sample.sam2_yolo_box.get_mask() > 0
    assert brightness[~mask].sum() / before[~mask].sum() < 0.65
    assert brightness[mask].sum() / before[mask].sum() > 0.8


@pytest.mark.parametrize("strategy", ["yolo_box", "clip_point"])
def test_a_single_class_has_the_colour_of_its_strategy(explained, strategy):
    sample = explained.match(fo.ViewField("filepath").ends_with("astronaut.png")).first()
    grey = Image.new("RGB", Image.open(sample.filepath).size, (100, 100, 100))
    for prompts in filter(sample.has_field, StrategyFields.of("sam2", strategy).prompts):
        sample[prompts] = None
    pixels = np.asarray(strategy_picture(sample, grey, strategy, "sam2"), float)
    inside = np.median(pixels[sample[f"sam2_{strategy}"].get_mask() > 0], axis=0)
    assert np.corrcoef(inside, ImageColor.getrgb(colour_of(strategy)))[0, 1] > 0.99


def test_where_there_is_no_mask_the_photograph_is_shown_as_it_is(applied):
    sample = applied.first()
    sample["sam2_yolo_box"] = None
    image = GREY.copy()
    assert strategy_picture(sample, image, "yolo_box", "sam2").tobytes() == GREY.tobytes()
    assert truth_picture(sample, image, "sam2").tobytes() == GREY.tobytes()
