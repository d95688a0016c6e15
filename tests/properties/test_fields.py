"""Whatever a field holds, it gives good prompts, none, or a refusal."""

from __future__ import annotations

import fiftyone as fo
import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from prompting.dataset.truth import paint_instances
from prompting.errors import PromptError
from prompting.labels.instances import instance_mask
from prompting.pixels.masks import Window, resize_mask
from prompting.priors.base import Picture
from prompting.priors.fields import FieldPrior
from prompting.prompts.prompters import prompt_of
from prompting.prompts.sampling import grow_box
from prompting.prompts.strategies import STRATEGIES
from prompting.segmentation.prompt import Prompt
from tests.properties.shapes import (
    MANY,
    SHAPES,
    masks,
    rng,
)

ANY_NUMBER = st.floats() | st.floats(-2, 2) | st.integers(-3, 3)


@MANY
@given(st.lists(ANY_NUMBER, max_size=5) | st.lists(ANY_NUMBER, min_size=4, max_size=4), masks(), SHAPES, st.booleans())
@example([0, 0, 1e300, 1e300], np.ones((2, 2), bool), (3, 3), False)
@example([-1e5, -1e5, 2e5, 2e5], np.ones((2, 2), bool), (3, 3), False)
def test_any_detection_gives_a_good_prompt_or_none(box, mask, shape, has_mask):
    height, width = shape
    detection = fo.Detection(label="person", bounding_box=box, mask=mask if has_mask else None)
    found = FieldPrior(["person"]).regions(fo.Detections(detections=[detection]), height, width)
    for region in found:
        Prompt("person", box=region.box).check(height, width)
        assert region.mask is None or (region.mask.shape == shape and region.mask.any())
    laid = instance_mask(detection, height, width)
    assert laid is None or (laid.shape == shape and laid.dtype == bool)
    painted = paint_instances(fo.Detections(detections=[detection]), height, width, {"person": 1})
    assert np.array_equal(painted, np.zeros(shape) if laid is None else laid)


@MANY
@given(st.lists(st.tuples(ANY_NUMBER, ANY_NUMBER), max_size=5), st.none() | st.lists(st.integers(-1, 2), max_size=5))
def test_any_keypoint_gives_a_good_prompt_none_or_a_refusal(points, sam_labels):
    extra = {} if sam_labels is None else {"sam_labels": sam_labels}
    keypoints = fo.Keypoints(keypoints=[fo.Keypoint(label="person", points=points, **extra)])
    try:
        for region in FieldPrior(["person"]).regions(keypoints, 10, 20):
            prompt_of(STRATEGIES["field_points"], region, None, rng(0)).check(10, 20)
    except PromptError as error:
        assert "sam_labels has" in str(error) or "outside the picture" in str(error)


@MANY
@given(masks(), SHAPES)
def test_any_segmentation_is_cut_into_parts_of_the_pictures_size(mask, shape):
    picture = Picture("key", "key", np.zeros((*shape, 3), np.uint8), fo.Segmentation(mask=mask.astype(np.uint8)))
    (found,) = FieldPrior(["person"]).find([picture])
    covered = np.sum([np.zeros(shape), *(region.mask.full() for region in found)], axis=0)
    assert np.array_equal(covered, resize_mask(mask, *shape))
    for region in found:
        assert np.array_equal(region.box, region.mask.box)
        Prompt("person", box=grow_box(Window.of(region.mask).box, 0.05, *region.mask.shape)).check(*shape)
