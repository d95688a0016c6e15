"""A dataset that other processes may open, what to ask for, and what has to come of it."""

from __future__ import annotations

import pytest

from tests import undisturbed


@pytest.fixture(autouse=True)
def one_thread():
    with undisturbed.one_thread():
        yield


@pytest.fixture
def plan(nano) -> dict:
    """What the runs are asked for."""
    return undisturbed.asked(nano)


@pytest.fixture(scope="session")
def twice(made_once):
    """The demo's photographs twice; to be cloned."""
    with undisturbed.repeated(made_once, 2) as dataset:
        yield dataset


@pytest.fixture
def source(twice):
    """The same, in a dataset of the test's own."""
    with undisturbed.persistent(twice) as dataset:
        yield dataset


@pytest.fixture(scope="session")
def wanted(twice, nano) -> list[dict]:
    """What an uninterrupted run makes of them."""
    return undisturbed.made_of(twice, undisturbed.asked(nano))
