"""Torch computes with no more threads than the process may use processors, whoever says how many those are."""

import os

import joblib
import pytest
import torch

from prompting import models
from prompting.torch_threads import limit_threads


@pytest.fixture(autouse=True)
def three_threads():
    """More than some machines have processors, and others not."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("allowed", "threads"), [(1, 1), (2, 2), (3, 3), (64, 3)])
def test_a_containers_quota_is_kept_and_nothing_is_raised(monkeypatch, allowed, threads):
    monkeypatch.setattr(joblib, "cpu_count", lambda: allowed)  # a quota takes root to set
    limit_threads()
    assert torch.get_num_threads() == threads


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes can't be tied to processors here")
def test_a_process_tied_to_one_processor_has_one_thread():
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        limit_threads()
        assert torch.get_num_threads() == 1
    finally:
        os.sched_setaffinity(0, before)


def test_loading_sam2_sees_to_it(monkeypatch):
    monkeypatch.setattr(joblib, "cpu_count", lambda: 2)
    models.load_sam2.__wrapped__("nano", "cpu")
    assert torch.get_num_threads() == 2
