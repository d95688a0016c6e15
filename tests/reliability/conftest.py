"""A dataset that other processes may open, what to ask for, and what has to come of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import fiftyone as fo
import pytest
import torch

from demo.dataset import make_dataset
from tests.reliability.runs import STRATEGIES, contents


@contextmanager
def _one_thread() -> Iterator[None]:
    """As many as the other processes have: with more, sums are rounded elsewhere."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def one_thread():
    with _one_thread():
        yield


@pytest.fixture
def plan(nano) -> dict:
    """What the runs are asked for."""
    return _asked(nano)


def _asked(models: dict) -> dict:
    return {**models, "strategies": STRATEGIES, "prompt_field": "ground_truth", "existing": "skip"}


@pytest.fixture(scope="session")
def twice(photographs):
    """The demo's photographs twice; to be cloned."""
    dataset = make_dataset(f"twice-{uuid.uuid4().hex[:8]}", photographs)
    dataset.add_samples([sample.copy() for sample in dataset.limit(6)])
    yield dataset
    dataset.delete()


@pytest.fixture
def source(twice):
    """The same, in a dataset of the test's own that other processes may open."""
    dataset = twice.clone(f"reliable-{uuid.uuid4().hex[:8]}", persistent=True)
    yield dataset
    if fo.dataset_exists(dataset.name):
        fo.delete_dataset(dataset.name)


@pytest.fixture(scope="session")
def wanted(twice, nano) -> list[dict]:
    """What an uninterrupted run makes of them."""
    from prompting.plan import Plan
    from prompting.runs.application import apply

    reference = twice.clone()
    with _one_thread():
        list(apply(reference, Plan(**_asked(nano))))
    made = contents(reference)
    reference.delete()
    return made
