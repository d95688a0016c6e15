"""A dialog is told what is new at once, and how far a run is no oftener than somebody could read."""

import sys

import fiftyone.operators as foo
import pytest

from tests.operators.asking import URI


@pytest.fixture
def pace():
    """The module, as FiftyOne loaded it with the plugin."""
    foo.get_operator(f"{URI}/apply_strategies")
    return next(module for name, module in sys.modules.items() if name.endswith("operators.pace"))


def shown(label: str, share: float = 0.5) -> dict:
    labelled = {"type": {"properties": {"progress": {"view": {"label": label}}}}}
    return {"outputs": labelled, "results": {"progress": share}}


def test_how_far_it_is_is_told_twice_a_second_and_what_is_new_at_once(pace, monkeypatch):
    now = iter((0.0, 0.1, 0.2, 0.4, 0.6, 0.75))
    monkeypatch.setattr(pace.time, "monotonic", lambda: next(now))
    told = pace.Pace()
    steps = ("1 of 9, about 3 s left", "2 of 9, about 1 s left", "saving 2 of 9", "saving 3 of 9", "saving 4 of 9")
    assert [told.skips(shown(step)) for step in steps] == [False, True, False, True, True]
    assert not told.skips(shown("saving 5 of 9"))  # half a second after the last that was told


def test_ends_and_other_messages_are_never_left_out(pace):
    told = pace.Pace()
    for _ in range(3):
        assert not told.skips(None) and not told.skips(shown("done", 1.0)) and not told.skips({"results": {}})
