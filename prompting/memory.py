"""When memory runs out: how each library says so, and how to get some back."""

from __future__ import annotations

import gc

import cv2
import torch

SAID = ("out of memory", "can't allocate memory", "not enough memory", "insufficient memory", "failed to allocate")


def ran_out(error: BaseException) -> bool:
    """Whether an error means that the host or the device has no memory left."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    # the CPU's allocator, older devices' and OpenCV's say it in words alone
    return isinstance(error, (RuntimeError, cv2.error)) and any(words in str(error).lower() for words in SAID)


def release() -> None:
    """Give back what is held without being used."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
