"""Figures: Plotly accepts them, JSON holds them, and they show the numbers that they were given."""

import json
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
import pytest

from prompting.analysis import figures
from prompting.analysis.attribution import PARTS
from prompting.analysis.calibration import calibrate
from prompting.analysis.comparison import Comparison, Row
from prompting.analysis.figure_style import ink
from prompting.analysis.findings import Findings
from prompting.analysis.palette import colour_of
from prompting.analysis.robustness import Curve
from prompting.analysis.slices import Slice, slices_of
from prompting.analysis.statistics import differences, mean_interval
from prompting.prompts.strategies import STRATEGIES

IMAGES = 30
NAN = float("nan")


def comparison_of(ious: dict[str, np.ndarray], predicted: dict[str, np.ndarray], baseline: str) -> Comparison:
    rows = []
    for name, values in ious.items():
        low, high = mean_interval(values) or (None, None)
        row = Row(name, len(values), 100, float(np.nanmean(values)), low, high, NAN, 0.5, 0.5, 0.5, 0.5, 0, None, None)
        rows.append(Row(**{**vars(row), "calibration": calibrate(predicted[name], values)}))
    return Comparison.of(rows, ious, baseline)


def make(strategies=("clip_point", "clip_box", "yolo_box"), images=IMAGES, **changes) -> Findings:
    """Findings of random numbers, with something unknown in each array."""
    rng = np.random.default_rng(0)
    iou = {name: rng.uniform(0, 1, images) for name in strategies}
    score = {name: np.clip(values + rng.normal(0, 0.1, images), 0, 1) for name, values in iou.items()}
    errors = {name: dict(zip(PARTS, rng.normal(0.1, 0.2, (len(PARTS), images)))) for name in strategies}
    made = {
        "prefix": "sam2",
        "strategies": tuple(strategies),
        "comparison": comparison_of(iou, score, strategies[0]),
        "sample_ids": [f"id{i}" for i in range(images)],
        "status": {name: ["ok"] * images for name in strategies},
        "score": {name: _one_unknown(values) for name, values in score.items()},
        "iou": {name: _one_unknown(values) for name, values in iou.items()},
        "errors": {name: {part: _one_unknown(v) for part, v in of.items()} for name, of in errors.items()},
        "agreement": _one_unknown(rng.uniform(0, 1, images)),
        "instances": rng.integers(0, 4, images).astype(float),
        "size": rng.uniform(0, 1, images),
        "curves": curves(),
    }
    return Findings(**{**made, **changes})


def curves() -> tuple[Curve, ...]:
    means, low, high = (0.9, 0.8, 0.6), (0.85, 0.7, 0.5), (0.95, 0.9, 0.7)
    ways = [("box", "jitter", (0, 0.05, 0.2)), ("box", "scale", (-0.2, 0, 0.2)), ("points", "shift", (0, 0.05, 0.2))]
    return tuple(Curve(prompt, change, severity, means, low, high, 7) for prompt, change, severity in ways)


def nothing() -> Findings:
    """Strategies that were applied, and no more."""
    unknown = np.full(IMAGES, NAN)
    without = {"comparison": None, "iou": {}, "errors": {}, "curves": (), "agreement": unknown}
    return make(**without, score=dict.fromkeys(("clip_point", "clip_box", "yolo_box"), unknown))


def _one_unknown(values: np.ndarray) -> np.ndarray:
    values = np.array(values, float)
    if len(values) > 1:
        values[3 % len(values)] = NAN
    return values


FIGURES = {
    "mean_iou_bars": lambda f, dark: figures.mean_iou_bars(f.comparison or Comparison((), "clip_point"), dark),
    "error_bars": figures.error_bars,
    "scatter": lambda f, dark: figures.scatter(f, "yolo_box", "clip_point", dark),
    "reliability": lambda f, dark: figures.reliability(f.comparison or Comparison((), "x"), f.strategies, dark),
    "slices": lambda f, dark: figures.slices(f, slices_of(f.instances), f.strategies, dark, intervals=True),
    "robustness": lambda f, dark: figures.robustness(f.curves, dark),
    "agreement": figures.agreement,
}


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
@pytest.mark.parametrize("findings", [make(), make(images=1), nothing()], ids=["many", "one image", "nothing"])
def test_plotly_accepts_every_figure_and_json_holds_it(findings, draw, dark):
    figure = draw(findings, dark)
    assert json.loads(json.dumps(figure, allow_nan=False)) == figure
    go.Figure(figure)  # raises on any attribute or value that Plotly doesn't know


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_words_and_grids_have_the_apps_own_colours_in_both_its_themes(draw):
    layout = draw(make(), True)["layout"]
    assert "color" not in layout["font"] and "color" not in layout["legend"]["font"]
    assert not any("gridcolor" in layout[axis] for axis in layout if axis.startswith(("xaxis", "yaxis")))
    assert draw(make(), False)["layout"]["font"]["color"] == ink(False)


def test_lines_are_seen_on_the_papers_of_both_themes():
    line, papers = luminance(ink(True)), [luminance("#1b1b1b"), luminance("#fafafa")]
    assert all((max(line, paper) + 0.05) / (min(line, paper) + 0.05) > 3 for paper in papers)  # WCAG 2.1, 1.4.11


def luminance(colour: str) -> float:
    """Of ``#rrggbb``, as WCAG defines it."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_every_figure_has_a_title_and_names_for_axes_of_numbers(draw):
    layout = draw(make(), True)["layout"]
    assert layout["title"]["text"]
    assert any(layout[axis]["title"]["text"] for axis in layout if axis.startswith(("xaxis", "yaxis")))


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_where_there_is_nothing_to_draw_the_figure_is_empty(draw):
    assert draw(nothing(), True)["data"] == []
    assert draw(make(), True)["data"]


def test_bars_and_whiskers_are_the_means_and_their_intervals():
    comparison = make().comparison
    (bars,) = figures.mean_iou_bars(comparison, dark=False)["data"]
    assert bars["y"] == [row.strategy for row in comparison.rows]
    assert bars["x"] == pytest.approx([row.mean_iou for row in comparison.rows], abs=1e-5)
    upper = np.add(bars["x"], bars["error_x"]["array"])
    lower = np.subtract(bars["x"], bars["error_x"]["arrayminus"])
    np.testing.assert_allclose(upper, [row.high for row in comparison.rows], atol=1e-4)
    np.testing.assert_allclose(lower, [row.low for row in comparison.rows], atol=1e-4)


def test_each_strategy_has_its_colour_and_the_baseline_a_line_at_its_mean():
    comparison = make().comparison
    figure = figures.mean_iou_bars(comparison, dark=True)
    colours = dict(zip(figure["data"][0]["y"], figure["data"][0]["marker"]["color"]))
    assert colours == {name: colour_of(name) for name in colours}
    (line,) = figure["layout"]["shapes"]
    assert line["x0"] == line["x1"] == comparison["clip_point"].mean_iou


def test_a_single_image_has_no_whiskers():
    (bars,) = figures.mean_iou_bars(make(images=1).comparison, dark=True)["data"]
    assert not any(isinstance(length, float) for length in bars["error_x"]["array"])


def test_the_parts_of_each_bar_add_up_to_its_diamond():
    *stacks, total = figures.error_bars(make(), dark=True)["data"]
    assert [stack["name"] for stack in stacks] == list(PARTS)
    np.testing.assert_allclose(np.sum([stack["x"] for stack in stacks], axis=0), total["x"], atol=1e-4)


def test_each_part_has_its_own_colour_light_or_dark():
    drawn = [figures.error_bars(make(), dark)["data"][:-1] for dark in (True, False)]
    light, dark = ([stack["marker"]["color"] for stack in stacks] for stacks in drawn)
    assert light == dark
    assert len(set(light)) == len(PARTS)


def test_each_point_is_a_sample_that_both_strategies_have_a_score_for():
    findings = make()
    findings.iou["yolo_box"][5] = NAN
    (points,) = figures.scatter(findings, "yolo_box", "clip_point", dark=True)["data"]
    assert points["ids"] == [f"id{i}" for i in range(IMAGES) if i not in (3, 5)]
    i = points["ids"].index("id7")
    assert points["y"][i] == pytest.approx(findings.iou["yolo_box"][7], abs=1e-5)
    assert points["x"][i] == pytest.approx(findings.iou["clip_point"][7], abs=1e-5)
    assert points["text"][i] == "image 8"


def test_points_can_be_lassoed():
    figure = figures.scatter(make(), "yolo_box", "clip_point", dark=True)
    assert figure["layout"]["dragmode"] == "lasso"
    assert figure["data"][0]["mode"] == "markers"


def test_the_scatter_counts_as_many_wins_as_the_table():
    findings = make()
    against = differences(findings.iou, "clip_point")["yolo_box"]
    texts = [
        note["text"] for note in figures.scatter(findings, "yolo_box", "clip_point", True)["layout"]["annotations"]
    ]
    assert texts == [f"yolo_box better: {against.wins}", f"clip_point better: {against.losses}"]


def test_slices_say_how_many_images_they_have_and_show_their_mean():
    findings = make()
    groups = [Slice("few", np.array([0, 1])), Slice("with <b>tags</b>", np.arange(10))]
    figure = figures.slices(findings, groups, ["yolo_box"], dark=True)
    assert figure["layout"]["xaxis"]["ticktext"] == ["few<br>n = 2", "with &lt;b&gt;tags&lt;/b&gt;<br>n = 9"]
    expected = [np.nanmean(findings.iou["yolo_box"][group.rows]) for group in groups]
    assert figure["data"][0]["y"] == pytest.approx(expected, abs=1e-5)


def test_slices_without_any_score_are_left_out():
    groups = [Slice("unknown", np.array([3])), Slice("known", np.array([4]))]
    figure = figures.slices(make(), groups, ["yolo_box", "clip_box"], dark=True)
    assert figure["layout"]["xaxis"]["ticktext"] == ["known<br>n = 1"]
    assert all(len(bars["y"]) == 1 for bars in figure["data"])


def test_no_two_strategies_look_alike_and_each_looks_the_same_in_all_figures():
    findings = make(tuple(STRATEGIES))
    lines = figures.reliability(findings.comparison, findings.strategies, dark=True)["data"]
    bars = figures.slices(findings, slices_of(findings.instances), findings.strategies, dark=True)["data"]
    of_lines = {line["name"]: (line["line"]["color"], line["line"]["dash"] == "dash") for line in lines}
    of_bars = {bar["name"]: (bar["marker"]["color"], bar["marker"]["pattern"]["shape"] == "/") for bar in bars}
    assert of_lines == of_bars
    assert len(set(of_bars.values())) == len(STRATEGIES)


def test_a_strategy_of_ones_own_has_the_colour_of_the_app_in_all_figures_and_is_hatched():
    colours = {"mine": "#123456", "yolo_box": "#0072B2"}
    findings = make(("yolo_box", "mine"), colours=colours)
    (means,) = figures.mean_iou_bars(findings.comparison, False, findings.colours)["data"]
    lines = figures.reliability(findings.comparison, findings.strategies, False, findings.colours)["data"]
    bars = figures.slices(findings, slices_of(findings.instances), findings.strategies, dark=True)["data"]
    assert dict(zip(means["y"], means["marker"]["color"])) == colours
    assert dict(zip(means["y"], means["marker"]["pattern"]["shape"])) == {"mine": "/", "yolo_box": ""}
    assert {line["name"]: line["line"]["color"] for line in lines} == colours
    assert {bar["name"]: bar["marker"]["color"] for bar in bars} == colours


def test_the_reliability_curve_has_a_point_for_each_bin():
    comparison = make().comparison
    (line,) = figures.reliability(comparison, ["clip_box"], dark=True)["data"]
    bins = comparison["clip_box"].calibration.bins
    assert line["x"] == pytest.approx([part.predicted for part in bins], abs=1e-5)
    assert line["y"] == pytest.approx([part.true for part in bins], abs=1e-5)


def test_each_way_to_disturb_has_an_axis_and_each_prompt_one_entry_in_the_legend():
    figure = figures.robustness(curves(), dark=True)
    assert [trace["xaxis"] for trace in figure["data"]] == ["x", "x2", "x3"]
    ends = [figure["layout"][axis]["domain"] for axis in ("xaxis", "xaxis2", "xaxis3")]
    assert all(left[1] < right[0] for left, right in pairwise(ends))
    assert [(trace["name"], trace["showlegend"]) for trace in figure["data"]] == [
        ("box", True),
        ("box", False),
        ("points", True),
    ]
    assert figure["data"][1]["x"] == [-20, 0, 20]


def test_agreement_is_drawn_against_the_ious_of_strategies_that_find_their_prompts_themselves():
    findings = make(("clip_box", "yolo_box", "field_box"))
    best, mean = figures.agreement(findings, dark=True)["data"]
    automatic = np.stack([findings.iou["clip_box"], findings.iou["yolo_box"]])
    i = best["ids"].index("id9")
    assert best["y"][i] == pytest.approx(automatic[:, 9].max(), abs=1e-5)
    assert mean["y"][i] == pytest.approx(automatic[:, 9].mean(), abs=1e-5)
    assert best["x"][i] == pytest.approx(findings.agreement[9], abs=1e-5)


def test_without_a_truth_the_images_are_counted_by_their_agreement():
    findings = make(comparison=None, iou={}, errors={})
    (bars,) = figures.agreement(findings, dark=True)["data"]
    assert sum(bars["y"]) == np.sum(~np.isnan(findings.agreement))
