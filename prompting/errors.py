"""What can be wrong with what a person asked for. Each message is one sentence: what was wrong, and what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager


class PromptingError(ValueError):
    """Base of everything that is the request's fault and not the code's.

    Messages name parameters as a call from Python does (``existing='skip'``); forms show them in their own labels, at
    the field of the parameter.

    Attributes:
        parameter: the parameter that has to change, None where it is none of them
    """

    def __init__(self, message: str = "", parameter: str | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter


class PromptError(PromptingError):
    """A prompt that SAM 2 would accept in silence and answer with nonsense."""


class ModelUnavailable(PromptingError):
    """A model that can't be had on this machine; the message names the bundled one."""


class DatabaseLost(PromptingError):
    """FiftyOne's database failed or is away; what was written is whole."""


class Stopped(PromptingError):
    """Somebody asked a run to stop, and it did: what it wrote is whole, and the message says how to go on.

    Attributes:
        rest: what the same request must say of results that exist, to do what is left; None: what it says
    """

    def __init__(self, message: str = "", rest: str | None = None) -> None:
        super().__init__(message)
        self.rest = rest


@contextmanager
def concerning(parameter: str) -> Iterator[None]:
    """Whatever is refused inside concerns this parameter, where the error doesn't name another."""
    try:
        yield
    except PromptingError as error:
        error.parameter = error.parameter or parameter
        raise


def first_line(error: BaseException) -> str:
    """Another library's error in one line: its type, and the beginning of what it says."""
    lines = str(error).removeprefix("ERROR ❌️ ").strip().splitlines()
    if not lines:
        return type(error).__name__
    return f"{type(error).__name__}: {textwrap.shorten(lines[0], 200, placeholder=' …').rstrip('.')}"
