"""What is stored comes back as it was."""

from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest
from hypothesis import given

from prompting.dataset import storage
from prompting.dataset.names import StrategyFields
from prompting.labels.instances import instance_mask
from prompting.plan import Plan
from prompting.results import NO_PROMPT, OK, StrategyResult
from prompting.segmentation.prompt import Prompt
from tests.properties.shapes import (
    FEW,
    masks,
    results,
)
from tests.storing import declare, write

PLAN = Plan(strategies=("clip_iterative",), sam2_model="nano", device="cpu", keep_rounds=True)


def same_prompt(a: Prompt, b: Prompt) -> bool:
    points = np.array_equal(a.point_coords, b.point_coords) and np.array_equal(a.point_labels, b.point_labels)
    boxes_too = (a.box is None) == (b.box is None) and (a.box is None or np.array_equal(a.box, b.box))
    return a.label == b.label and points and boxes_too


@pytest.fixture(scope="module")
def sample():
    """A sample in a real dataset that strategies may write to."""
    dataset = fo.Dataset()
    dataset.add_sample(fo.Sample("picture.png"))
    declare(dataset, PLAN)
    yield dataset.first()
    dataset.delete()


@FEW
@given(result=results())
def test_what_is_stored_comes_back_as_it_was(sample, result):
    fields, shape = StrategyFields.of(PLAN.prefix, result.strategy), result.mask.shape
    write(sample, result, PLAN)
    sample.reload(hard=True)
    assert np.array_equal(sample[fields.mask].get_mask(), result.mask)
    back = {d.index: instance_mask(d, *shape) for d in sample[fields.instances].detections}
    assert sorted(back) == [i for i, mask in enumerate(result.masks) if mask.any()]
    assert all(np.array_equal(mask, result.masks[i]) for i, mask in back.items())
    rounds = {d.index: instance_mask(d, *shape) for d in sample[fields.rounds].detections}
    assert all(np.array_equal(mask, result.rounds[i].mask) for i, mask in rounds.items())
    asked = storage.prompts_in(sample, fields, *shape)
    assert list(asked) == list(range(len(result.prompts)))
    assert all(same_prompt(asked[i], prompt) for i, prompt in enumerate(result.prompts))
    assert sample[fields.status] == OK and sample[fields.score] == pytest.approx(result.score)


@FEW
@given(masks())
def test_no_prompt_is_stored_as_an_empty_mask_of_the_pictures_size(sample, mask):
    nothing = StrategyResult("clip_iterative", np.zeros(mask.shape, np.uint8), (), np.zeros(0), NO_PROMPT, 0.1, 0)
    write(sample, nothing, PLAN)
    sample.reload(hard=True)
    fields = StrategyFields.of(PLAN.prefix, "clip_iterative")
    assert sample[fields.mask].get_mask().shape == mask.shape
    assert storage.prompts_in(sample, fields, *mask.shape) == {}
