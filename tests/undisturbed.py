"""What a run that nobody disturbs makes in this process, for those that are disturbed or done elsewhere."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import fiftyone as fo
import torch

from tests.copies import copy_of
from tests.reliability.runs import STRATEGIES, contents


def asked(models: dict, **others) -> dict:
    """What the runs are asked for."""
    return {**models, "strategies": STRATEGIES, "prompt_field": "ground_truth", "existing": "skip", **others}


@contextmanager
def one_thread() -> Iterator[None]:
    """As many as the other processes have: with more, sums are rounded elsewhere."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@contextmanager
def repeated(dataset: fo.Dataset, times: int) -> Iterator[fo.Dataset]:
    """The same samples so many times."""
    several = copy_of(dataset, f"several-{uuid.uuid4().hex[:8]}")
    for _ in range(times - 1):
        several.add_samples([sample.copy() for sample in dataset])
    yield several
    several.delete()


@contextmanager
def persistent(dataset: fo.Dataset) -> Iterator[fo.Dataset]:
    """The same samples in a dataset that other processes may open."""
    own = copy_of(dataset, f"own-{uuid.uuid4().hex[:8]}", persistent=True)
    yield own
    if fo.dataset_exists(own.name):
        fo.delete_dataset(own.name)


def made_of(dataset: fo.Dataset, plan: dict) -> list[dict]:
    """What one run makes of its samples."""
    from prompting.plan import Plan
    from prompting.runs.application import apply

    reference = copy_of(dataset)
    with one_thread():
        list(apply(reference, Plan(**plan)))
    made = contents(reference)
    reference.delete()
    return made
