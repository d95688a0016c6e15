"""The tables that say which strategy won."""

import json
import math

import numpy as np
import pytest

from prompting.analysis.calibration import Bin, Calibration
from prompting.analysis.comparison import Comparison, Row, interval, p_value
from prompting.analysis.instances import InstanceScores

SCORES = {
    "clip_point": np.array([0.25, 0.5, 0.75]),
    "clip_box": np.array([0.5, 0.75, 1.0]),
    "yolo_box": np.array([0.0, 0.0, 0.75]),
}


def row(strategy: str, mean_iou: float, **changes) -> Row:
    given = {
        "images": 3, "support": 1000, "boundary_iou": 0.4, "pooled_iou": 0.5, "dice": 0.6, "precision": 0.7,
        "recall": 0.8, "without_prompt": 1, "seconds": 0.25, "decoder_calls": 2.5,
        "low": mean_iou - 0.05, "high": mean_iou + 0.05,
    }  # fmt: skip
    return Row(strategy=strategy, mean_iou=mean_iou, **{**given, **changes})


@pytest.fixture
def table() -> Comparison:
    return Comparison.of([row(name, float(ious.mean())) for name, ious in SCORES.items()], SCORES, "clip_point")


def cells(table: Comparison, which: int, strategy: str) -> dict[str, str]:
    shown = table.tables()[which]
    return next(dict(zip(shown.columns, line)) for line in shown.rows if line[0] == strategy)


def test_best_strategy_comes_first(table):
    assert [r.strategy for r in table.rows] == ["clip_box", "clip_point", "yolo_box"]


def test_equal_strategies_are_ordered_by_name():
    scores = {name: np.zeros(2) for name in "abc"}
    table = Comparison.of([row("b", 0.5), row("c", 0.9), row("a", 0.5)], scores, "a")
    assert [r.strategy for r in table.rows] == ["c", "a", "b"]


def test_difference_is_to_the_baseline_image_by_image(table):
    assert table["clip_box"].difference.mean == pytest.approx(0.25)
    assert (table["clip_box"].difference.wins, table["clip_box"].difference.losses) == (3, 0)
    assert table["yolo_box"].difference.mean == pytest.approx(-0.25)
    assert (table["yolo_box"].difference.ties, table["yolo_box"].difference.losses) == (1, 2)
    assert table["clip_point"].difference is None


def test_another_baseline_gives_other_differences_and_the_same_scores(table):
    other = table.with_baseline(SCORES, "clip_box")
    assert other["clip_box"].difference is None
    assert other["clip_point"].difference.mean == pytest.approx(-0.25)
    assert [r.mean_iou for r in other.rows] == [r.mean_iou for r in table.rows]
    assert other.with_baseline(SCORES, "clip_point") == table


def test_without_the_baseline_there_is_no_difference():
    table = Comparison.of([row("clip_box", 0.75)], SCORES, "field_box")
    assert table["clip_box"].difference is None
    assert cells(table, 0, "clip_box")["vs. baseline"] == ""


def test_row_is_found_by_its_strategy(table):
    assert table["yolo_box"].mean_iou == 0.25


def test_scores_are_shown_with_their_intervals(table):
    assert cells(table, 0, "clip_box") == {
        "strategy": "clip_box", "mean IoU": "0.750", "95 % interval": "0.700 – 0.800", "vs. baseline": "+0.250",
        "its interval": "+0.250 … +0.250", "p": p_value(table["clip_box"].difference.p),
        "win / tie / loss": "3 / 0 / 0",
    }  # fmt: skip
    assert list(cells(table, 0, "clip_point").values())[3:] == [""] * 4


def test_boundaries_and_pixels_have_a_table_of_their_own(table):
    assert cells(table, 1, "clip_box") == {
        "strategy": "clip_box", "boundary IoU": "0.400", "pooled IoU": "0.500", "Dice": "0.600", "precision": "0.700",
        "recall": "0.800", "images": "3", "pixels": "1000",
    }  # fmt: skip


def test_the_price_comes_last(table):
    shown = {"strategy": "clip_box", "no prompt": "1", "s / image": "0.25", "decoder calls": "2.5"}
    assert cells(table, -1, "clip_box") == shown


def test_instances_and_trust_are_shown_where_they_are_known(table):
    assert len(table.tables()) == 3
    full = row(
        "clip_box",
        0.5,
        instances=InstanceScores(0.5, 1.0, 0.8, 4, 2, 2, 0),
        calibration=Calibration((Bin(0.5, 0.6, 0.55, 0.5, 3),), 0.05, None, 3),
    )
    both = Comparison.of([full], SCORES, "clip_point")
    assert cells(both, 2, "clip_box")["missed"] == "2"
    assert cells(both, 3, "clip_box")["calibration error"] == "0.050"
    assert cells(both, 3, "clip_box")["rank correlation"] == "–"
    assert Comparison.from_dict(json.loads(json.dumps(both.to_dict()))) == both


def test_printed_tables_are_markdown_with_all_columns(table):
    for shown in table.tables():
        head, rule, *lines = shown.markdown().splitlines()
        assert [cell.strip() for cell in head.strip("|").split("|")] == list(shown.columns)
        assert set(rule) == {"|", "-", ":"}
        assert rule.count(":") == len(shown.columns) - 1
        assert len({len(line) for line in (head, rule, *lines)}) == 1
        assert shown.markdown() in str(table)


def test_what_is_not_known_stays_empty_and_what_is_no_number_is_a_dash():
    table = Comparison.of([row("clip_box", 0.5, precision=math.nan, seconds=None, decoder_calls=None)], SCORES, "x")
    assert list(cells(table, -1, "clip_box").values())[2:] == ["", ""]
    assert cells(table, 1, "clip_box")["precision"] == "–"


def test_ends_of_an_interval_have_signs_where_they_are_differences():
    assert interval(-0.1, 0.2) == "-0.100 – 0.200"
    assert interval(-0.1, 0.2, "+") == "-0.100 … +0.200"
    assert interval(None, None) == ""


def test_small_p_values_are_not_zero():
    assert [p_value(p) for p in (None, 0.0, 0.0009, 0.03, 1.0)] == ["", "< 0.001", "< 0.001", "0.030", "1.000"]


def test_table_survives_json(table):
    assert Comparison.from_dict(json.loads(json.dumps(table.to_dict()))) == table


def test_strategy_that_is_not_in_the_table_is_told_those_that_are(table):
    with pytest.raises(KeyError, match="'clip_points' is not in the table; it has: clip_box, clip_point, yolo_box"):
        table["clip_points"]
