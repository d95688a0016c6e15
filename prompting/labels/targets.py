"""What the values of masks are called, as people write it: mask targets, void, and values to ignore."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..errors import PromptingError
from ..spelling import same_name, spelled

VOID_NAMES = ("void", "ignore", "ignored", "unlabeled", "unlabelled", "dontcare", "donotcare")
"""Mask targets of these names, in any case and with any spaces or signs between letters, count for nothing. The value 0
is the background whatever it is called, as in FiftyOne."""
SHOWN = 8


class Targets:
    """A field's mask targets, read for some classes.

    Attributes:
        names: value -> name; colours are whole numbers
        colours: they name colours
        void: values that are called void, or the like
    """

    def __init__(self, given: Mapping | None, classes: Sequence[str]):
        given = dict(given or {})
        self.colours = any(_is_colour(key) for key in given)
        self.names = {int(str(key)[1:], 16) if _is_colour(key) else int(key): str(n) for key, n in given.items()}
        self.void = tuple(
            value for value, n in self.names.items() if value and is_void(n) and spelled(n, classes) is None
        )

    def values_of(self, field_name: str, classes: Sequence[str]) -> dict[str, tuple[int, ...]]:
        """All values of each class: several may have one name.

        Raises:
            PromptingError: a class that no value has
        """
        found = {name: tuple(v for v, n in self.names.items() if spelled(n, classes) == name) for name in classes}
        missing = [name for name, values in found.items() if not values]
        if missing:
            known = ", ".join(dict.fromkeys(self.names.values()))
            raise PromptingError(f"The mask targets of {field_name!r} have no {missing[0]!r}; they have: {known}.")
        return found


def _is_colour(key) -> bool:
    return isinstance(key, str) and key.startswith("#")


def is_void(name: str) -> bool:
    """Whether a class is called void, ignore, unlabeled or the like."""
    return "".join(letter for letter in same_name(name) if letter.isalpha()) in VOID_NAMES


def ignored_values(given: str | int | Sequence | None) -> tuple[int, ...] | None:
    """What a person wrote for ``ignore_values``: numbers, colours as ``#rrggbb``, a list or text with commas of them.

    Returns:
        the values; none at all for ``"none"`` and an empty list; None for what nobody wrote, which is automatic

    Raises:
        PromptingError: what is no value
    """
    if given is None or (isinstance(given, str) and not given.strip()):
        return None
    try:
        parts = given.split(",") if isinstance(given, str) else list(given) if np.iterable(given) else [given]
        parts = [part.strip() if isinstance(part, str) else part for part in parts]
        if parts == ["none"]:
            return ()
        return tuple(_value(part) for part in parts if not (isinstance(part, str) and part == ""))
    except (TypeError, ValueError, OverflowError) as error:
        raise PromptingError(
            f"ignore_values are mask values such as 255, colours such as #ff0000, or 'none', not {given!r}.",
            "ignore_values",
        ) from error


def _value(part) -> int:
    if _is_colour(part):
        return int(part[1:], 16)
    if isinstance(part, (bool, np.bool_)) or int(part) != (int(part) if isinstance(part, str) else part):
        raise ValueError("no whole number")
    return int(part)


def listed(values: Sequence[int] | set[int], colours: bool = False) -> str:
    """Values for reading, the lowest first, colours as #rrggbb."""
    ordered = sorted(values)
    shown = [f"#{value:06x}" if colours else str(value) for value in ordered[:SHOWN]]
    return ", ".join(shown) + (f" … ({len(ordered)} in all)" if len(ordered) > SHOWN else "")
