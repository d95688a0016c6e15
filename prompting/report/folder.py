"""Where a report goes if nobody says where."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import fiftyone as fo

from ..trust import written_folders
from .files import SHELF


def default_folder(dataset: fo.Dataset) -> Path:
    """``~/sam2-prompting-reports/<dataset>-<date>``, or the same below the first folder that the server allows.

    A number follows where a report of today is there already.
    """
    first = written_folders()[0] / SHELF / f"{dataset.slug or 'dataset'}-{date.today().isoformat()}"
    folder, number = first, 2
    while folder.exists() and any(folder.iterdir()):
        folder, number = first.with_name(f"{first.name}-{number}"), number + 1
    return folder
