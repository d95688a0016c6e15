"""Plotly figures as plain dicts, for the App's panel (dark, or in its light theme) and the report (light).

Each function returns ``{"data": [...], "layout": {...}}``: lists, numbers and
text alone, None where a value isn't known. ``data`` is empty where there is
nothing to draw. Colours are those of :mod:`prompting.analysis.palette`, which people with
any colour vision can tell apart.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..prompts.strategies import is_automatic
from . import figure_style as style
from .attribution import PARTS
from .figure_style import IOU, Figure
from .palette import GREEN, GREY, NONE, ORANGE, PURPLE, SKY, VERMILLION, colours_of, ink_on
from .robustness import JITTER, SCALE, SHIFT, Curve
from .slices import Slice
from .statistics import TIE, mean_interval

if TYPE_CHECKING:
    from .comparison import Comparison
    from .findings import Findings

PART_COLOURS = dict(zip(PARTS, (VERMILLION, ORANGE, SKY, PURPLE, GREEN), strict=True))
CHANGE_TITLES = {
    JITTER: ("box edges jittered", "moved by up to (% of side)"),
    SCALE: ("box shrunk or grown", "change of the sides (%)"),
    SHIFT: ("points moved", "moved by (% of √area)"),
}


def mean_iou_bars(comparison: Comparison, dark: bool, colours: Mapping[str, str] = NONE) -> Figure:
    """A bar a strategy, the best on top, with its 95 % interval, and a dotted line at the baseline's mean."""
    rows = comparison.rows
    colours = colours_of([row.strategy for row in rows], colours)
    baseline = next((row for row in rows if row.strategy == comparison.baseline), None)
    bars = {
        "type": "bar",
        "orientation": "h",
        "name": "mean IoU",
        "y": [row.strategy for row in rows],
        "x": style.floats(row.mean_iou for row in rows),
        "text": [f"{row.mean_iou:.3f}" for row in rows],
        "textposition": "inside",
        "insidetextanchor": "start",
        "textfont": {"color": [ink_on(colours[row.strategy]) for row in rows]},
        "hovertext": [_scores(row) for row in rows],
        "hoverinfo": "text",
        "marker": style.bars_style({row.strategy: colours[row.strategy] for row in rows}),
        "error_x": {
            **style.whiskers([row.mean_iou for row in rows], [row.low for row in rows], [row.high for row in rows]),
            "color": style.ink(dark),
        },
    }
    layout = style.layout("Mean IoU with its 95 % interval", "mean IoU over images", "", dark)
    layout["xaxis"]["range"] = [0, 1]
    style.one_line_each(layout, len(rows))
    if baseline:
        layout["shapes"] = [style.line(baseline.mean_iou, -0.5, baseline.mean_iou, len(rows) - 0.5, dark)]
        side = "right" if baseline.mean_iou > 0.75 else "center"  # or the plot's edge cuts it
        note = style.note(f"baseline {baseline.strategy}", baseline.mean_iou, -0.5, side, "bottom", None)
        layout["annotations"] = [note]
    return {"data": [bars] if rows else [], "layout": layout}


def error_bars(findings: Findings, dark: bool) -> Figure:
    """Where each strategy's loss comes from: the mean over images of every part, stacked; the diamond is their sum."""
    names = [n for n in findings.strategies if n in findings.errors and len(style.known(findings.errors[n][PARTS[0]]))]
    means = {name: {part: style.mean(findings.errors[name][part]) for part in PARTS} for name in names}
    stacks = [
        {
            "type": "bar",
            "orientation": "h",
            "name": part,
            "y": names,
            "x": style.floats(means[name][part] for name in names),
            "marker": {"color": PART_COLOURS[part]},
            "hovertemplate": "%{y}<br>" + part + " %{x:.3f}<extra></extra>",
        }
        for part in PARTS
    ]
    total = {
        "type": "scatter",
        "mode": "markers",
        "name": "1 − mean IoU",
        "y": names,
        "x": style.floats(sum(means[name].values()) for name in names),
        "marker": {
            "symbol": "diamond",
            "size": 10,
            "color": style.ink(dark),
            "line": {"width": 1, "color": style.paper(dark)},
        },
        "hovertemplate": "%{y}<br>1 − mean IoU %{x:.3f}<extra></extra>",
    }
    layout = style.layout("Where the loss comes from", "mean part of 1 − IoU", "", dark)
    style.one_line_each(layout, len(names))
    layout |= {"barmode": "relative", "showlegend": True, "height": layout["height"] + 60}
    layout["legend"] |= {"traceorder": "normal", "y": -60 / (30 * max(2, len(names)))}  # below the axis' title
    return {"data": [*stacks, total] if names else [], "layout": layout}


def scatter(findings: Findings, a: str, b: str, dark: bool) -> Figure:
    """A point an image: the IoU of ``a`` (upwards) against that of ``b``; ``ids`` are sample ids, for the lasso.

    Images that one of the two has no score for are left out. Diamonds are pictures that a strategy learned from.
    """
    ones, others = findings.iou.get(a), findings.iou.get(b)
    if ones is None or others is None:
        return {"data": [], "layout": style.layout(f"{a} against {b}", f"IoU of {b}", f"IoU of {a}", dark)}
    rows = np.flatnonzero(~np.isnan(ones) & ~np.isnan(others))
    gain = ones[rows] - others[rows]
    better, worse = findings.colour_of(a), findings.colour_of(b)
    colours = np.select([gain > TIE, gain < -TIE], [better, worse], GREY)
    wins, losses = int(np.sum(gain > TIE)), int(np.sum(gain < -TIE))
    points = _points(findings, rows, others[rows], ones[rows], f"{a} against {b}")
    points["marker"] = {"size": 8, "opacity": 0.8, "color": colours.tolist()}
    taught = [findings.sample_ids[row] in findings.references for row in rows]
    points["hovertemplate"] = f"%{{text}}<br>{a} %{{y:.3f}}<br>{b} %{{x:.3f}}<extra></extra>"
    layout = style.layout(f"{a} against {b}, {len(rows)}\u00a0images", f"IoU of {b}", f"IoU of {a}", dark)
    layout |= {"dragmode": "lasso", "hovermode": "closest", "height": 460, "shapes": [style.line(0, 0, 1, 1, dark)]}
    layout["xaxis"]["range"], layout["yaxis"]["range"] = IOU, IOU
    layout["annotations"] = [
        style.note(f"{a} better: {wins}", 0.02, 0.98, "left", "top", better),
        style.note(f"{b} better: {losses}", 0.98, 0.02, "right", "bottom", worse),
    ]
    if any(taught):
        points["marker"]["symbol"] = ["diamond" if one else "circle" for one in taught]
        layout["annotations"].append(style.note(f"◆ references: {sum(taught)}", 0.02, 0.92, "left", "top", None))
    return {"data": [points] if len(rows) else [], "layout": layout}


def reliability(
    comparison: Comparison, strategies: Sequence[str], dark: bool, colours: Mapping[str, str] = NONE
) -> Figure:
    """The true IoU against the predicted one, a line a strategy, a point a bin; the dotted line is a perfect score."""
    lines, colours = [], colours_of([row.strategy for row in comparison.rows], colours)
    for row in comparison.rows:
        if row.strategy not in strategies or row.calibration is None:
            continue
        bins = row.calibration.bins
        most = max(part.count for part in bins)
        sizes = [6 + 8 * math.sqrt(part.count / most) for part in bins]
        lines.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": row.strategy,
                "x": style.floats(part.predicted for part in bins),
                "y": style.floats(part.true for part in bins),
                "text": [f"{part.count} images" for part in bins],
                **style.line_style(row.strategy, colours[row.strategy], sizes, dark),
                "hovertemplate": "%{fullData.name}<br>predicted %{x:.3f}<br>true %{y:.3f}<br>%{text}<extra></extra>",
            }
        )
    layout = style.layout("Is the predicted IoU to be trusted?", "predicted IoU", "true IoU", dark)
    layout |= {"showlegend": True, "height": 480, "shapes": [style.line(0, 0, 1, 1, dark)]}
    layout["xaxis"]["range"], layout["yaxis"]["range"] = IOU, IOU
    return {"data": lines, "layout": layout}


def slices(
    findings: Findings,
    groups: Sequence[Slice],
    strategies: Sequence[str],
    dark: bool,
    intervals: bool = False,
    title: str = "Mean IoU by slice",
) -> Figure:
    """Mean IoU of some strategies in each slice, grouped.

    Args:
        findings: with the IoU
        groups: slices whose rows are rows of the findings
        strategies: which; those without scores are left out
        dark: for the App
        intervals: also draw the 95 % bootstrap intervals, which takes up to 0.1 s a bar on thousands of images
        title: of the figure
    """
    names = [name for name in strategies if name in findings.iou]
    known = {name: [style.known(findings.iou[name][group.rows]) for group in groups] for name in names}
    kept = [i for i in range(len(groups)) if any(len(known[name][i]) for name in names)]
    places = list(range(len(kept)))
    bars = []
    for name in names:
        values = [known[name][i] for i in kept]
        means = [style.mean(v) for v in values]
        bar = {
            "type": "bar",
            "name": name,
            "x": places,
            "y": style.floats(means),
            "marker": style.bar_style(name, findings.colour_of(name)),
            "text": [f"{len(v)} images" for v in values],
            "textposition": "none",
            "hovertemplate": f"{name}<br>mean IoU %{{y:.3f}}<br>%{{text}}<extra></extra>",
        }
        if intervals:
            low, high = zip(*(mean_interval(v) or (None, None) for v in values)) if values else ((), ())
            bar["error_y"] = {**style.whiskers(means, low, high), "color": style.ink(dark)}
        bars.append(bar)
    counts = {i: max(len(known[name][i]) for name in names) for i in kept}
    layout = style.layout(html.escape(title, quote=False), "", "mean IoU over images", dark)
    layout["xaxis"] |= {
        "tickmode": "array",
        "tickvals": places,
        "ticktext": [f"{html.escape(groups[i].label, quote=False)}<br>n = {counts[i]}" for i in kept],
    }
    layout["yaxis"]["range"] = [0, 1.02]
    layout |= {"barmode": "group", "showlegend": True, "height": 480}
    layout["legend"]["y"] = -0.34  # a narrow panel turns the slices' names
    return {"data": bars if kept else [], "layout": layout}


def robustness(curves: Sequence[Curve], dark: bool) -> Figure:
    """How the IoU falls as prompts get worse: beside each other the ways to disturb them, a line a type of prompt."""
    changes = [change for change in (JITTER, SCALE, SHIFT) if any(curve.change == change for curve in curves)]
    people = max((curve.count for curve in curves), default=0)
    layout = style.layout(f"How wrong a prompt may be ({people} instances)", "", "mean IoU of instances", dark)
    axis, annotations, lines = layout.pop("xaxis"), [], []
    shown: set[str] = set()
    gap, width = 0.05, 1 / max(1, len(changes))
    for number, change in enumerate(changes):
        title, label = CHANGE_TITLES[change]
        ends = [number * width + gap / 2, (number + 1) * width - gap / 2]
        suffix = "" if number == 0 else str(number + 1)
        layout[f"xaxis{suffix}"] = {
            **axis,
            "domain": ends,
            "title": {"text": label, "font": {"size": 11}},
            "zeroline": change == SCALE,
        }
        annotations.append(style.note(title, sum(ends) / 2, 1, "center", "bottom", None, paper=True))
        for curve in curves:
            if curve.change == change:
                lines.append({**_curve(curve), "xaxis": f"x{suffix}", "showlegend": curve.prompt not in shown})
                shown.add(curve.prompt)
    layout |= {"annotations": annotations, "showlegend": True, "height": 420}
    return {"data": lines, "layout": layout}


def agreement(findings: Findings, dark: bool) -> Figure:
    """Whether agreement tells which images are hard: the strategies' mean and best IoU against it, a point an image.

    Strategies that take their prompts from a field are left out, as they are of
    the agreement. Before an evaluation: how many images have which agreement.
    """
    known = ~np.isnan(findings.agreement)
    names = [name for name in findings.iou if is_automatic(name)] or list(findings.iou)
    if not names:
        return _agreement_counts(findings, known, dark)
    ious = np.stack([findings.iou[name] for name in names])
    rows = np.flatnonzero(known & ~np.isnan(ious).all(axis=0))
    ious = ious[:, rows]
    agreed, best, mean = findings.agreement[rows], np.nanmax(ious, axis=0), np.nanmean(ious, axis=0)
    traces = []
    for name, values, colour, symbol in (("best", best, SKY, "circle"), ("mean", mean, ORANGE, "diamond")):
        points = _points(findings, rows, agreed, values, f"{name} IoU")
        points["marker"] = {"size": 8, "opacity": 0.8, "color": colour, "symbol": symbol}
        points["hovertemplate"] = f"%{{text}}<br>agreement %{{x:.3f}}<br>{name} IoU %{{y:.3f}}<extra></extra>"
        traces.append(points)
    layout = style.layout("Does agreement tell the hard images?", "agreement (mean IoU of pairs)", "IoU", dark)
    layout |= {"dragmode": "lasso", "hovermode": "closest", "showlegend": True, "height": 420}
    layout["xaxis"]["range"], layout["yaxis"]["range"] = IOU, IOU
    return {"data": traces if len(rows) else [], "layout": layout}


def _agreement_counts(findings: Findings, known: np.ndarray, dark: bool) -> Figure:
    counts, edges = np.histogram(findings.agreement[known], bins=20, range=(0, 1))
    bars = {
        "type": "bar",
        "name": "images",
        "x": style.floats((edges[:-1] + edges[1:]) / 2),
        "y": counts.tolist(),
        "width": [0.048] * len(counts),
        "marker": {"color": SKY},
        "hovertemplate": "%{y} images<extra></extra>",
    }
    layout = style.layout("Agreement between the strategies", "agreement (mean IoU of pairs)", "images", dark)
    layout["xaxis"]["range"] = IOU
    layout["yaxis"] |= {"dtick": 1} if counts.max() < 6 else {}
    return {"data": [bars] if known.any() else [], "layout": layout}


def _points(findings: Findings, rows: np.ndarray, x: np.ndarray, y: np.ndarray, name: str) -> Figure:
    """Images as markers that know their sample."""
    ids = [findings.sample_ids[row] for row in rows]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": style.floats(x),
        "y": style.floats(y),
        "ids": ids,
        "customdata": ids,
        "text": [_name(findings, row) for row in rows],
    }


def _name(findings: Findings, row: int) -> str:
    """The picture's file, or its number where that isn't known."""
    return html.escape(findings.files[row], quote=False) if findings.files else f"image {row + 1}"


def _curve(curve: Curve) -> Figure:
    colour, symbol = style.PROMPT_STYLES[curve.prompt]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": curve.prompt.replace("_", " and "),
        "legendgroup": curve.prompt,
        "x": style.floats(100 * severity for severity in curve.severity),
        "y": style.floats(curve.mean_iou),
        "error_y": {**style.whiskers(curve.mean_iou, curve.low, curve.high), "thickness": 1, "width": 3},
        "line": {"color": colour},
        "marker": {"color": colour, "symbol": symbol, "size": 8},
        "hovertemplate": "%{fullData.name}, %{x} %<br>IoU %{y:.3f}<extra></extra>",
    }


def _scores(row) -> str:
    between = "" if row.low is None else f"<br>95 % interval {row.low:.3f} – {row.high:.3f}"
    return f"{row.strategy}<br>mean IoU {row.mean_iou:.3f}{between}"
