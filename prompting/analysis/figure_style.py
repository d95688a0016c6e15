"""What all figures have in common: colours, axes, and how numbers become plain JSON."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .palette import GREEN, ORANGE, SKY, VERMILLION, is_second

Figure = dict[str, Any]

PROMPT_STYLES = {
    "box": (SKY, "circle"),
    "point": (ORANGE, "diamond"),
    "points": (GREEN, "square"),
    "box_points": (VERMILLION, "triangle-up"),
}
"""Colour and marker of each type of prompt."""

IOU = [-0.02, 1.02]
"""An axis on which points at 0 and 1 aren't cut."""

NO_NUMBER = "none"

GRID = "rgba(0,0,0,0.1)"


TITLE_WIDTH = 36
"""Characters in a line of a title, which has to fit a panel 300 pixels wide: Plotly cuts what doesn't."""


def layout(title: str, x: str, y: str, dark: bool) -> Figure:
    lines = textwrap.wrap(title, TITLE_WIDTH)
    axis = {"automargin": True} if dark else {"gridcolor": GRID, "zerolinecolor": GRID, "automargin": True}
    written = {} if dark else {"color": ink(dark)}
    return {
        "title": {"text": "<br>".join(lines), "x": 0.02, "xref": "container", "xanchor": "left", "font": {"size": 15}},
        "font": {**written, "size": 12},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 60, "r": 20, "t": 40 + 20 * len(lines), "b": 50},
        "showlegend": False,
        # below, where it takes no width from a narrow panel's plot
        "legend": {
            **{"bgcolor": "rgba(0,0,0,0)", "font": written},
            **{"orientation": "h", "x": 0, "y": -0.22, "yanchor": "top"},
        },
        "xaxis": {**axis, "title": {"text": x}},
        "yaxis": {**axis, "title": {"text": y}},
    }


def one_line_each(layout: Figure, rows: int) -> None:
    """Make room for a horizontal bar a strategy, the first on top."""
    layout["yaxis"] |= {"autorange": "reversed", "type": "category", "showgrid": False}
    layout["yaxis"] |= {"ticks": "outside", "ticklen": 4, "tickcolor": "rgba(0,0,0,0)"}
    layout |= {"height": 130 + 30 * max(rows, 2), "bargap": 0.25}


def line(x0: float, y0: float, x1: float, y1: float, dark: bool) -> Figure:
    line = {"color": ink(dark), "width": 1, "dash": "dot"}
    return {"type": "line", "x0": x0, "y0": y0, "x1": x1, "y1": y1, "line": line}


def note(text: str, x: float, y: float, xanchor: str, yanchor: str, colour: str | None, paper: bool = False) -> Figure:
    """Words in the figure, in a colour or that of all other words."""
    place = {"xref": "paper", "yref": "paper"} if paper else {}
    anchors = {"xanchor": xanchor, "yanchor": yanchor}
    return {
        "text": text,
        "x": x,
        "y": y,
        **place,
        **anchors,
        "showarrow": False,
        "font": {"color": colour} if colour else {},
    }


def whiskers(means: Sequence[float], low: Sequence[float | None], high: Sequence[float | None]) -> Figure:
    """Plotly's error bars, which are lengths; none where there is no interval.

    Plotly takes null for a length of 0 and draws a cap: just what is no number at all is left out.
    """
    known = [None not in ends for ends in zip(low, high)]
    above = [round(float(h - m), 5) if k else NO_NUMBER for m, h, k in zip(means, high, known)]
    below = [round(float(m - lo), 5) if k else NO_NUMBER for m, lo, k in zip(means, low, known)]
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below}


def line_style(strategy: str, colour: str, sizes: Sequence[float], dark: bool) -> Figure:
    """Of a strategy's line; the markers' edges let yellow be seen on white."""
    again = is_second(strategy)
    edge = {"color": ink(dark), "width": 1}
    marker = {"color": colour, "symbol": "diamond" if again else "circle", "size": list(sizes), "line": edge}
    return {"line": {"color": colour, "dash": "dash" if again else "solid"}, "marker": {**marker, "opacity": 1}}


def bar_style(strategy: str, colour: str) -> Figure:
    """Of a strategy's bars: its colour, hatched where another one may have it too."""
    return {"color": colour, "pattern": {"shape": "/" if is_second(strategy) else ""}}


def bars_style(colours: Mapping[str, str]) -> Figure:
    """The same of one trace that has a bar a strategy."""
    styles = [bar_style(strategy, colour) for strategy, colour in colours.items()]
    shapes = [one["pattern"]["shape"] for one in styles]
    return {"color": [one["color"] for one in styles], "pattern": {"shape": shapes}}


def known(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values)]


def mean(values: np.ndarray) -> float:
    values = known(values)
    return float(values.mean()) if len(values) else math.nan


def floats(values: Iterable[float | None]) -> list[float | None]:
    """Plain floats with as many decimals as anybody sees, None for what isn't known."""
    return [None if value is None or math.isnan(value) else round(float(value), 5) for value in values]


def ink(dark: bool) -> str:
    """Of lines; the App's must be seen in its light theme too, whose words and grids the App colours itself."""
    return "#8a8a8a" if dark else "#222222"


def paper(dark: bool) -> str:
    return "#222222" if dark else "#ffffff"
