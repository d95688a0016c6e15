"""What is counted of masks adds up, whatever the masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompting.analysis.agreement import mean_pairwise_iou
from prompting.analysis.calibration import calibrate, rank_correlation
from prompting.analysis.instances import match, pairwise_iou
from prompting.analysis.metrics import image_iou
from tests.properties.shapes import MANY, SEEDS, several_masks

SCORES = st.lists(st.tuples(*[st.floats(0, 1) | st.just(float("nan"))] * 2), max_size=12)


@MANY
@given(several_masks())
def test_agreement_is_the_mean_over_pairs_in_any_order(stack):
    maps = list(stack.astype(np.uint8))
    agreement = mean_pairwise_iou(maps, [1])
    if len(maps) < 2:
        assert agreement is None
        return
    pairs = [image_iou(a, b, [1]) for i, a in enumerate(maps) for b in maps[i + 1 :]]
    assert agreement == pytest.approx(np.mean(pairs)) == mean_pairwise_iou(maps[::-1], [1])


@MANY
@given(several_masks(), st.integers(0, 4), SEEDS)
def test_every_instance_is_matched_missed_or_left_over_once(stack, cut, seed):
    found, there = stack[:cut], stack[cut:]
    crowd = np.random.default_rng(seed).random(stack.shape[1:]) < 0.3
    matches = match(found, there, crowd)
    assert matches.truths == len(there) == len(matches.ious) + matches.misses
    assert len(matches.ious) <= matches.predictions <= len(found)
    assert 0 <= matches.duplicates <= matches.predictions - len(matches.ious)
    assert all(0.5 <= iou <= 1 for iou in matches.ious)


@MANY
@given(several_masks())
def test_masks_match_themselves(stack):
    ious = pairwise_iou(stack, stack)
    assert np.array_equal(ious, ious.T) and ((ious >= 0) & (ious <= 1)).all()
    assert np.array_equal(np.diag(ious), stack.any(axis=(1, 2)).astype(float))


@MANY
@given(SCORES)
def test_scores_of_any_kind_are_calibrated_or_not_known(pairs):
    predicted, true = np.array(pairs, float).reshape(-1, 2).T
    known = int((~np.isnan(predicted) & ~np.isnan(true)).sum())
    calibration = calibrate(predicted, true)
    assert (calibration is None) == (known == 0)
    if calibration:
        assert sum(part.count for part in calibration.bins) == calibration.images == known
        assert 0 <= calibration.error <= 1
    correlation = rank_correlation(predicted, true)
    assert correlation is None or -1 <= correlation <= 1 + 1e-9
