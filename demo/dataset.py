"""The demo's photographs and our hand-made masks of the people in them, as a dataset."""

from __future__ import annotations

from pathlib import Path

import fiftyone as fo

from demo.photographs import ANNOTATIONS, write_photographs


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
