"""A prompt is passed where it is good and refused in words where it isn't."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from prompting.errors import PromptError
from prompting.segmentation.prompt import POSITIVE, Prompt
from tests.properties.shapes import (
    MANY,
    SHAPES,
    prompts,
)


@MANY
@given(SHAPES.flatmap(lambda s: st.tuples(st.just(s), prompts(*s))))
def test_rounds_count_the_corrective_clicks_at_the_end(picture):
    (height, width), prompt = picture
    prompt.check(height, width)
    first = len(prompt.point_labels) - prompt.corrections
    assert prompt.point_rounds.tolist() == [0] * first + list(range(1, prompt.corrections + 1))
    assert len(prompt.point_coords) == len(prompt.point_labels)


@MANY
@given(
    st.lists(st.tuples(st.floats(), st.floats()), max_size=4),
    st.lists(st.integers(-2, 3), max_size=4),
    st.none() | st.lists(st.floats(), max_size=5),
    SHAPES,
)
def test_check_passes_what_is_inside_and_refuses_all_else_in_words(coords, point_labels, box, shape):
    height, width = shape
    coords, point_labels = np.array(coords, float).reshape(-1, 2), np.array(point_labels, int)
    prompt = Prompt("person", coords, point_labels, None if box is None else np.array(box))
    try:
        prompt.check(height, width)
    except PromptError as error:
        assert str(error).endswith(".") and "\n" not in str(error)
        return
    assert (coords >= 0).all() and (coords <= (width, height)).all() and len(coords) == len(point_labels)
    assert box is not None or POSITIVE in point_labels
    assert box is None or (0 <= box[0] < box[2] <= width and 0 <= box[1] < box[3] <= height)
