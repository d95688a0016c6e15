"""A dataset that other processes may open, what to ask for, and what has to come of it."""

from __future__ import annotations

import uuid

import fiftyone as fo
import pytest
import torch

from demo.dataset import make_dataset
from tests.reliability.runs import STRATEGIES, contents


@pytest.fixture(autouse=True)
def one_thread():
    """As many as the other processes have: with more, sums are rounded elsewhere."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def plan(nano) -> dict:
    """What the runs are asked for."""
    return {**nano, "strategies": STRATEGIES, "prompt_field": "ground_truth", "existing": "skip"}


@pytest.fixture
def source(photographs):
    """The demo's photographs twice, in a dataset that other processes may open."""
    dataset = make_dataset(f"reliable-{uuid.uuid4().hex[:8]}", photographs)
    dataset.add_samples([sample.copy() for sample in dataset.limit(6)])
    dataset.persistent = True
    yield dataset
    if fo.dataset_exists(dataset.name):
        fo.delete_dataset(dataset.name)


@pytest.fixture
def wanted(source, plan) -> list[dict]:
    """What an uninterrupted run makes of them."""
    from prompting.plan import Plan
    from prompting.runs.application import apply

    reference = source.clone()
    list(apply(reference, Plan(**plan)))
    made = contents(reference)
    reference.delete()
    return made
