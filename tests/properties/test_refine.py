"""Refinement clicks on the larger error, whatever the masks."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from prompting.prompts.refine import TOLERANCE, next_click
from prompting.prompts.sampling import deepest_point
from prompting.segmentation.prompt import NEGATIVE, POSITIVE, Prompt
from tests.properties.shapes import (
    MANY,
    pairs,
)


@MANY
@given(pairs())
def test_next_click_lies_on_the_error_that_its_label_names(pair):
    mask, target = pair
    missing, excess, area = target & ~mask, mask & ~target, max(1, target.sum())
    click = next_click(mask, target)
    assert (click is None) == (max(missing.sum(), excess.sum()) < TOLERANCE * area)
    if click is not None:
        (x, y), label = click
        assert label == (POSITIVE if deepest_point(missing)[1] >= deepest_point(excess)[1] else NEGATIVE)
        assert (missing if label == POSITIVE else excess)[int(y), int(x)]
        Prompt("person", box=np.array([0, 0, *mask.shape[::-1]])).with_click((x, y), label).check(*mask.shape)
