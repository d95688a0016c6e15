"""Which files and clusters a request may name: it comes from a browser, and runs with the rights of the App's server.

Two environment variables of the App's server name folders (separated as in ``PATH``), a third one clusters: see
SECURITY.md.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from .errors import PromptingError

CHECKPOINTS = "SAM2_PROMPTING_CHECKPOINTS"
WRITTEN = "SAM2_PROMPTING_REPORTS"
"""It was for reports first, and keeps its name."""
CLUSTERS = "SAM2_PROMPTING_CLUSTERS"


def check_pickle(name: str, official: Sequence[str]) -> Path | None:
    """The file of a pickled checkpoint that may be loaded, or None for an official name.

    Unpickling runs what code the file holds. What the official download serves is trusted, and so is a folder that
    the administrator named; anything else is refused, be it asked for from Python.

    Args:
        name: a name or a path
        official: the names that the official download serves

    Raises:
        PromptingError: neither, with the variable to set
    """
    if name in official:
        return None
    path = Path(name).expanduser()
    if not _within(path, _folders(CHECKPOINTS)):
        raise PromptingError(
            f"The checkpoint {name!r} is a pickle, which can run code: choose an official name such as 'yolo26x.pt', or"
            f" put the file below a folder that the environment variable {CHECKPOINTS} names."
        )
    if not path.is_file():
        raise PromptingError(f"There is no checkpoint {path}; see where the file is.")
    return path.resolve()


def check_written_folder(folder: str, what: str) -> None:
    """Refuse a folder that a request from the App may not write to.

    Without the variable it has to be below the home folder of who runs the server, and not hidden.

    Args:
        folder: as the request names it
        what: would be written there, such as ``reports``

    Raises:
        PromptingError: with the folders that are allowed
    """
    if ".." in Path(folder).parts:
        raise PromptingError(f"The folder {folder!r} goes up with '..'; name it as it is.")
    named, allowed = _folders(WRITTEN), written_folders()
    path = Path(folder).expanduser().absolute()
    if not _within(path, allowed):
        raise PromptingError(
            f"From the App, {what} may be written below {' or '.join(map(str, allowed))}, and {folder!r} is not; name"
            f" another folder, or have the server's environment variable {WRITTEN} allow it."
        )
    if not named and any(part.startswith(".") for part in path.resolve().relative_to(allowed[0]).parts):
        raise PromptingError(f"The folder {folder!r} is hidden; name one that is not.")


def check_cluster(address: str | None) -> None:
    """Refuse a Ray cluster that a request from the App may not use: who starts workers there runs code there.

    None, which starts Ray on the server's own machine, is allowed: the server runs the same code anyway.

    Raises:
        PromptingError: with the variable to set
    """
    if address is not None and address not in clusters():
        raise PromptingError(
            f"From the App, and for queued runs, the cluster {address!r} may not be used; have the server's environment"
            f" variable {CLUSTERS} name it, or start the run from Python.",
            "ray_address",
        )


def clusters() -> list[str]:
    """The addresses of the Ray clusters that a request from the App may use, separated by commas in the variable."""
    return [name.strip() for name in os.environ.get(CLUSTERS, "").split(",") if name.strip()]


def written_folders() -> list[Path]:
    """The folders below which a request from the App may write: reports, and masks."""
    return _folders(WRITTEN) or [Path.home().resolve()]


def _folders(variable: str) -> list[Path]:
    named = os.environ.get(variable, "").split(os.pathsep)
    return [Path(folder).expanduser().resolve() for folder in named if folder.strip()]


def _within(path: Path, folders: Sequence[Path]) -> bool:
    """Whether a file is below any of the folders, wherever links lead."""
    return any(path.resolve().is_relative_to(folder) for folder in folders)
