"""The verdict says no more than the numbers do."""

from dataclasses import replace

import numpy as np
import pytest

from prompting.analysis.attribution import PARTS
from prompting.report.verdict import REMEDIES, verdict
from tests.analysis.test_figures import IMAGES, make


def findings_with(mean, low, high, p, **changes):
    """The winner is so much better than the baseline."""
    made = make(strategies=("clip_point", "yolo_box"), **changes)
    best = made.comparison.rows[0]
    versus = replace(_difference(made), mean=mean, low=low, high=high, p=p)
    rows = [replace(best, difference=versus), *made.comparison.rows[1:]]
    return replace(made, comparison=replace(made.comparison, rows=rows))


def _difference(made):
    return next(row.difference for row in made.comparison.rows if row.difference)


@pytest.mark.parametrize(
    ("mean", "low", "high", "p", "said"),
    [
        (0.1, 0.05, 0.15, 0.001, "That is more than chance."),
        (0.1, -0.02, 0.2, 0.4, "That may be chance: look at more pictures."),
        (0.1, 0.01, 0.2, 0.4, "its interval says so, the test of ranks doesn't"),
        (0.1, -0.01, 0.2, 0.001, "the test of ranks says so, its interval doesn't"),
        (0.1, None, None, 0.001, "the test of ranks says so, its interval doesn't"),
        (0.009, 0.005, 0.02, 0.001, "So small a difference is a tie (within 0.01)."),
    ],
)
def test_interval_and_test_must_agree_before_anything_is_more_than_chance(mean, low, high, p, said):
    assert said in verdict(findings_with(mean, low, high, p, errors={}))[1]


def test_the_first_sentence_names_the_winner_and_its_mean():
    findings = make()
    best = findings.comparison.rows[0]
    assert f"{best.strategy} has the highest mean IoU, {best.mean_iou:.3f}" in verdict(findings)[0]


def test_what_was_finished_from_strategies_wins_nothing_but_is_told():
    findings = make()
    first, second = findings.comparison.rows[:2]
    told = verdict(replace(findings, finished=frozenset([first.strategy])))[0]
    assert f"{second.strategy} has the highest mean IoU, {second.mean_iou:.3f}" in told
    assert f"The labels '{first.strategy}', finished from strategies, reach {first.mean_iou:.3f}." in told


def test_of_equals_both_are_named():
    findings = make()
    first, second, *others = findings.comparison.rows
    rows = (first, replace(second, mean_iou=first.mean_iou), *others)
    told = verdict(replace(findings, comparison=replace(findings.comparison, rows=rows)))[0]
    assert f"{first.strategy} and {second.strategy} have the highest mean IoU" in told


@pytest.mark.parametrize("largest", PARTS)
def test_the_largest_part_of_the_winners_loss_is_what_to_change_first(largest):
    parts = {part: np.full(IMAGES, 0.2 if part == largest else 0.05) for part in PARTS}
    findings = make(errors=dict.fromkeys(("clip_point", "clip_box", "yolo_box"), parts))
    assert verdict(findings)[-1] == f"The largest part of its loss of 0.400 (+0.200) is {REMEDIES[largest]}."


def test_a_loss_that_was_explained_on_some_pictures_says_on_how_many():
    some = {part: np.where(np.arange(IMAGES) < 5, 0.1, np.nan) for part in PARTS}
    findings = make(errors=dict.fromkeys(("clip_point", "clip_box", "yolo_box"), some))
    assert "its loss of 0.500 on the 5 images that were explained" in verdict(findings)[-1]


def test_where_nothing_is_lost_nothing_is_to_change():
    findings = make(
        errors=dict.fromkeys(("clip_point", "clip_box", "yolo_box"), dict.fromkeys(PARTS, np.zeros(IMAGES)))
    )
    assert verdict(findings)[-1] == "There is hardly a loss to explain."


def test_without_an_evaluation_it_says_that_nothing_is_known():
    assert verdict(make(comparison=None)) == [
        "These strategies were not scored against a ground truth, so it is not known which is the best."
    ]
