"""Names of classes as people write them: case, spaces and the ways Unicode has to write one letter aside, two spellings
are one name."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def same_name(name: str) -> str:
    """What two spellings of one name have in common."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def spelled(name: str | None, classes: Sequence[str]) -> str | None:
    """The class that a label's name means, in the spelling in which it was asked for; None where it is none of them.

    The exact spelling comes first: who asks for ``Dog`` and ``dog`` gets both.
    """
    if name is None or name in classes:
        return name
    return next((wanted for wanted in classes if same_name(wanted) == same_name(name)), None)
