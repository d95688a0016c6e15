"""The parts of a loss add up, whatever the masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from prompting.analysis.attribution import PARTS, Attempt, Ceiling, attribute
from prompting.analysis.metrics import image_iou
from prompting.analysis.painting import Layer, Painting
from prompting.pixels.masks import IGNORED, Window, paint
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


@MANY
@given(several_masks(), SEEDS)
def test_a_painting_whose_layers_are_exchanged_scores_as_if_it_were_painted_anew(stack, seed):
    draw, shape = rng(seed), stack.shape[1:]
    truth = draw.choice(np.array([0, 1, 2, IGNORED], np.uint8), shape)

    def layer() -> Layer:
        mask = stack[draw.integers(len(stack))][:: draw.choice([-1, 1])]
        return Layer(Window.of(mask), float(draw.choice([0.2, 0.5, 0.9])), int(draw.integers(1, 4)))

    layers = [layer() for _ in range(3)]
    painting = Painting(layers, truth, [1, 2])
    for _ in range(4):
        painted = paint([x.mask for x in layers], [x.predicted_iou for x in layers], [x.value for x in layers], shape)
        assert np.array_equal(painting.label_map, painted)
        assert painting.iou() == image_iou(painted, truth, [1, 2])
        i = int(draw.integers(len(layers)))
        layers[i] = layer()
        painting.exchange(i, layers[i])
