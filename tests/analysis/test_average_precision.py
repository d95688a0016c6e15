"""Average precision is COCO's own, to the last digit: held against pycocotools on pictures full of people."""

import fiftyone as fo
import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from prompting.analysis.average_precision import average_precision, rank
from prompting.dataset.truth import draw_instances
from prompting.runs.scoring import matched

SHAPE = (96, 128)
CLASSES = ("person", "dog")


def oval(rng: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    (cy, cx), (ry, rx) = rng.uniform((10, 10), (86, 118)), rng.uniform(4, 24, 2)
    return ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 < 1


def beside(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A mask as a model may have found it: moved, and a part of it gone."""
    moved = np.roll(mask, rng.integers(-4, 5, 2), (0, 1))
    moved[:, : rng.integers(0, 40)] = False
    return moved


@pytest.fixture(scope="module")
def pictures() -> list[dict]:
    """60 pictures of up to seven instances of two classes, half with crowds, before which instances may stand; what was
    found of them, and strays."""
    rng, found = np.random.default_rng(0), []
    for number in range(60):
        there = [(str(rng.choice(CLASSES)), oval(rng)) for _ in range(rng.integers(0, 8))]
        crowd = [(str(rng.choice(CLASSES)), oval(rng) | oval(rng)) for _ in range(rng.integers(1, 4) * (number % 2))]
        seen = [(name, beside(mask, rng)) for name, mask in there if rng.random() < 0.8]
        seen += [(str(rng.choice(CLASSES)), oval(rng)) for _ in range(rng.integers(0, 3))]
        seen += [(str(rng.choice(CLASSES)), mask & oval(rng)) for _, mask in crowd]
        seen = [(name, mask, round(float(rng.random()), 2)) for name, mask in seen if mask.any()]  # equal scores too
        found.append({"there": there, "crowd": crowd, "seen": seen})
    return found


def encoded(mask: np.ndarray) -> dict:
    return coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))


@pytest.fixture(scope="module")
def reference(pictures) -> np.ndarray:
    """pycocotools' AP, AP50 and AR for at most 100 masks."""
    annotations, results = [], []
    for number, picture in enumerate(pictures):
        for kind in ("there", "crowd"):
            for name, mask in picture[kind]:
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": number,
                        "category_id": CLASSES.index(name) + 1,
                        "iscrowd": int(kind == "crowd"),
                        "area": int(mask.sum()),
                        "segmentation": encoded(mask),
                    }
                )
        for name, mask, score in picture["seen"]:
            segmentation = encoded(mask)
            given = {"image_id": number, "category_id": CLASSES.index(name) + 1, "score": score}
            results.append({**given, "segmentation": segmentation})
    truth = COCO()
    images = [{"id": number, "height": SHAPE[0], "width": SHAPE[1]} for number in range(len(pictures))]
    categories = [{"id": i + 1, "name": name} for i, name in enumerate(CLASSES)]
    truth.dataset = {"images": images, "annotations": annotations, "categories": categories}
    truth.createIndex()
    evaluation = COCOeval(truth, truth.loadRes(results), "segm")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation.stats[[0, 1, 8]]


def detections(masks, **attributes) -> fo.Detections:
    """Masks of the pictures' size as FiftyOne has them."""
    found = []
    for name, mask, *score in masks:
        sure = {"confidence": score[0]} if score else {}
        found.append(fo.Detection(label=name, bounding_box=[0, 0, 1, 1], mask=mask, **sure, **attributes))
    return fo.Detections(detections=found)


def test_it_is_what_pycocotools_says(pictures, reference):
    """From labels to the number, as an evaluation goes: crowds of either class, over each other and behind people."""
    by_picture = []
    for picture in pictures:
        truth, crowds = detections(picture["there"]), detections(picture["crowd"], iscrowd=True)
        truth.detections += crowds.detections
        drawn = draw_instances(truth, *SHAPE, {name: i + 1 for i, name in enumerate(CLASSES)})
        by_picture.append(matched(detections(picture["seen"]).detections, drawn, CLASSES)[1])
    found = average_precision(list(zip(*by_picture)))
    assert 0.1 < reference[0] < reference[1] < 1
    assert [found.ap, found.ap50, found.ar] == pytest.approx(reference.tolist(), abs=1e-9)


def test_an_iou_of_a_threshold_itself_reaches_it():
    """np.arange's sixth tenth is a little more than 0.6."""
    assert average_precision([[rank(np.array([[0.6]]), [0.5])]]).ap == pytest.approx(0.3)


def test_a_perfect_model_has_one_and_one_that_finds_nothing_has_none():
    perfect = average_precision([[rank(np.eye(3), [0.9, 0.8, 0.7])]])
    assert (perfect.ap, perfect.ap50, perfect.ar) == (1, 1, 1)
    nothing = average_precision([[rank(np.zeros((0, 3)), [])]])
    assert (nothing.ap, nothing.ap50, nothing.ar) == (0, 0, 0)


def test_a_class_that_is_not_there_counts_for_nothing():
    empty = [rank(np.zeros((2, 0)), [0.9, 0.1])]
    assert average_precision([empty]).ap is None
    assert average_precision([empty, [rank(np.eye(1), [0.5])]]).ap == 1


def test_a_sure_stray_costs_more_than_an_unsure_one():
    ious = np.array([[1.0], [0.0]])
    sure, unsure = (average_precision([[rank(ious, [0.5, score])]]).ap for score in (0.9, 0.1))
    assert (sure, unsure) == (0.5, 1)


def test_a_mask_in_a_crowd_is_ignored_as_far_as_it_lies_there():
    ious = np.array([[1.0], [0.0]])
    assert average_precision([[rank(ious, [0.5, 0.9], [0, 1])]]).ap == 1
    assert average_precision([[rank(ious, [0.5, 0.9], [0, 0.72])]]).ap == pytest.approx((5 * 1 + 5 * 0.5) / 10)
