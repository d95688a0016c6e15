"""What a person sees and what is read back is what was made."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, example, given
from hypothesis import strategies as st

from prompting.dataset import labels
from prompting.labels.instances import instance_mask
from prompting.segmentation.prompt import NEGATIVE, POSITIVE, Prompt
from tests.properties.shapes import (
    MANY,
    result_of,
    results,
)


@MANY
@given(results())
def test_clicks_for_the_eye_are_all_the_points_each_once_with_its_colour_and_round(result):
    height, width = result.mask.shape
    shown = [
        (keypoint.index, polarity, keypoint.label, *np.array(xy, np.float32))
        for polarity, field in zip((POSITIVE, NEGATIVE), labels.clicks(result), strict=True)
        for keypoint in field.keypoints
        for xy in np.array(keypoint.points) * (width, height)
    ]
    there = [
        (i, label, f"round {number}", *xy)
        for i, prompt in enumerate(result.prompts)
        for xy, label, number in zip(prompt.point_coords, prompt.point_labels, prompt.point_rounds, strict=True)
    ]
    assert sorted(shown) == sorted(there)


@MANY
@given(st.integers(1, 20_000), st.integers(0, 19_999), st.integers(1, 20_000), st.booleans())
@example(9000, 8998, 1, True)
def test_instances_of_large_pictures_come_back_to_the_pixel(side, start, length, lying):
    """A strip, so that pictures of any size are cheap."""
    assume(start < side)
    strip = np.zeros((side, 2) if lying else (2, side), bool)
    (strip if lying else strip.T)[start : start + length, 1] = True
    click = Prompt("person", np.array([[0, 0]], np.float32), np.array([1]))
    (detection,) = labels.instances(result_of(strip[None], [click]))
    assert np.array_equal(instance_mask(detection, *strip.shape), strip)
