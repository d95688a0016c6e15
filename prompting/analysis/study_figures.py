"""A study drawn: what quality costs, and how it changes with each part of a strategy; Plotly figures as plain JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..prompts.strategies import strategy_of
from . import figure_style as style
from .figure_style import Figure
from .palette import BLUE, GREY, ORANGE


@dataclass(frozen=True)
class Point:
    """A point of a curve.

    Attributes:
        value: of the part
        name: the strategy's
        mean: its mean IoU: the best one's, plus the mean difference to it on the pictures that both were scored on
        low, high: 95 % interval of that difference, at the same place
        pictures: those pictures
    """

    value: object
    name: str
    mean: float
    low: float | None
    high: float | None
    pictures: int


@dataclass(frozen=True)
class Dot:
    """What a strategy costs, and what it is worth.

    Attributes:
        name: the strategy's
        calls: mean decoder calls a picture
        mean: mean IoU
        ended: whether it was scored on all pictures, and hadn't stopped
        in_front: whether none is both better and no dearer
    """

    name: str
    calls: float
    mean: float
    ended: bool
    in_front: bool


def cost(dots: Sequence[Dot], dark: bool = False) -> Figure:
    """Each strategy's mean IoU against its decoder calls, those that stopped in grey, and Pareto's front."""
    shown = {
        "type": "scatter",
        "mode": "markers",
        "x": [dot.calls for dot in dots],
        "y": [dot.mean for dot in dots],
        "text": [strategy_of(dot.name).spelling for dot in dots],
        "marker": {"color": [BLUE if dot.ended else GREY for dot in dots], "size": 8},
        "hovertemplate": "%{text}<br>%{x:.1f} decoder calls, mean IoU %{y:.3f}<extra></extra>",
    }
    front = sorted((dot for dot in dots if dot.in_front), key=lambda dot: dot.mean)
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": [dot.calls for dot in front],
        "y": [dot.mean for dot in front],
        "line": {"color": ORANGE, "shape": "hv"},
        "hoverinfo": "skip",
    }
    title = "What quality costs: the line is Pareto's front, grey stopped"
    return {"data": [line, shown], "layout": style.layout(title, "decoder calls a picture", "mean IoU", dark)}


def curve(points: Sequence[Point], part: str, around: str, dark: bool = False) -> Figure:
    """The mean IoU against one part, all else as in the strategy ``around``; whiskers are of the difference to it."""
    trace = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": ["as given" if point.value is None else point.value for point in points],
        "y": [point.mean for point in points],
        "text": [strategy_of(point.name).spelling for point in points],
        "line": {"color": BLUE},
        "hovertemplate": "%{text}<br>mean IoU %{y:.3f}<extra></extra>",
    }
    if points and all(point.low is not None for point in points):
        above, below = [p.high - p.mean for p in points], [p.mean - p.low for p in points]
        trace["error_y"] = {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "width": 4}
    words = part.replace("_", " ")
    title = f"Mean IoU against {words}, around {around}"
    return {"data": [trace] if points else [], "layout": style.layout(title, words, "mean IoU", dark)}
