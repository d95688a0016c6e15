"""The truth shows people over crowds."""

from __future__ import annotations

import fiftyone as fo
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from prompting.dataset.truth import paint_instances
from prompting.pixels.masks import IGNORED
from tests.properties.shapes import (
    MANY,
    several_masks,
)


@MANY
@given(several_masks(), st.lists(st.booleans(), min_size=4, max_size=4))
def test_truth_shows_people_over_crowds(stack, crowds):
    height, width = stack.shape[1:]
    whole = [0, 0, 1, 1]
    people = [
        fo.Detection(label="person", bounding_box=whole, mask=mask, iscrowd=int(crowd))
        for mask, crowd in zip(stack, crowds)
    ]
    painted = paint_instances(fo.Detections(detections=people), height, width, {"person": 7})
    crowded = np.array(crowds[: len(stack)])
    expected = np.where(stack[crowded].any(axis=0), IGNORED, 0)
    expected[stack[~crowded].any(axis=0)] = 7
    assert np.array_equal(painted, expected)
