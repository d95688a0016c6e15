"""How many threads torch and OpenCV compute with on a CPU: numbers of the whole process, which others get wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def limit_threads() -> None:
    """Leave torch no more threads than this process may use processors, and OpenCV no more than torch; fewer, if they
    were told so, stay.

    Torch counts the machine's processors, of which a container may be allowed a few: threads that wait for each other's
    turn make the encoder slower than fewer would.
    """
    import cv2
    import joblib

    allowed = joblib.cpu_count()  # by affinity and by cgroups' quotas
    if torch.get_num_threads() > allowed:
        torch.set_num_threads(allowed)
    cv2.setNumThreads(min(cv2.getNumThreads(), torch.get_num_threads()))


@contextmanager
def threads_kept() -> Iterator[None]:
    """Undo what the block does to torch's number of threads.

    Ultralytics sets it to all processors but one, and to 8 at most, when a model first predicts on a CPU: SAM 2, which
    does nearly all of the work, would run on one of two cores, or on 8 of 64.
    """
    before = torch.get_num_threads()
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)
