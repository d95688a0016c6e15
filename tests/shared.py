"""What one of the test run's workers makes and the others read: each has a database of its own."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

if TYPE_CHECKING:
    import fiftyone as fo


def shared_folder(folder: Path, fill: Callable[[Path], object]) -> Path:
    """A folder that whoever comes first fills; who writes into it again writes the same, and each file whole."""
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            unfinished = folder.with_name(f"{folder.name}-{uuid.uuid4().hex[:8]}")
            fill(unfinished)
            unfinished.rename(folder)
    return folder


def shared_dataset(folder: Path, make: Callable[[], fo.Dataset]) -> fo.Dataset:
    """A dataset that whoever comes first makes, and writes down as FiftyOne does, with its runs and evaluations."""
    import fiftyone as fo

    made, kind = [], fo.types.FiftyOneDataset

    def write(into: Path) -> None:
        made.append(make())
        made[0].export(export_dir=str(into), dataset_type=kind, export_media=False, progress=False)

    shared_folder(folder, write)
    name = f"{folder.name}-{uuid.uuid4().hex[:8]}"
    return made[0] if made else fo.Dataset.from_dir(str(folder), kind, name=name, progress=False)
