"""Whether a folder that a person named can be written to: known before any work starts."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import PromptingError


def check_folder(folder: str | Path, what: str, shelf: str = "") -> Path:
    """The folder with its absolute path; it is there, or can be made in one that is.

    Args:
        folder: as a person said it
        what: is written to it, such as ``the report``
        shelf: a name of a parent that is made with the folder

    Raises:
        PromptingError: why nothing can be written there
    """
    if not str(folder).strip():
        raise PromptingError(f"Name a folder to write {what} to.")
    folder = Path(folder).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise PromptingError(f"{folder} is a file; name a folder to write {what} to.")
    there = folder if folder.exists() else folder.parent
    if there.name == shelf and not there.exists():
        there = there.parent
    if not there.is_dir():
        raise PromptingError(f"The folder {there} is not there; make it first, or name another one.")
    if not os.access(there, os.W_OK):
        raise PromptingError(f"{folder} can't be written to; name another folder.")
    return folder
