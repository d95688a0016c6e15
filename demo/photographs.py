"""The demo's photographs, out of installed packages; without FiftyOne, as processes need them that have no database."""

from __future__ import annotations

import json
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

import skimage.data
import skimage.io

ANNOTATIONS = Path(__file__).parent / "annotations.json"


def write_photographs(folder: Path) -> None:
    """Put every photograph that annotations.json names into a folder; who reads one that is there meanwhile reads a
    whole one."""
    # not imported: where Ultralytics comes before torch, it leaves it one thread
    assets = Path(find_spec("ultralytics").origin).parent / "assets"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as unfinished:
        for entry in json.loads(ANNOTATIONS.read_text())["images"]:
            path = Path(unfinished, entry["file_name"])
            if (assets / path.name).exists():
                shutil.copyfile(assets / path.name, path)
            else:
                skimage.io.imsave(path, getattr(skimage.data, path.stem)(), check_contrast=False)
            path.replace(folder / path.name)
