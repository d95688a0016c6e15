"""The colours of the strategies, of the truth and of prompts: the same in the App, in the panel and in the report.

The first seven are Okabe and Ito's (2008) without black, the next three Tol's (2021), those that stay furthest from the
rest, and from each other, for the three kinds of colour blindness (CIEDE2000 at least 8 after Machado et al., 2009);
the last was searched for by the same rule. All can be seen on the App's dark grey, on paper and on photographs.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from ..prompts.strategies import STRATEGIES

BLUE, SKY, GREEN, YELLOW = "#0072B2", "#56B4E9", "#009E73", "#F0E442"
ORANGE, VERMILLION, PURPLE = "#E69F00", "#D55E00", "#CC79A7"
WINE, ROSE, LEAF, BRICK = "#AA3377", "#FFAABB", "#90C987", "#B40000"
GREY = "#999999"

STRATEGY_COLOURS = (SKY, ORANGE, GREEN, PURPLE, VERMILLION, WINE, BLUE, YELLOW, ROSE, LEAF, BRICK)
"""In the order of the table of strategies; what is often compared with each other lies far apart."""

POSITIVE, NEGATIVE = "#66ff66", "#c2003a"
"""Clicks: light green and dark red, which differ by their lightness where the hues look alike."""

TRUTH = "#ffffff"
"""No strategy is white."""


def colour_of(strategy: str, all_strategies: Iterable[str] = ()) -> str:
    """A strategy's colour, ``#rrggbb``.

    A strategy of the table has its own, whatever it is shown with. Another one's follows from its name alone, unless
    one of ``all_strategies`` has that colour: then the next that is free, until all are taken.

    Example:
        >>> colour_of("clip_point"), colour_of("yolo_box")
        ('#56B4E9', '#0072B2')
    """
    names = list(STRATEGIES)
    if strategy in STRATEGIES:
        return _built_in(names.index(strategy))
    others = {*all_strategies, strategy}
    taken = {_built_in(names.index(name)) for name in others if name in STRATEGIES}
    for name in sorted(others.difference(STRATEGIES)):
        first = zlib.crc32(name.encode()) % len(STRATEGY_COLOURS)
        turned = STRATEGY_COLOURS[first:] + STRATEGY_COLOURS[:first]
        colour = next((colour for colour in turned if colour not in taken), turned[0])
        if name == strategy:
            return colour
        taken.add(colour)
    raise AssertionError("The strategy is one of the others.")


def is_second(strategy: str) -> bool:
    """Whether a strategy may share its colour with another one, and needs a pattern to be told apart."""
    return strategy not in STRATEGIES or list(STRATEGIES).index(strategy) >= len(STRATEGY_COLOURS)


def ink_on(colour: str) -> str:
    """Black or white, whichever is read better on a colour: the one with the larger contrast after WCAG 2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear))
    return "#000000" if luminance > 0.179 else "#ffffff"


def _built_in(number: int) -> str:
    return STRATEGY_COLOURS[number % len(STRATEGY_COLOURS)]
