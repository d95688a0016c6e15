"""Which pictures tell most: where strategies differ, or, without a truth, where they disagree."""

import numpy as np
import pytest

from prompting.analysis.comparison import Comparison, Row
from prompting.analysis.findings import Findings
from prompting.report.telling import PICTURES, telling

NAN = float("nan")


def make(agreement=None, images=None, **ious) -> Findings:
    """Findings with these IoU; the first strategy is the baseline."""
    scores = {name: np.array(values, float) for name, values in ious.items()}
    images = images or len(next(iter(scores.values())))
    rows = [Row(n, images, 1, float(np.nanmean(v)), *[None] * 2, *[0.5] * 5, 0, None, None) for n, v in scores.items()]
    unknown = np.full(images, NAN)
    names = tuple(scores) or ("clip_point", "clip_box")
    return Findings(
        prefix="sam2",
        strategies=names,
        comparison=Comparison.of(rows, scores, names[0]) if rows else None,
        sample_ids=[str(i) for i in range(images)],
        status={name: ["ok"] * images for name in names},
        score=dict.fromkeys(names, unknown),
        iou=scores,
        errors={},
        agreement=unknown if agreement is None else np.array(agreement, float),
        instances=unknown,
        size=unknown,
    )


def test_pictures_come_in_the_order_of_the_spread_of_their_iou():
    findings = make(clip_point=[0.1, 0.5, 0.9], clip_box=[0.2, 0.9, 0.1])
    _, examples = telling(findings)
    assert [example.row for example in examples] == [2, 1, 0]
    assert examples[0].reason == "IoU from 0.10 to 0.90"


def test_pictures_that_all_strategies_do_alike_are_not_shown():
    _, examples = telling(make(clip_point=[1.0, 0.5], clip_box=[1.0, 0.9]))
    assert [example.row for example in examples] == [1]


def test_where_no_picture_differs_the_worst_are_shown():
    sentence, examples = telling(make(clip_point=[0.9, 0.2], clip_box=[0.9, 0.2]))
    assert [example.row for example in examples] == [1, 0]
    assert "lowest IoU" in sentence


def test_of_one_strategy_the_worst_pictures_are_shown():
    _, examples = telling(make(clip_point=[0.9, 0.2, NAN]))
    assert [(example.row, example.strategies) for example in examples] == [(1, ("clip_point",)), (0, ("clip_point",))]


def test_without_a_truth_the_pictures_with_the_lowest_agreement_are_shown():
    sentence, examples = telling(make(agreement=[0.9, NAN, 0.1], images=3))
    assert [(example.row, example.reason) for example in examples] == [(2, "agreement 0.10"), (0, "agreement 0.90")]
    assert "agree the least" in sentence


def test_without_any_score_the_first_pictures_are_shown():
    _, examples = telling(make(images=20))
    assert [example.row for example in examples] == list(range(PICTURES))


def test_of_many_strategies_best_worst_leader_and_baseline_are_shown_the_best_first():
    ious = {
        "clip_point": [0.3, 0.3],  # the baseline
        "clip_box": [0.5, 0.5],
        "clip_points": [0.4, 0.4],
        "clip_box_neg": [0.9, 0.1],  # the best on the first picture
        "clip_box_points": [0.1, 0.9],  # the worst on it
        "yolo_box": [0.8, 0.8],  # the best of all
    }
    _, examples = telling(make(**ious))
    (example,) = [example for example in examples if example.row == 0]
    assert example.strategies == ("clip_box_neg", "yolo_box", "clip_point", "clip_box_points")


def test_four_are_shown_also_where_one_strategy_is_all_of_these():
    ious = {"clip_point": [0.1], "clip_box": [0.9], "clip_points": [0.5], "clip_box_neg": [0.4], "yolo_box": [0.2]}
    _, (example,) = telling(make(**ious))
    assert example.strategies == ("clip_box", "clip_points", "clip_box_neg", "clip_point")


@pytest.mark.parametrize("count", [1, 12, 40])
def test_there_are_at_most_twelve(count):
    rng = np.random.default_rng(0)
    _, examples = telling(make(clip_point=rng.uniform(0, 0.4, count), clip_box=rng.uniform(0.6, 1, count)))
    assert len(examples) == min(count, 12)
