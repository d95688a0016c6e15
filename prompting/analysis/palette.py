"""The colours of the strategies, of the truth and of prompts: the same in the App, in the panel and in the report.

The first seven are Okabe and Ito's (2008) without black, the next three Tol's (2021), those that stay furthest from the
rest, and from each other, for the three kinds of colour blindness (CIEDE2000 at least 8 after Machado et al., 2009);
the last was searched for by the same rule. All can be seen on the App's dark grey, on paper and on photographs.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from ..prompts.strategies import STRATEGIES

BLUE, SKY, GREEN, YELLOW = "#0072B2", "#56B4E9", "#009E73", "#F0E442"
ORANGE, VERMILLION, PURPLE = "#E69F00", "#D55E00", "#CC79A7"
WINE, ROSE, LEAF, BRICK = "#AA3377", "#FFAABB", "#90C987", "#B40000"
GREY = "#999999"

STRATEGY_COLOURS = (SKY, ORANGE, GREEN, PURPLE, VERMILLION, WINE, BLUE, YELLOW, ROSE, LEAF, BRICK)
"""In the order of the table of strategies; what is often compared with each other lies far apart."""

POSITIVE, NEGATIVE = "#66ff66", "#c2003a"
"""Clicks: light green and dark red, which differ by their lightness where the hues look alike."""

NONE: Mapping[str, str] = MappingProxyType({})

TRUTH = "#ffffff"
"""No strategy is white."""


def colours_of(strategies: Iterable[str], given: Mapping[str, str] = NONE) -> dict[str, str]:
    """A colour for each of the strategies that are shown together, ``#rrggbb``.

    A strategy of the table has its own, and another one what follows from its name. Where one of the others has that
    already it is the next that is free, until all are taken.

    Args:
        strategies: names
        given: colours that some have already, and keep
    """
    names, places = set(strategies), {name: place for place, name in enumerate(STRATEGIES)}
    found = {name: given[name] for name in sorted(names) if name in given}
    for name in sorted(names.difference(found), key=lambda name: (places.get(name, len(places)), name)):
        first = places.get(name, zlib.crc32(name.encode())) % len(STRATEGY_COLOURS)
        turned = STRATEGY_COLOURS[first:] + STRATEGY_COLOURS[:first]
        taken = {colour.upper() for colour in found.values()}
        found[name] = next((colour for colour in turned if colour not in taken), turned[0])
    return found


def colour_of(strategy: str, all_strategies: Iterable[str] = ()) -> str:
    """A strategy's colour among others, ``#rrggbb``: see :func:`colours_of`.

    Example:
        >>> colour_of("clip_point"), colour_of("yolo_box")
        ('#56B4E9', '#0072B2')
    """
    return colours_of({*all_strategies, strategy})[strategy]


def is_second(strategy: str) -> bool:
    """Whether a strategy may share its colour with another one, and needs a pattern to be told apart."""
    return strategy not in STRATEGIES or list(STRATEGIES).index(strategy) >= len(STRATEGY_COLOURS)


def ink_on(colour: str) -> str:
    """Black or white, whichever is read better on a colour: the one with the larger contrast after WCAG 2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear))
    return "#000000" if luminance > 0.179 else "#ffffff"
