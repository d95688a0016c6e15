"""What a database that is gone or full means for a run, in words."""

from __future__ import annotations

from pymongo.errors import PyMongoError

from ..errors import DatabaseLost, PromptingError


def in_words(error: Exception) -> Exception:
    """The error itself, or a DatabaseLost where the database is at the bottom of it.

    FiftyOne hides some of the database's errors in its own: their causes are searched.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, PyMongoError):
        cause = cause.__cause__ or cause.__context__
    if cause is None or isinstance(error, PromptingError):
        return error
    said = str(cause).split(",")[0].split(" Timeout:")[0].strip()
    return DatabaseLost(
        f"FiftyOne's database failed ({type(cause).__name__}: {said}). Every sample is as it was or complete: see that"
        " the database runs and has space on its disk, and run again with existing='skip'."
    )
