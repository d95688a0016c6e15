"""Folds of labelled pictures: what is said of a picture comes from models that didn't see its truth."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

FOLDS = 5


def folds_of(ids: Sequence[str], seed: int = 0, count: int = FOLDS) -> np.ndarray:
    """(L,) the fold of each picture; the same for the same pictures, in whatever order they come.

    Args:
        ids: of the pictures
        seed: another one makes other folds
        count: of folds; all as large as each other, by one
    """
    drawn = [_draw(one, seed) for one in ids]
    folds = np.empty(len(ids), int)
    folds[sorted(range(len(ids)), key=drawn.__getitem__)] = np.arange(len(ids)) % count
    return folds


def fold_of_any(sample_id: str, seed: int = 0, count: int = FOLDS) -> int:
    """The fold of a picture without a truth: each part of the labelled ones speaks for a part of the others."""
    return int.from_bytes(_draw(sample_id, seed)[:8], "big") % count


def _draw(sample_id: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed} {sample_id}".encode()).digest()
