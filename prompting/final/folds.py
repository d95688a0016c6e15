"""Folds of labelled pictures: what is said of a picture comes from models that didn't see its truth."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

FOLDS = 5


def folds_of(names: Sequence[str], seed: int = 0, count: int = FOLDS) -> np.ndarray:
    """(L,) the fold of each picture; the same for the same pictures, in whatever order they come.

    Args:
        names: of the pictures
        seed: another one makes other folds
        count: of folds; all as large as each other, by one
    """
    drawn = [_draw(one.encode(), seed) for one in names]
    folds = np.empty(len(names), int)
    folds[sorted(range(len(names)), key=drawn.__getitem__)] = np.arange(len(names)) % count
    return folds


def fold_of_any(known: bytes, seed: int = 0, count: int = FOLDS) -> int:
    """The fold of a picture without a truth, by what is known of it: each part of the labelled ones speaks for a part
    of the others."""
    return int.from_bytes(_draw(known, seed)[:8], "big") % count


def _draw(name: bytes, seed: int) -> bytes:
    return hashlib.sha256(f"{seed} ".encode() + name).digest()
