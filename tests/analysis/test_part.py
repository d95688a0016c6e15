"""The comparison over some of the pictures: their stored scores and nothing else."""

import numpy as np
import pytest

from prompting.analysis.part import part_of
from prompting.analysis.statistics import mean_interval
from tests.analysis.test_figures import NAN, make


def test_a_part_has_its_pictures_alone_in_the_order_of_the_whole():
    whole = make()
    part = part_of(whole, ["id7", "id2", "id5", "elsewhere"])
    assert part.sample_ids == ["id2", "id5", "id7"]
    for arrays in ("score", "iou"):
        for name in whole.strategies:
            np.testing.assert_array_equal(getattr(part, arrays)[name], getattr(whole, arrays)[name][[2, 5, 7]])
    np.testing.assert_array_equal(part.agreement, whole.agreement[[2, 5, 7]])
    assert {len(values) for of in part.errors.values() for values in of.values()} == {3}


def test_means_and_intervals_are_computed_anew():
    whole, wanted = make(), [f"id{i}" for i in range(4, 20)]
    for row in part_of(whole, wanted).comparison.rows:
        ious = whole.iou[row.strategy][4:20]
        known = ious[~np.isnan(ious)]
        assert row.images == len(known) and row.mean_iou == pytest.approx(known.mean())
        assert (row.low, row.high) == pytest.approx(mean_interval(ious))


def test_the_best_of_a_part_comes_first_and_the_baseline_stays():
    whole = make()
    comparison = part_of(whole, ["id3", "id4", "id6"]).comparison
    means = [row.mean_iou for row in comparison.rows]
    assert means == sorted(means, reverse=True) and comparison.baseline == whole.comparison.baseline


def test_what_is_known_of_whole_evaluations_alone_is_left_out():
    part = part_of(make(), ["id3", "id4"])
    assert part.curves == ()
    for row in part.comparison.rows:
        assert (row.support, row.instances) == (None, None)
        assert all(map(np.isnan, (row.pooled_iou, row.dice, row.precision, row.recall)))


def test_a_strategy_without_a_score_in_the_part_is_in_no_row_and_without_any_there_is_no_comparison():
    whole = make()
    whole.iou["clip_box"][:3] = NAN
    assert {row.strategy for row in part_of(whole, ["id0", "id1"]).comparison.rows} == {"clip_point", "yolo_box"}
    assert part_of(whole, []).comparison is None
    assert part_of(make(comparison=None), ["id3"]).comparison is None


def test_prompts_that_were_not_found_are_counted_where_there_is_a_score():
    whole = make()
    whole.status["yolo_box"] = ["no_prompt"] * len(whole.sample_ids)
    whole.iou["yolo_box"][:] = 0.5
    whole.iou["yolo_box"][1] = NAN
    rows = {row.strategy: row for row in part_of(whole, ["id0", "id1", "id2"]).comparison.rows}
    assert (rows["yolo_box"].without_prompt, rows["clip_box"].without_prompt) == (2, 0)
