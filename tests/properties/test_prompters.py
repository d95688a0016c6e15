"""Every region gives a prompt that SAM 2 can take, or a refusal in words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompting.errors import PromptError
from prompting.pixels.masks import Window
from prompting.pixels.regions import Region
from prompting.prompts import prompters
from prompting.segmentation.prompt import NEGATIVE, POSITIVE
from tests.properties.shapes import (
    MANY,
    PROMPTERS,
    SEEDS,
    SHAPES,
    boxes,
    on,
    pairs,
    rng,
)


@MANY
@given(pairs(), st.sampled_from(PROMPTERS), SEEDS)
def test_prompt_of_any_mask_is_good_or_refused_in_words(pair, prompter, seed):
    mask, others = pair
    height, width = mask.shape
    avoid = mask | others
    if not mask.any():
        with pytest.raises(PromptError):
            prompter(Region("person", mask=mask), avoid, rng(seed)).check(height, width)
        return
    prompt = prompter(Region("person", mask=mask), avoid, rng(seed))
    prompt.check(height, width)
    positives = prompt.point_coords[prompt.point_labels == POSITIVE]
    negatives = prompt.point_coords[prompt.point_labels == NEGATIVE]
    assert not on(avoid, negatives).any()
    if prompter is not prompters.point:  # the centroid may lie off a bent shape
        assert on(mask, positives).all()
    if prompt.box is not None:
        tight = Window.of(mask).box
        assert (prompt.box[:2] <= tight[:2]).all() and (prompt.box[2:] >= tight[2:]).all()


@MANY
@given(SHAPES.flatmap(lambda s: st.tuples(st.just(s), boxes(*s))), st.sampled_from(PROMPTERS))
def test_prompt_of_any_box_is_good_or_refused_in_words(picture, prompter):
    (height, width), box = picture
    try:
        prompt = prompter(Region("person", box=box), np.zeros((height, width), bool), rng(0))
    except PromptError:
        assert prompter not in (prompters.point, prompters.box)
        return
    prompt.check(height, width)
