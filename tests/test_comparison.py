"""The table that says which strategy won."""

import json
import math

import pytest

from prompting.comparison import COLUMNS, Comparison, Row, format_row


def row(strategy: str, mean_iou: float, **changes) -> Row:
    given = {
        "images": 6, "support": 1000, "pooled_iou": 0.5, "dice": 0.6, "precision": 0.7, "recall": 0.8,
        "without_prompt": 1, "seconds": 0.25, "decoder_calls": 2.5,
        "low": mean_iou - 0.05, "high": mean_iou + 0.05,
    }  # fmt: skip
    return Row(strategy=strategy, mean_iou=mean_iou, **{**given, **changes})


@pytest.fixture
def table() -> Comparison:
    return Comparison.of([row("clip_point", 0.5), row("clip_box", 0.75), row("yolo_box", 0.25)], "clip_point")


def test_best_strategy_comes_first(table):
    assert [r.strategy for r in table.rows] == ["clip_box", "clip_point", "yolo_box"]


def test_equal_strategies_are_ordered_by_name():
    table = Comparison.of([row("b", 0.5), row("c", 0.9), row("a", 0.5)], "a")
    assert [r.strategy for r in table.rows] == ["c", "a", "b"]


def test_difference_is_to_the_baseline(table):
    assert {r.strategy: r.difference for r in table.rows} == {"clip_box": 0.25, "clip_point": 0, "yolo_box": -0.25}


def test_without_the_baseline_there_is_no_difference():
    table = Comparison.of([row("clip_box", 0.75)], "clip_point")
    assert table["clip_box"].difference is None
    assert format_row(table["clip_box"])[COLUMNS.index("vs. baseline")] == ""


def test_row_is_found_by_its_strategy(table):
    assert table["yolo_box"].mean_iou == 0.25


def test_printed_table_is_markdown_with_all_columns(table):
    head, rule, *lines = str(table).splitlines()
    assert [cell.strip() for cell in head.strip("|").split("|")] == list(COLUMNS)
    assert set(rule) == {"|", "-", ":"}
    assert rule.count(":") == len(COLUMNS) - 1
    assert len({len(line) for line in (head, rule, *lines)}) == 1
    cells = dict(zip(COLUMNS, (cell.strip() for cell in lines[0].strip("|").split("|"))))
    assert cells == {
        "strategy": "clip_box", "mean IoU": "0.750", "95 % interval": "0.700 – 0.800", "vs. baseline": "+0.250",
        "pooled IoU": "0.500", "Dice": "0.600",
        "precision": "0.700", "recall": "0.800", "no prompt": "1", "s / image": "0.25", "decoder calls": "2.5",
        "images": "6", "support": "1000",
    }  # fmt: skip


def test_what_is_not_known_stays_empty_and_what_is_no_number_is_a_dash():
    cells = dict(zip(COLUMNS, format_row(row("clip_box", 0.5, precision=math.nan, seconds=None, decoder_calls=None))))
    assert (cells["precision"], cells["s / image"], cells["decoder calls"]) == ("–", "", "")


def test_table_survives_json(table):
    assert Comparison.from_dict(json.loads(json.dumps(table.to_dict()))) == table


def test_strategy_that_is_not_in_the_table_is_told_those_that_are(table):
    with pytest.raises(KeyError, match="'clip_points' is not in the table; it has: clip_box, clip_point, yolo_box"):
        table["clip_points"]
