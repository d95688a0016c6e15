"""Scores are shares, and ignored pixels count for nothing."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from prompting.analysis.metrics import boundary_iou, image_iou, pooled_scores
from prompting.pixels.masks import IGNORED
from tests.properties.shapes import (
    MANY,
    masks,
    pairs,
)


@MANY
@given(pairs(), masks((24, 24)), st.sampled_from([image_iou, boundary_iou]))
def test_what_is_found_on_ignored_pixels_changes_no_score(pair, crowd, score):
    truth, found = (mask.astype(np.uint8) for mask in pair)
    ignored = crowd[: truth.shape[0], : truth.shape[1]]
    truth[ignored] = IGNORED
    otherwise = np.where(ignored, 1 - found, found)
    assert score(found, truth, [1]) == score(otherwise, truth, [1])
    assert 0 <= score(found, truth, [1]) <= 1


@MANY
@given(arrays(np.int64, (3, 3), elements=st.integers(0, 10**12)))
def test_pooled_scores_are_shares_or_undefined(confusion):
    scores = pooled_scores(confusion)
    assert set(scores) == {"iou", "dice", "precision", "recall"}
    assert all(np.isnan(value) or 0 <= value <= 1 for value in scores.values())
    assert np.isnan(scores["iou"]) or scores["iou"] <= scores["dice"] + 1e-12
