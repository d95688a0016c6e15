"""Each test is a person of its own."""

import pytest


@pytest.fixture(autouse=True)
def forms_begin_anew(nobody_asked_before):
    """Whichever tests ran before in this database."""
