"""Files of weights: whether one is still the file that it was, and what it holds instead of weights.

A name or a path says nothing: a checkpoint that is trained again is saved where the old one was.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

Stamp = tuple[str, int, int] | None
"""Path, size in bytes, and time of change in nanoseconds; None where there is no such file."""


def stamp_of(path: Path | None) -> Stamp:
    """What is different once a file was written again."""
    try:
        found = path.stat()
    except (AttributeError, OSError):
        return None
    return str(path.resolve()), found.st_size, found.st_mtime_ns


def sha256_of(path: Path | None) -> str | None:
    """The SHA-256 of a file's content (64 hexadecimal digits), read once until it changes; None without a file."""
    stamp = stamp_of(path) if path is not None and path.is_file() else None
    return _sha256(stamp) if stamp else None


@functools.lru_cache(maxsize=64)
def _sha256(stamp: tuple[str, int, int]) -> str:
    digest = hashlib.sha256()  # hashlib.file_digest came with Python 3.11
    with open(stamp[0], "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def no_weights(path: Path) -> str | None:
    """Why a path can't be a checkpoint, as far as a look at its first bytes tells; None where it may be one."""
    if path.is_dir():
        return "it is a folder; name the file in it"
    with open(path, "rb") as file:
        head = file.read(512)
    if not head:
        return "it is empty; fetch it again"
    if head.lstrip()[:1] == b"<":
        return "it is a web page; fetch the file that the page links to"
    if head.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer; fetch the file itself with git lfs pull"
    return None
