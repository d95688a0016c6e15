"""How much fits into memory; when it runs out, how each library says so, and how to get some back."""

from __future__ import annotations

import gc
import mmap

import cv2
import numpy as np
import torch

SAID = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "insufficient memory",
    "failed to allocate",
    "could not create a primitive",  # oneDNN's, where it finds no room for its own
)


GIGABYTES = {"tiny": 1.5, "small": 1.5, "nano": 1.5, "base": 3.0}
"""What encoding a picture may take on a GPU, by what a model's name has in it; generous, and others the largest's."""
LARGEST_GIGABYTES = 5.0
MOST_AT_ONCE = 16
"""Beyond it a GPU is as busy as it gets."""
HOST_MEGABYTES = {"nano": 64}
LARGEST_HOST_MEGABYTES = 512
"""What encoding a picture takes on a CPU, measured, by model and for the others."""
RESERVE_MEGABYTES = 256
"""What decoding takes, and what libraries do besides."""


def automatic_batch(device: str, model: str) -> int:
    """How many pictures to encode at once: what a GPU's free memory holds, and one elsewhere.

    On a CPU a batch gains nothing: one picture keeps it busy, and several leave its cache.

    Args:
        device: a torch device
        model: SAM 2's name
    """
    if torch.device(device).type != "cuda":
        return 1
    free = torch.cuda.mem_get_info(torch.device(device))[0] / 1e9
    each = next((size for name, size in GIGABYTES.items() if name in model), LARGEST_GIGABYTES)
    return max(1, min(MOST_AT_ONCE, int(free / each)))


def ran_out(error: BaseException) -> bool:
    """Whether an error means that the host or the device has no memory left."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    # the CPU's allocator, older devices' and OpenCV's say it in words alone
    return isinstance(error, (RuntimeError, cv2.error)) and any(words in str(error).lower() for words in SAID)


def require_room(pictures: int, model: str) -> None:
    """Stop while there is still room to stop in: oneDNN ends the process where it finds none for the code it makes.

    Asks for what the pictures will take, and gives it back untouched: in small blocks, for the heap may have room that
    the system no longer has; and, while they are held, a piece of the system's own, where such code is put.

    Args:
        pictures: how many will be encoded at once
        model: SAM 2's name

    Raises:
        MemoryError: the process can't have it, as where its address space is limited
    """
    each = next((size for name, size in HOST_MEGABYTES.items() if name in model), LARGEST_HOST_MEGABYTES)
    blocks = [np.empty(4 << 20, np.uint8) for _ in range(-(-(pictures * each + RESERVE_MEGABYTES) // 4))]
    try:
        mmap.mmap(-1, 32 << 20).close()
    except OSError as error:
        raise MemoryError(f"no room beside {len(blocks)} blocks of 4 MB") from error


def release() -> None:
    """Give back what is held without being used."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
