"""CLIP's windows cover the picture."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from prompting.priors.windows import starts
from tests.properties.shapes import (
    MANY,
)


@MANY
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 400))
def test_windows_cover_the_length_and_stay_inside(window, step, beyond):
    step, length = min(step, window), window + beyond
    found = starts(length, window, step)
    covered = np.zeros(length, bool)
    for start in found:
        assert 0 <= start <= length - window
        covered[start : start + window] = True
    assert covered.all() and found == sorted(set(found))
