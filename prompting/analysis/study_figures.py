"""A study drawn: what quality costs, and how it changes with each part of a strategy; Plotly figures as plain JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..prompts.strategies import strategy_of
from . import figure_style as style
from .figure_style import Figure
from .palette import BLUE, GREY, ORANGE

if TYPE_CHECKING:
    from .study import Study


def figures(study: Study, dark: bool) -> dict[str, Figure]:
    """Cost against quality, and the curve of each part that was varied around the recommended strategy, by names."""
    from .study import PARTS

    curves = {part: curve(study, part, dark) for part in PARTS if len(study.curve(part)) > 1}
    return {"cost": cost(study, dark), **curves}


def cost(study: Study, dark: bool = False) -> Figure:
    """Each strategy's mean IoU against its decoder calls, those that stopped in grey, and Pareto's front."""
    shown = [i for i in range(len(study.names)) if study.judged[i]]
    colours = [BLUE if i in study.finalists else GREY for i in shown]
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": [float(study.cost[i]) for i in shown],
        "y": [float(study.levels[i]) for i in shown],
        "text": [strategy_of(study.names[i]).spelling for i in shown],
        "marker": {"color": colours, "size": 8},
        "hovertemplate": "%{text}<br>%{x:.1f} decoder calls, mean IoU %{y:.3f}<extra></extra>",
    }
    front = [study.names.index(name) for name in study.front]
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": [float(study.cost[i]) for i in front],
        "y": [float(study.means[i]) for i in front],
        "line": {"color": ORANGE, "shape": "hv"},
        "hoverinfo": "skip",
    }
    title = "What quality costs: the line is Pareto's front, grey stopped"
    return {"data": [line, dots], "layout": style.layout(title, "decoder calls a picture", "mean IoU", dark)}


def curve(study: Study, part: str, dark: bool = False) -> Figure:
    """The mean IoU against one part, all else as in the recommended strategy; whiskers are of the difference to it."""
    points = study.curve(part)
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
    title = f"Mean IoU against {words}, around {study.best.spelling}"
    return {"data": [trace] if points else [], "layout": style.layout(title, words, "mean IoU", dark)}
