"""What a run came to, in words."""

from __future__ import annotations

import fiftyone as fo
import pytest

from prompting.dataset.outcome import outcomes
from prompting.results import OUTDATED


@pytest.fixture
def with_statuses():
    """Pictures with these statuses of two strategies."""
    made = []

    def make(**statuses):
        dataset = fo.Dataset()
        made.append(dataset)
        count = max(map(len, statuses.values()))
        dataset.add_samples([fo.Sample(f"/nowhere/{i}.png") for i in range(count)])
        for name, values in statuses.items():
            dataset.set_values(f"sam2_{name}_status", values)
        return dataset

    yield make
    for dataset in made:
        dataset.delete()


def test_each_strategy_says_on_how_many_it_has_masks_no_prompt_and_failed(with_statuses):
    dataset = with_statuses(yolo_box=["ok", "no_prompt", "ok", "OSError: gone"], clip_box=["ok"] * 3 + [None])
    assert outcomes(dataset, "sam2", ["clip_box", "yolo_box"]) == [
        "clip_box: masks on 3 of 4 pictures",
        "yolo_box: masks on 2 of 4 pictures, no prompt on 1, failed on 1",
    ]
    assert outcomes(dataset[1:3], "sam2", ["yolo_box"]) == ["yolo_box: masks on 1 of 2 pictures, no prompt on 1"]


def test_what_another_run_left_did_not_fail(with_statuses):
    assert outcomes(with_statuses(yolo_box=["ok", OUTDATED]), "sam2", ["yolo_box"]) == [
        "yolo_box: masks on 1 of 2 pictures"
    ]
