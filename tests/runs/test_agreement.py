"""Agreement between strategies: a score without a truth."""

import fiftyone as fo
import numpy as np
import pytest

from prompting.errors import PromptingError
from prompting.plan import Plan
from prompting.results import NO_PROMPT, OK, StrategyResult
from prompting.runs.agreement import measure_agreement
from tests.storing import declare, write


@pytest.fixture
def three():
    """Three pictures: full agreement, half, and one that a strategy failed on."""
    full, half, empty = np.ones((4, 6), np.uint8), np.zeros((4, 6), np.uint8), np.zeros((4, 6), np.uint8)
    half[:2] = 1
    dataset = fo.Dataset()
    plan = Plan(strategies=("clip_box", "yolo_box", "field_box"), prompt_field="x")
    dataset.add_samples([fo.Sample(filepath=f"{i}.png") for i in range(3)])
    declare(dataset, plan)
    masks = {"clip_box": [empty, full, full], "yolo_box": [empty, half, None], "field_box": [full, full, full]}
    for strategy, made in masks.items():
        for sample, mask in zip(dataset, made):
            status = "error: unreadable" if mask is None else OK if mask.any() else NO_PROMPT
            write(sample, StrategyResult(strategy, mask, (), np.zeros(0), status, 0.5, 2), plan)
    yield dataset
    dataset.delete()


def test_agreement_is_the_mean_iou_of_all_pairs_that_found_their_prompts_themselves(three):
    measure_agreement(three)
    assert three.values("sam2_agreement") == [1.0, 0.5, None]


def test_one_strategy_agrees_with_nobody(three):
    three.delete_sample_field("sam2_yolo_box_status")
    with pytest.raises(PromptingError, match="Agreement needs two strategies"):
        measure_agreement(three)
