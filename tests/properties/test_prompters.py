"""Every region gives a prompt that SAM 2 can take, or a refusal in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompting.errors import PromptError
from prompting.pixels.masks import Window
from prompting.pixels.regions import Region
from prompting.prompts.prompters import prompt_of
from prompting.prompts.strategy import POINT
from prompting.segmentation.prompt import NEGATIVE, POSITIVE
from tests.properties.shapes import (
    MANY,
    SAID,
    SEEDS,
    SHAPES,
    boxes,
    on,
    pairs,
    rng,
)


@MANY
@given(pairs(), st.sampled_from(SAID), SEEDS)
def test_prompt_of_any_mask_is_good_or_refused_in_words(pair, strategy, seed):
    mask, others = pair
    height, width = mask.shape
    avoid = mask | others
    if not mask.any():
        with pytest.raises(PromptError):
            prompt_of(strategy, Region("person", mask=mask), avoid, rng(seed)).check(height, width)
        return
    prompt = prompt_of(strategy, Region("person", mask=mask), avoid, rng(seed))
    prompt.check(height, width)
    positives = prompt.point_coords[prompt.point_labels == POSITIVE]
    negatives = prompt.point_coords[prompt.point_labels == NEGATIVE]
    assert not on(avoid, negatives).any()
    if strategy.prompt != POINT:  # the centroid may lie off a bent shape
        assert on(mask, positives).all()
    if prompt.box is not None and (strategy.margin is None or strategy.margin >= 0):
        tight = Window.of(mask).box
        assert (prompt.box[:2] <= tight[:2]).all() and (prompt.box[2:] >= tight[2:]).all()


@MANY
@given(SHAPES.flatmap(lambda s: st.tuples(st.just(s), boxes(*s))), st.sampled_from(SAID))
def test_prompt_of_any_box_is_good_or_refused_in_words(picture, strategy):
    (height, width), box = picture
    region = Region("person", box=box, shape=(height, width))
    try:
        prompt = prompt_of(strategy, region, None, rng(0))
    except PromptError:
        assert strategy.has_clicks
        return
    prompt.check(height, width)
