"""What the benchmarks measure on: a COCO folder of one's own, or the demo's photographs."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def prepare() -> None:
    """Point FiftyOne at this clone; call it before FiftyOne is imported. Its datasets are not persistent."""
    os.environ["FIFTYONE_PLUGINS_DIR"] = str(ROOT)
    os.environ.setdefault("YOLO_OFFLINE", "1")
    os.environ.setdefault("FIFTYONE_LOGGING_LEVEL", "ERROR")  # its lines would cut the progress bars
    os.environ.setdefault("FIFTYONE_DATABASE_VALIDATION", "false")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the pictures are."""
    parser.add_argument("--images", type=Path, help="a folder of pictures (with --labels); default: the demo's")
    parser.add_argument("--labels", type=Path, help="their instance masks, in COCO's JSON")
    parser.add_argument("--limit", type=int, help="use the first so many")


def load(args: argparse.Namespace, default: int | None = None):
    """A FiftyOne dataset with instance masks in ``ground_truth``, of ``default`` pictures where no limit is given."""
    import fiftyone as fo

    from demo.dataset import make_dataset

    limit = args.limit or default
    if args.images is None:
        dataset = make_dataset(None, Path(tempfile.mkdtemp(prefix="sam2-prompting-photographs-")))
        if limit:
            dataset.delete_samples(dataset.skip(limit))
        return dataset
    dataset = fo.Dataset.from_dir(
        dataset_type=fo.types.COCODetectionDataset,
        data_path=str(args.images),
        labels_path=str(args.labels),
        label_types="segmentations",
        label_field="ground_truth",
        max_samples=limit,
        progress=False,
    )
    for sample in dataset.iter_samples(autosave=True):
        if sample.ground_truth is None:
            sample["ground_truth"] = fo.Detections()
    return dataset


def machine() -> str:
    """The machine in a line."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU only"
    return f"{platform.machine()}, {os.cpu_count()} cores, {device}, torch {torch.__version__}"
