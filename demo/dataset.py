"""The demo's photographs, out of installed packages, and our hand-made masks of the people in them."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import fiftyone as fo
import skimage.data
import skimage.io

ANNOTATIONS = Path(__file__).parent / "annotations.json"


def write_photographs(folder: Path) -> None:
    """Put every photograph that annotations.json names into a folder."""
    # not imported: where Ultralytics comes before torch, it leaves it one thread
    assets = Path(find_spec("ultralytics").origin).parent / "assets"
    folder.mkdir(parents=True, exist_ok=True)
    for entry in json.loads(ANNOTATIONS.read_text())["images"]:
        name = entry["file_name"]
        path = folder / name
        if (assets / name).exists():
            shutil.copyfile(assets / name, path)
        else:
            skimage.io.imsave(path, getattr(skimage.data, path.stem)(), check_contrast=False)


def make_dataset(name: str | None, folder: Path, persistent: bool = False) -> fo.Dataset:
    """A dataset of the photographs with the people's masks in ``ground_truth``; replaces one of the same name.

    A photograph without people gets an empty ``Detections``: it was looked at, and there is nobody.
    """
    write_photographs(folder)
    if name and fo.dataset_exists(name):
        fo.delete_dataset(name)
    dataset = fo.Dataset.from_dir(
        dataset_type=fo.types.COCODetectionDataset,
        data_path=str(folder),
        labels_path=str(ANNOTATIONS),
        label_types="segmentations",
        label_field="ground_truth",
        name=name,
        progress=False,
    )
    dataset.persistent = persistent
    for sample in dataset.iter_samples(autosave=True):
        if sample.ground_truth is None:
            sample["ground_truth"] = fo.Detections()
    return dataset
