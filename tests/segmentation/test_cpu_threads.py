"""Torch computes with no more threads than the process may use processors, whoever says how many those are."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import joblib
import pytest
import torch

from prompting.models import catalogue
from prompting.segmentation.cpu_threads import limit_threads

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def three_threads():
    """More than some machines have processors, and others not."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(3)
    cv2.setNumThreads(4)
    yield
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])


@pytest.mark.parametrize(("allowed", "threads"), [(1, 1), (2, 2), (3, 3), (64, 3)])
def test_a_containers_quota_is_kept_and_nothing_is_raised(monkeypatch, allowed, threads):
    monkeypatch.setattr(joblib, "cpu_count", lambda: allowed)  # a quota takes root to set
    limit_threads()
    assert torch.get_num_threads() == threads
    assert cv2.getNumThreads() <= threads


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
    catalogue.load_sam2.__wrapped__("nano", "cpu")
    assert torch.get_num_threads() == 2


def threads_after(script: str, *arguments: str) -> list[int]:
    """Torch's and OpenCV's threads in a new process, which nobody told how many to take."""
    end = "import cv2, torch; print(torch.get_num_threads(), cv2.getNumThreads())"
    command = [sys.executable, "-c", f"import sys\n{script}\n{end}", *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return [int(count) for count in done.stdout.splitlines()[-1].split()]


def test_ultralytics_does_not_leave_torch_and_opencv_one_thread(tmp_path):
    """Imported before torch, it would; OpenCV it tells so whenever it is imported."""
    photographs = "from pathlib import Path; from demo.photographs import write_photographs as w; w(Path(sys.argv[1]))"
    unasked = "assert 'ultralytics' not in sys.modules"
    yolo = "from prompting.models.catalogue import load_yolo; load_yolo('nano')"
    assert threads_after(f"{photographs}\n{unasked}\n{yolo}", str(tmp_path)) == threads_after("")
