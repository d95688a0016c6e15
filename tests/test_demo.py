"""The demo's annotations fit their photographs, and the demo runs from the shell."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest
from PIL import Image

from demo.dataset import make_dataset
from demo.photographs import ANNOTATIONS

ROOT = Path(__file__).parents[1]
PEOPLE = {"bus.jpg": 4, "zidane.jpg": 2, "astronaut.png": 1, "camera.png": 1, "chelsea.png": 0, "coffee.png": 0}


@pytest.fixture(scope="module")
def annotations() -> dict:
    return json.loads(ANNOTATIONS.read_text())


def test_eight_people_are_outlined(annotations):
    names = {image["id"]: image["file_name"] for image in annotations["images"]}
    people = [names[annotation["image_id"]] for annotation in annotations["annotations"]]
    assert {name: people.count(name) for name in names.values()} == PEOPLE
    assert len(people) == 8


def test_the_sizes_are_those_of_the_photographs(annotations, photographs):
    for image in annotations["images"]:
        assert Image.open(photographs / image["file_name"]).size == (image["width"], image["height"])


def test_every_outline_lies_within_its_photograph_and_fills_its_box(annotations):
    sizes = {image["id"]: (image["width"], image["height"]) for image in annotations["images"]}
    for annotation in annotations["annotations"]:
        points = np.concatenate([np.reshape(polygon, (-1, 2)) for polygon in annotation["segmentation"]])
        assert (points >= 0).all() and (points <= sizes[annotation["image_id"]]).all()
        x, y, w, h = annotation["bbox"]
        np.testing.assert_allclose([*points.min(axis=0), *points.max(axis=0)], [x, y, x + w, y + h], atol=1.5)


def test_the_dataset_has_a_mask_for_everyone_and_says_where_nobody_is(dataset):
    people = {sample.filename: sample.ground_truth.detections for sample in dataset}
    assert {name: len(found) for name, found in people.items()} == PEOPLE
    assert all(detection.get_mask().any() for found in people.values() for detection in found)


def test_making_the_dataset_again_starts_from_a_clean_one(photographs):
    make_dataset("test-again", photographs).add_sample_field("sam2_clip_box_score", fo.FloatField)
    again = make_dataset("test-again", photographs)
    assert len(again) == 6
    assert "sam2_clip_box_score" not in again.get_field_schema()
    again.delete()


def tables(text: str) -> list[dict[str, dict[str, str]]]:
    """Markdown's tables: rows by their first cell, cells by their column."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        header, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines())
        found.append({row[0]: dict(zip(header, row)) for row in rows})
    return found


def test_the_demo_prints_its_tables_and_draws_its_picture():
    environment = {**os.environ, "FIFTYONE_DATABASE_NAME": "demo"}
    picture = ROOT / "demo" / "output" / "strategies.png"
    command = [sys.executable, "demo/run.py", "--no-app"]
    picture.unlink(missing_ok=True)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    first, *_, losses, curves = tables(done.stdout)
    assert len(first) == len(losses) == 9
    assert {"clip_point", "clip_iterative", "yolo_box", "field_box"} <= first.keys()
    scores = [float(row["mean IoU"]) for row in first.values()]
    assert scores == sorted(scores, reverse=True)
    assert first["clip_point"]["vs. baseline"] == ""
    for strategy, row in losses.items():
        parts = sum(float(row[part]) for part in ("miss", "stray", "prompt", "choice", "segmenter"))
        assert parts == pytest.approx(float(row["1 − mean IoU"]), abs=0.003)
        assert float(row["1 − mean IoU"]) == pytest.approx(1 - float(first[strategy]["mean IoU"]), abs=0.0011)
    assert {"box", "point", "points", "box_points"} <= curves.keys()
    with Image.open(picture) as sheet:
        assert sheet.width > 9 * 200 and np.asarray(sheet).std() > 20
