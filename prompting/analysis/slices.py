"""Groups of samples by any field's values: where is a strategy better, and where worse?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from numbers import Integral, Real
from typing import Any

import numpy as np

QUARTILES = (0.25, 0.5, 0.75)
NONE = "none"
LONGEST_LABEL = 40


@dataclass(frozen=True)
class Slice:
    """Samples that have something in common.

    Attributes:
        label: the value or the range that they share, both ends included
        rows: (K,) int, which samples, in ascending order
    """

    label: str
    rows: np.ndarray


def slices_of(values: Sequence[Any], most: int = 8) -> list[Slice]:
    """Group samples by a field's values.

    Words and booleans are grouped by value, the most frequent first; whole
    numbers of few different values too, in their order; other numbers and dates
    by quartiles, which are fewer than four groups where values repeat. A list
    (tags, the labels of detections) puts its sample into the group of each of
    its members. Samples without a value come last, as ``none``.

    Args:
        values: one a sample: a bool, a number, a word, a date, a list of these, or None
        most: groups at most, ``none`` not counted; rarer words share the last one, ``other``

    Returns:
        slices that aren't empty
    """
    pairs = [(row, member) for row, value in enumerate(values) for member in _members(value)]
    found = _group(pairs, most) if pairs else []
    without = sorted(set(range(len(values))) - {row for row, _ in pairs})
    return [*found, _slice(NONE, without)] if without else found


def _members(value: Any) -> list[Any]:
    """What a sample's value consists of, as Python's own types; nothing for None and NaN."""
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        return [member for part in value for member in _members(part)]
    if isinstance(value, np.generic):
        value = value.item()
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return [] if missing else [value]


def _group(pairs: list[tuple[int, Any]], most: int) -> list[Slice]:
    kinds = {_kind(value) for _, value in pairs}
    if kinds == {Real} or kinds == {date}:
        distinct = {value for _, value in pairs}
        whole = kinds == {Real} and all(float(value).is_integer() for value in distinct)
        return _by_order(pairs, sorted(distinct) if whole and len(distinct) <= most else _quartiles(pairs))
    return _by_word([(row, str(value)) for row, value in pairs], most)


def _kind(value: Any) -> type:
    if isinstance(value, bool):
        return bool
    return next((kind for kind in (Real, date) if isinstance(value, kind)), str)


def _by_word(pairs: list[tuple[int, str]], most: int) -> list[Slice]:
    counts = Counter(word for _, word in set(pairs))
    words = sorted(counts, key=lambda word: (-counts[word], word))
    named = words if len(words) <= most else words[: most - 1]
    groups = [_slice(_short(word), [row for row, other in pairs if other == word]) for word in named]
    rest = set(words) - set(named)
    if rest:
        groups.append(_slice(f"other ({len(rest)} values)", [row for row, word in pairs if word in rest]))
    return groups


def _quartiles(pairs: list[tuple[int, Any]]) -> list[Any]:
    """The greatest value of each quarter, without repetitions."""
    ordered = sorted(value for _, value in pairs)
    return sorted({ordered[math.ceil(share * len(ordered)) - 1] for share in (*QUARTILES, 1.0)})


def _by_order(pairs: list[tuple[int, Any]], greatest: list[Any]) -> list[Slice]:
    """Groups of values up to each of ``greatest``, labelled by the least and greatest that they really have."""
    groups: list[list[tuple[int, Any]]] = [[] for _ in greatest]
    for row, value in pairs:
        groups[np.searchsorted(greatest, value)].append((row, value))
    ends = [(min(v for _, v in group), max(v for _, v in group)) for group in groups]
    text = _texts({end for both in ends for end in both})
    labels = [text[low] if low == high else f"{text[low]} – {text[high]}" for low, high in ends]
    return [_slice(label, [row for row, _ in group]) for label, group in zip(labels, groups, strict=True)]


def _texts(values: set[Any]) -> dict[Any, str]:
    """Numbers with three digits, or as many as tell them apart; whole numbers and dates as they are."""
    texts: dict[Any, str] = {}
    for digits in range(3, 18):
        texts = {value: _text(value, digits) for value in values}
        if len(set(texts.values())) == len(texts):
            break
    return texts


def _text(value: Any, digits: int) -> str:
    if isinstance(value, date):
        return value.isoformat(" ", "minutes") if hasattr(value, "hour") else value.isoformat()
    if isinstance(value, Integral) or float(value).is_integer():
        return str(int(value))
    return np.format_float_positional(value, precision=digits, unique=False, fractional=False, trim="-")


def _short(word: str) -> str:
    """Long words lose their middle: paths differ at their ends."""
    half = LONGEST_LABEL // 2
    return word if len(word) <= LONGEST_LABEL else f"{word[: half - 1]}…{word[-half:]}"


def _slice(label: str, rows: Sequence[int]) -> Slice:
    return Slice(label, np.unique(np.asarray(rows, int)))
