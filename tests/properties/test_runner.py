"""Whatever regions a prior finds, every strategy gives a mask of the picture's size or an error in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompting.pixels.masks import Window, intersection_over_union
from prompting.pixels.regions import Region
from prompting.priors.base import Picture
from prompting.prompts.refine import refine
from prompting.prompts.strategies import STRATEGIES, strategies_named
from prompting.results import NO_PROMPT, OK
from prompting.runner import Runner
from tests.properties.shapes import FEW, SHAPES, boxes, masks, prompts


class Encoded:
    """SAM 2 with one picture encoded already, which is the slow part: all others look like it, whatever their size."""

    def __init__(self, segmenter):
        (self.encoded,) = segmenter.encode([np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)])
        self.name, self.decode, self.candidates = segmenter.name, segmenter.decode, segmenter.candidates
        self.at_once = segmenter.at_once

    def encode(self, images, shapes=None):
        shapes = shapes or [image.shape[:2] for image in images]
        return [replace(self.encoded, height=height, width=width) for height, width in shapes]


@pytest.fixture(scope="module")
def segmenter(nano_segmenter):
    return Encoded(nano_segmenter)


class Given:
    """A prior that finds what it was given."""

    def __init__(self, regions):
        self.regions = regions

    def find(self, pictures):
        return [self.regions for _ in pictures]


@st.composite
def regions(draw, shape: tuple[int, int]) -> Region:
    """A box, a mask (be it empty) with or without a box, or clicks."""
    label = draw(st.sampled_from(["person", "dog"]))
    kind = draw(st.sampled_from(["box", "mask", "both", "points"]))
    if kind == "box":
        return Region(label, box=draw(boxes(*shape)))
    if kind == "points":
        prompt = draw(prompts(*shape))
        return Region(label, point_coords=prompt.point_coords, point_labels=prompt.point_labels)
    mask = draw(masks(shape))
    return Region(label, mask=mask, box=Window.of(mask).box if kind == "both" and mask.any() else None)


def scenes():
    """A picture's shape and up to three regions in it."""
    return SHAPES.flatmap(lambda shape: st.tuples(st.just(shape), st.lists(regions(shape), max_size=3)))


@FEW
@given(scene=scenes())
def test_any_regions_give_a_mask_of_the_pictures_size_or_an_error_in_words(segmenter, scene):
    shape, found = scene
    picture = Picture("key", "key", np.zeros((*shape, 3), np.uint8))
    priors = dict.fromkeys(("clip", "yolo", "field", "reference"), Given(found))
    (result,) = Runner(segmenter, priors, strategies_named(tuple(STRATEGIES)), ["person", "dog"]).run([picture])
    assert [made.strategy for made in result.results] == list(STRATEGIES)
    for made in result.results:
        if made.mask is None:
            assert made.status.startswith("error: ") and "\n" not in made.status
            continue
        assert made.mask.shape == shape and made.mask.dtype == np.uint8 and set(np.unique(made.mask)) <= {0, 1, 2}
        assert made.status == (OK if found else NO_PROMPT)
        assert len(made.prompts) == len(made.predicted_iou) == len(found)
        for prompt in made.prompts:
            prompt.check(*shape)


def disputes():
    """A picture's shape, and up to three prompts in it, each with a mask that it should have made."""
    return SHAPES.flatmap(
        lambda shape: st.tuples(
            st.just(shape), st.lists(st.tuples(prompts(*shape), masks(shape)), min_size=1, max_size=3)
        )
    )


@FEW
@given(scene=disputes(), rounds=st.integers(0, 3))
def test_refinement_never_agrees_less_and_clicks_no_more_than_it_may(segmenter, scene, rounds):
    shape, pairs = scene
    asked, targets = [prompt for prompt, _ in pairs], [target for _, target in pairs]
    (encoded,) = segmenter.encode([np.zeros((*shape, 3), np.uint8)])
    first = segmenter.decode(encoded, asked).masks
    refined = refine(segmenter, encoded, asked, targets, rounds)
    for i, target in enumerate(targets):
        now = intersection_over_union(refined.masks[i], target)
        assert now >= intersection_over_union(first[i], target)
        clicks = len(refined.prompts[i].point_labels) - len(asked[i].point_labels)
        assert 0 <= clicks <= rounds
    assert refined.decoder_calls <= len(asked) * (1 + rounds)  # prompts of other shapes are decoded apart
