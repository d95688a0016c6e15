"""Is the expected IoU of finished labels to be trusted? Drawn, as Plotly's plain JSON."""

from __future__ import annotations

import math

import numpy as np

from . import figure_style as style
from .calibration import calibrate
from .figure_style import IOU, Figure
from .palette import BLUE, GREY


def expected_figure(expected: np.ndarray, true: np.ndarray, dark: bool = False) -> Figure:
    """The labelled pictures' true IoU against the expected one, a dot each, and a line of bins; on the dotted line it
    is right.

    Args:
        expected: (L,) by models that didn't see the picture
        true: (L,)
        dark: for the App
    """
    found = calibrate(expected, true, bins=5)
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": style.floats(expected),
        "y": style.floats(true),
        "marker": {"color": GREY, "size": 6, "opacity": 0.6},
        "hovertemplate": "expected %{x:.3f}<br>true %{y:.3f}<extra></extra>",
    }
    bins = found.bins if found else ()
    most = max((part.count for part in bins), default=1)
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": style.floats(part.predicted for part in bins),
        "y": style.floats(part.true for part in bins),
        "text": [f"{part.count} images" for part in bins],
        "line": {"color": BLUE},
        "marker": {"size": [6 + 8 * math.sqrt(part.count / most) for part in bins]},
        "hovertemplate": "expected %{x:.3f}<br>true %{y:.3f}<br>%{text}<extra></extra>",
    }
    layout = style.layout("Is the expected IoU to be trusted?", "expected IoU", "true IoU", dark)
    layout |= {"height": 420, "shapes": [style.line(0, 0, 1, 1, dark)]}
    layout["xaxis"]["range"], layout["yaxis"]["range"] = IOU, IOU
    return {"data": [dots, line] if found else [], "layout": layout}
