"""Any mask and any prompt can be drawn on a picture of any size."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from prompting.dataset import labels
from prompting.report.pictures import draw_prompts, overlay, shrink
from tests.properties.shapes import MANY, SHAPES, masks, results


@MANY
@given(masks(), SHAPES, st.integers(1, 255))
def test_any_mask_is_drawn_on_a_picture_of_any_size(mask, shape, value):
    image = Image.new("RGB", shape, "gray")
    assert overlay(image, mask.astype(np.uint8) * value).size == image.size


@MANY
@given(results(), SHAPES)
def test_any_prompt_is_drawn_on_a_picture_of_any_size(result, shape):
    image = shrink(Image.new("RGB", result.mask.shape[::-1], "gray"), *shape)
    before = image.tobytes()
    draw_prompts(image, labels.boxes(result), labels.joined(*labels.clicks(result)))
    assert image.tobytes() != before
