"""Finished labels leave by FiftyOne's own exporters, and what comes back is the same, as far as a format can say it."""

import json
import time
import uuid

import cv2
import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest

from prompting.dataset import labels as stored
from prompting.dataset.names import LABELS
from prompting.labels.instances import instance_mask
from prompting.labels.outlines import outline
from prompting.pixels.masks import Window, intersection_over_union, paint

SAME = 0.98
review_labels = foo.get_operator("@promptlab/sam2-prompting/review_labels")
HEIGHT, WIDTH = 240, 320


def disc(x: int, y: int, radius: int) -> np.ndarray:
    return cv2.circle(np.zeros((HEIGHT, WIDTH), np.uint8), (x, y), radius, 1, -1).astype(bool)


PICTURES = {
    "several": [disc(80, 120, 60), disc(160, 110, 50), disc(250, 150, 45)],  # they overlap
    "small": [disc(60, 60, 40), disc(200, 100, 3), disc(300, 220, 8), disc(20, 200, 1), disc(100, 200, 0)],
    "touching": [disc(100, 120, 40), disc(181, 120, 40)],
    "parts": [disc(60, 80, 40) | disc(150, 80, 25), disc(260, 160, 40)],  # of one person
    "edges": [disc(0, 120, 60), disc(319, 0, 70), disc(160, 239, 40)],
    "holes": [disc(100, 120, 70) & ~disc(100, 120, 35), disc(250, 120, 40)],
    "nobody": [],
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Labels as they are written when they are finished: the mask, and each person cut out."""
    folder, dataset = tmp_path_factory.mktemp("pictures"), fo.Dataset(f"exports-{uuid.uuid4().hex[:8]}")
    rng = np.random.default_rng(0)
    for name, masks in PICTURES.items():
        path = str(folder / f"{name}.png")
        cv2.imwrite(path, rng.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8))
        windows = [Window.of(mask) for mask in masks]
        cut_out = [stored._cut_out(window, "person", i) for i, window in enumerate(windows)]
        mask = paint(windows, [1.0] * len(windows), [2] * len(windows), (HEIGHT, WIDTH))
        sample = fo.Sample(path, labels=fo.Segmentation(mask=mask), labels_instances=fo.Detections(detections=cut_out))
        dataset.add_sample(sample)
    dataset.mask_targets["labels"] = {2: "person", 3: "animal"}
    dataset.save()
    dataset.compute_metadata()
    dataset.register_run("labels_labels", dataset.init_run(method=LABELS, fields=["labels"], sources=[]))
    assert review_labels.outlines(dataset) == "labels_outlines"
    yield dataset
    dataset.delete()


@pytest.fixture
def read(request):
    """Read a dataset from a folder, for the test's time."""
    made = []

    def read(**kwargs) -> fo.Dataset:
        made.append(fo.Dataset.from_dir(**kwargs))
        return made[-1]

    yield read
    for dataset in made:
        dataset.delete()


def instances(dataset: fo.Dataset, field: str) -> dict[str, list[np.ndarray]]:
    """Picture -> its instances."""
    found = {}
    for sample in dataset:
        detections = sample[field].detections if sample[field] else []
        masks = [instance_mask(one, HEIGHT, WIDTH) for one in detections]
        found[sample.filename.split(".")[0]] = [mask for mask in masks if mask is not None and mask.any()]
    return found


def worst(found: dict[str, list[np.ndarray]]) -> dict[str, float]:
    """Picture -> the lowest IoU of its instances with what came back of each: the parts that lie mostly in it."""
    lowest = {}
    for name, masks in PICTURES.items():
        back = found.get(name, [])
        parts = [[part for part in back if (part & mask).sum() > part.sum() / 2] for mask in masks]
        ious = [intersection_over_union(mask, np.any(of, axis=0)) if of else 0.0 for mask, of in zip(masks, parts)]
        lowest[name] = round(float(min(ious, default=1.0)), 3)
    return lowest


@pytest.mark.parametrize("name", ["several", "small", "parts", "holes"])
def test_an_outline_that_is_filled_is_the_mask_but_for_its_cuts(name):
    for mask in PICTURES[name]:
        filled = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.fillPoly(filled, [outline(Window.of(mask)).astype(np.int32)], 1)
        more = filled.astype(bool) & ~mask
        assert not (mask & ~filled.astype(bool)).any() and more.sum() <= 30  # from one part to the other
        assert name == "parts" or not more.any()


def test_hundreds_of_specks_are_outlined_and_none_is_left_out():
    specks = np.random.default_rng(0).random((HEIGHT, WIDTH)) < 0.02
    in_a_line = np.zeros((HEIGHT, WIDTH), bool)
    in_a_line[20, ::7] = True
    for mask, seconds in ((specks, 5), (in_a_line, 1)):
        filled, start = np.zeros((HEIGHT, WIDTH), np.uint8), time.perf_counter()
        points = outline(Window.of(mask))
        assert time.perf_counter() - start < seconds  # not a minute: each ring is looked at once
        cv2.fillPoly(filled, [points.astype(np.int32)], 1)
        assert not (mask & ~filled.astype(bool)).any()


def test_png_masks_come_back_to_the_pixel(dataset, tmp_path, read):
    kind = fo.types.ImageSegmentationDirectory
    dataset.export(export_dir=str(tmp_path), dataset_type=kind, label_field="labels")
    for sample in read(dataset_dir=str(tmp_path), dataset_type=kind):
        name = sample.filename.split(".")[0]
        expected = np.any([*PICTURES[name], np.zeros((HEIGHT, WIDTH), bool)], axis=0)
        assert np.array_equal(sample.ground_truth.get_mask(), 2 * expected)


def read_as_coco(read, folder) -> dict[str, list[np.ndarray]]:
    back = read(dataset_dir=str(folder), dataset_type=fo.types.COCODetectionDataset, label_types="segmentations")
    return instances(back, "ground_truth")


def test_coco_run_lengths_come_back_to_the_pixel_and_are_no_crowds(dataset, tmp_path, read):
    before = dataset.values(["labels_instances.detections.bounding_box", "labels_instances.detections.confidence"])
    review_labels.export_coco(dataset, tmp_path)
    whole = json.loads((tmp_path / "labels.json").read_text())
    written = whole["annotations"]
    assert [(one["id"], one["name"]) for one in whole["categories"]] == [(2, "person"), (3, "animal")]  # the mask's
    assert [one["category_id"] for one in written] == [2] * len(written)
    assert [one["area"] for one in written] == [mask.sum() for masks in PICTURES.values() for mask in masks]
    assert {one["iscrowd"] for one in written} == {0} and all("counts" in one["segmentation"] for one in written)
    assert all(place == round(place) for one in written for place in one["bbox"])
    back = read_as_coco(read, tmp_path)
    assert all(np.array_equal(back[name], masks) for name, masks in PICTURES.items() if masks) and not back["nobody"]
    now = dataset.values(["labels_instances.detections.bounding_box", "labels_instances.detections.confidence"])
    assert now == before


def test_what_makes_run_lengths_is_not_for_choice(dataset, tmp_path):
    with pytest.raises(ValueError, match="iscrowd can't be chosen here"):
        review_labels.export_coco(dataset, tmp_path, iscrowd="crowd")
    with pytest.raises(ValueError, match="no labels 'mine'; there are 'labels'; finish some first"):
        review_labels.export_coco(dataset, tmp_path, "mine")
    assert not list(tmp_path.iterdir())


def test_coco_polygons_fill_holes_and_eat_at_the_smallest(dataset, tmp_path, read):
    kind = fo.types.COCODetectionDataset
    dataset.export(export_dir=str(tmp_path), dataset_type=kind, label_field="labels_instances", tolerance=0)
    found = worst(read_as_coco(read, tmp_path))
    assert min(found[name] for name in ("several", "touching", "parts", "edges", "nobody")) >= SAME
    assert found["holes"] == pytest.approx(0.745, abs=0.02)  # a quarter of the ring's disc is its hole
    assert found["small"] < SAME


def test_yolo_takes_outlines_and_holds_them_whoever_reads(dataset, tmp_path, read):
    kind = fo.types.YOLOv5Dataset
    dataset.export(export_dir=str(tmp_path), dataset_type=kind, label_field="labels_outlines", classes=["person"])
    back = read(dataset_dir=str(tmp_path), dataset_type=kind, label_type="instances", split="val")
    expect_outlines(instances(back, "ground_truth"))
    expect_outlines({path.stem: [*map(_as_ultralytics, path.read_text().splitlines())] for path in labels_of(tmp_path)})


def labels_of(folder) -> list:
    return sorted((folder / "labels" / "val").glob("*.txt"))


def _as_ultralytics(row: str) -> np.ndarray:
    """A row's mask as Ultralytics trains on it: ``polygon2mask`` cuts off what is behind the point."""
    points = np.array(row.split()[1:], float).reshape(-1, 2) * (WIDTH, HEIGHT)
    return cv2.fillPoly(np.zeros((HEIGHT, WIDTH), np.uint8), [points.astype(np.int32)], 1).astype(bool)


def test_cvat_takes_outlines_and_holds_holes_and_parts(dataset, tmp_path, read):
    kind = fo.types.CVATImageDataset
    dataset.export(export_dir=str(tmp_path), dataset_type=kind, label_field="labels_outlines")
    back = read(dataset_dir=str(tmp_path), dataset_type=kind)
    field = next(name for name in back.get_field_schema() if "polyline" in name)
    for sample in back:
        if sample[field]:
            sample["found"] = sample[field].to_detections(frame_size=(WIDTH, HEIGHT))
            sample.save()
    expect_outlines(instances(back, "found"))


def expect_outlines(found: dict[str, list[np.ndarray]]) -> None:
    """As many as there were, and the same."""
    there = {name: len(found.get(name, ())) for name in PICTURES}
    assert there == {name: len(of) for name, of in PICTURES.items()}
    assert min(worst(found).values()) >= SAME, worst(found)
