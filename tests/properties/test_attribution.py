"""The parts of a loss add up, whatever the masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from prompting.analysis.attribution import PARTS, Attempt, Ceiling, attribute
from prompting.analysis.metrics import image_iou
from prompting.pixels.masks import paint
from prompting.pixels.regions import Region
from prompting.segmentation.prompt import Prompt
from tests.properties.shapes import (
    MANY,
    SEEDS,
    rng,
    several_masks,
)


@MANY
@given(several_masks(), SEEDS)
def test_error_parts_add_up_whatever_the_masks(stack, seed):
    draw = rng(seed)
    shape = stack.shape[1:]
    truth = paint(stack, draw.random(len(stack)), [1] * len(stack), shape)
    ceilings = [Ceiling(Region("person", mask=m, box=None), 1, m[::-1], 0.5) for m in stack if m.any()]
    centre = Prompt("person", np.array([[shape[1] / 2, shape[0] / 2]], np.float32), np.array([1]))
    attempts = [Attempt(centre, 1, m[:, ::-1], float(draw.random()), ((m, 0.5), (m[::-1], 0.4))) for m in stack]
    found = paint([a.mask for a in attempts], [a.predicted_iou for a in attempts], [1] * len(stack), shape)
    parts = attribute(found, truth, attempts, ceilings, [1])
    assert tuple(parts) == PARTS
    assert sum(parts.values()) == pytest.approx(1 - image_iou(found, truth, [1]))
