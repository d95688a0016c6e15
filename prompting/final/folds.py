"""Folds of labelled pictures: what is said of a picture comes from models that didn't see its truth."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence

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


def short_names(paths: Sequence[str]) -> list[str]:
    """Of each file as much of its path's end as no other's ends with: a moved dataset has the same, in any order.

    Two of the very same path have the same name.
    """
    others = Counter(end for path in set(paths) for end in _ends(path))
    return [next((end for end in _ends(path) if others[end] == 1), path) for path in paths]


def _ends(path: str) -> list[str]:
    """The file's name, with its folder, with that one's folder, …"""
    parts = path.replace("\\", "/").split("/")
    return ["/".join(parts[-depth:]) for depth in range(1, len(parts) + 1)]


def fold_of_any(known: bytes, seed: int = 0, count: int = FOLDS) -> int:
    """The fold of a picture without a truth, by what is known of it: each part of the labelled ones speaks for a part
    of the others."""
    return int.from_bytes(_draw(known, seed)[:8], "big") % count


def by_lot(names: Iterable[str], seed: int = 0) -> list[str]:
    """Names in an order that has nothing to do with what they are of, the same for whichever others are among them."""
    return sorted(names, key=lambda one: _draw(one.encode(), seed))


def _draw(name: bytes, seed: int) -> bytes:
    return hashlib.sha256(f"{seed} ".encode() + name).digest()
