"""Where masks go: what the forms of operators that write them ask, and what a request may say."""

from __future__ import annotations

from collections.abc import Mapping

import fiftyone as fo
import fiftyone.operators.types as types

from ..prompting.errors import PromptingError, concerning
from ..prompting.trust import check_written_folder, written_folders
from .words import LABELS

FOLDERS = ("mask_dir", "rel_dir")


def ask(inputs: types.Object, begins: Mapping, now: Mapping) -> None:
    """The folder for masks, and below which one the pictures lie.

    Args:
        inputs: the form
        begins: what it begins with
        now: what is filled in
    """
    allowed = " or ".join(map(str, written_folders()))
    told = f"For PNG files, on the machine that runs the App, below {allowed}; empty: masks go into the database"
    inputs.str("mask_dir", default=begins.get("mask_dir"), label=LABELS["mask_dir"], description=told)
    if now.get("mask_dir"):
        told = "Below which the pictures lie: their own folders are made again in the folder for masks; empty: none are"
        inputs.str("rel_dir", default=begins.get("rel_dir"), label=LABELS["rel_dir"], description=told)


def check(params: Mapping) -> None:
    """Refuse a folder that a request from the App may not write to.

    Raises:
        PromptingError: with the folders that are allowed
    """
    if params.get("mask_dir"):
        with concerning("mask_dir"):
            check_written_folder(str(params["mask_dir"]), "masks")


def may_write_beside(dataset: fo.Dataset, prefix: str) -> bool:
    """Whether a request from the App may write to all folders that masks of a prefix are in: what it renders beside
    them goes there, or else into the database."""
    from ..prompting.dataset.names import run_key
    from ..prompting.dataset.present import known_strategies
    from ..prompting.dataset.records import mask_dirs

    try:
        for folder in mask_dirs(dataset, [run_key(prefix, name) for name in known_strategies(dataset, prefix)]):
            check_written_folder(folder, "masks")
    except PromptingError:
        return False
    return True


def begins_with(ctx) -> dict:
    """The folders for which the dataset's last run was asked: labels go where the strategies' masks are."""
    from ..prompting.dataset.last_run import last_asked

    return allowed({name: value for name, value in last_asked(ctx.dataset).items() if name in FOLDERS})


def allowed(asked: Mapping) -> dict:
    """What a form may begin with: without folders that somebody chose from Python and that the App can't."""
    try:
        check(asked)
    except PromptingError:
        return {name: value for name, value in asked.items() if name not in FOLDERS}
    return dict(asked)
