"""IoU, boundary IoU, Dice, precision and recall: by hand, and against the paper's reference."""

import json
import math
from pathlib import Path

import cv2
import fiftyone as fo
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.data import binary_blobs
from skimage.morphology import erosion, footprint_rectangle

import demo
from prompting.analysis.metrics import Target, boundary_iou, image_iou, pooled_scores
from prompting.pixels.masks import IGNORED


def strip(*values: int) -> np.ndarray:
    return np.array([values], np.uint8)


@pytest.mark.parametrize(
    ("predicted", "truth", "expected"),
    [
        (strip(0, 1, 1, 0), strip(0, 1, 1, 0), 1),
        (strip(0, 1, 1, 0), strip(0, 0, 1, 1), 1 / 3),
        (strip(1, 1, 0, 0), strip(0, 0, 1, 1), 0),
        (strip(0, 0, 0, 0), strip(0, 0, 1, 1), 0),
        (strip(1, 0, 0, 0), strip(0, 0, 0, 0), 0),
        (strip(0, 0, 0, 0), strip(0, 0, 0, 0), 1),
    ],
    ids=["same", "one third", "beside", "nothing found", "nobody there, something found", "nobody there, none found"],
)
def test_image_iou_of_one_class(predicted, truth, expected):
    assert image_iou(predicted, truth, [1]) == pytest.approx(expected)


def test_ignored_pixels_count_for_nothing():
    truth = strip(1, 1, IGNORED, IGNORED)
    assert image_iou(strip(1, 1, 1, 0), truth, [1]) == 1
    assert image_iou(strip(0, 0, 1, 1), strip(0, 0, IGNORED, IGNORED), [1]) == 1


def test_classes_that_are_shown_count_equally():
    assert image_iou(strip(1, 2, 0, 0), strip(1, 2, 2, 0), [1, 2, 3]) == pytest.approx((1 + 1 / 2) / 2)


def test_class_that_was_found_and_is_not_there_counts_as_zero():
    assert image_iou(strip(1, 2), strip(1, 0), [1, 2]) == pytest.approx(1 / 2)


def test_values_that_were_not_asked_for_do_not_count():
    assert image_iou(strip(1, 5), strip(1, 6), [1]) == 1


@settings(max_examples=50, deadline=None)
@given(arrays(np.uint8, (6, 6), elements=st.integers(0, 2)), arrays(np.uint8, (6, 6), elements=st.integers(0, 2)))
def test_image_iou_is_symmetric_and_in_range(a, b):
    assert 0 <= image_iou(a, b, [1, 2]) <= 1
    assert image_iou(a, b, [1, 2]) == pytest.approx(image_iou(b, a, [1, 2]))
    assert image_iou(a, a, [1, 2]) == 1


def test_pooled_scores_of_one_class_by_hand():
    scores = pooled_scores(np.array([[50, 10], [20, 20]]))
    assert scores == pytest.approx({"iou": 20 / 50, "dice": 40 / 70, "precision": 20 / 30, "recall": 20 / 40})


def test_pooled_scores_of_two_classes_are_averaged():
    scores = pooled_scores(np.array([[10, 0, 0], [0, 8, 0], [4, 0, 4]]))
    assert scores == pytest.approx({"iou": 0.75, "dice": (1 + 8 / 12) / 2, "precision": 1, "recall": 0.75})


def test_nothing_to_score_is_no_number():
    assert all(math.isnan(value) for value in pooled_scores(np.array([[50, 0], [0, 0]])).values())


def test_nothing_found_has_recall_zero_and_no_precision():
    scores = pooled_scores(np.array([[50, 0], [10, 0]]))
    assert (scores["iou"], scores["dice"], scores["recall"]) == (0, 0, 0)
    assert math.isnan(scores["precision"])


# boundary IoU


def reference_boundary(mask: np.ndarray, ratio: float = 0.02) -> np.ndarray:
    """``mask_to_boundary`` of the code of Cheng et al. (2021), with scikit-image in the place of OpenCV."""
    distance = max(1, int(round(ratio * np.sqrt(mask.shape[0] ** 2 + mask.shape[1] ** 2))))
    eroded = np.pad(mask, 1)
    for _ in range(distance):
        eroded = erosion(eroded, footprint_rectangle((3, 3)), mode="max")
    return mask & ~eroded[1:-1, 1:-1]


def blobs(seed: int, share: float = 0.5) -> np.ndarray:
    """A 90 x 120 bool mask of round shapes, some of them at the picture's edge."""
    return binary_blobs(120, blob_size_fraction=0.3, volume_fraction=share, rng=seed)[:90]


@pytest.mark.parametrize("ratio", [0.001, 0.02, 0.1])
@pytest.mark.parametrize("seed", range(3))
def test_boundary_iou_is_the_papers(seed, ratio):
    a, b = blobs(seed), blobs(seed) ^ blobs(seed + 100, 0.05)
    shell_a, shell_b = reference_boundary(a, ratio), reference_boundary(b, ratio)
    expected = (shell_a & shell_b).sum() / (shell_a | shell_b).sum()
    assert 0 < expected < 1
    assert boundary_iou(a.astype(np.uint8), b.astype(np.uint8), [1], ratio) == pytest.approx(expected, abs=1e-12)


def test_boundary_iou_of_two_squares_by_hand():
    truth = np.zeros((300, 400), np.uint8)  # 2 % of the diagonal of 500 are 10 pixels
    truth[100:200, 100:200] = 1
    predicted = np.roll(truth, 5, axis=1)
    band = 100**2 - 80**2
    # above and below 95 x 10 are shared; at the sides 5 x 80 of each band of 10 x 80
    shared = 2 * 95 * 10 + 2 * 5 * 80
    assert boundary_iou(predicted, truth, [1]) == pytest.approx(shared / (2 * band - shared))
    assert image_iou(predicted, truth, [1]) == pytest.approx(95 / 105)


def test_a_hole_costs_more_at_the_boundary():
    truth = np.zeros((300, 400), np.uint8)
    truth[50:250, 50:250] = 1
    predicted = truth.copy()
    predicted[140:160, 140:160] = 0
    assert boundary_iou(predicted, truth, [1]) < image_iou(predicted, truth, [1])


def test_the_pictures_edge_is_a_boundary_as_in_the_paper():
    everything = np.ones((300, 400), np.uint8)
    nearly = everything.copy()
    nearly[:, :10] = 0
    band = 300 * 400 - 280 * 380
    # without the first ten columns: the band of a picture of 390 columns, which shares all but its left side
    narrower = 300 * 390 - 280 * 370
    shared = narrower - 10 * 280
    assert boundary_iou(nearly, everything, [1]) == pytest.approx(shared / (band + narrower - shared))


def whole_picture(predicted, truth, values, distance: int) -> tuple[float, float]:
    """IoU and boundary IoU by their definitions, on the whole picture, eroded step by step."""
    both = []
    for part in (lambda mask: mask, lambda mask: mask & ~eroded_step_by_step(mask, distance)):
        scores = []
        for value in values:
            a, b = (part((label_map == value) & (truth != IGNORED)) for label_map in (predicted, truth))
            if (a | b).any():
                scores.append(np.count_nonzero(a & b) / np.count_nonzero(a | b))
        both.append(float(np.mean(scores)) if scores else 1.0)
    return tuple(both)


def eroded_step_by_step(mask: np.ndarray, distance: int) -> np.ndarray:
    outside = {"borderType": cv2.BORDER_CONSTANT, "borderValue": 0}
    eroded = mask.astype(np.uint8)
    for _ in range(distance):
        eroded = cv2.erode(eroded, np.ones((3, 3), np.uint8), **outside)
    return eroded.astype(bool)


LABELS = st.sampled_from([0, 1, 2, 7, IGNORED])


@settings(max_examples=150, deadline=None)
@given(
    arrays(np.uint8, (4, 5), elements=LABELS),
    arrays(np.uint8, (4, 5), elements=LABELS),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.integers(1, 12),
)
def test_scores_within_windows_are_those_of_the_whole_picture(found, there, patch, distance):
    """Patches of all classes, of what has no name and of what is ignored, at every border of the picture."""
    predicted, truth = (mask.repeat(patch[0], axis=0).repeat(patch[1], axis=1) for mask in (found, there))
    ratio = (distance + 0.01) / float(np.hypot(*truth.shape))
    scores = Target(truth, [1, 2], ratio).score(predicted)
    assert (scores.iou, scores.boundary_iou) == whole_picture(predicted, truth, [1, 2], distance)
    known = (truth < 3) & (predicted < 3)
    counted = np.zeros((3, 3), int)
    np.add.at(counted, (truth[known], predicted[known]), 1)
    assert np.array_equal(scores.confusion, counted)


@pytest.mark.parametrize("value", [1, 2])
@pytest.mark.parametrize("turns", range(4))
def test_a_person_cut_off_at_any_border_has_the_boundary_of_the_definition(turns, value):
    person = np.zeros((120, 160), np.uint8)
    cv2.circle(person, (10, 60), 50, value, -1)
    truth, predicted = np.rot90(person, turns).copy(), np.rot90(np.roll(person, 4, axis=0), turns).copy()
    distance = round(0.02 * 200)
    scores = Target(truth, [1, 2]).score(predicted)
    assert (scores.iou, scores.boundary_iou) == whole_picture(predicted, truth, [1, 2], distance)


def test_the_demos_people_enlarged_have_the_boundary_of_the_definition():
    """Hand-made outlines, as large as a camera's pictures: 2 % of the diagonal are 60 pixels there."""
    annotations = json.loads((Path(demo.__file__).parent / "annotations.json").read_text())
    sizes = {image["id"]: (image["height"], image["width"]) for image in annotations["images"]}
    polygons = [(sizes[a["image_id"]], a["segmentation"]) for a in annotations["annotations"]][:2]
    for (height, width), rings in polygons:
        truth = np.zeros(
            (round(2400 * height / max(height, width)), round(2400 * width / max(height, width))), np.uint8
        )
        scale = truth.shape[1] / width
        for ring in rings:
            cv2.fillPoly(truth, [np.round(np.reshape(ring, (-1, 2)) * scale).astype(np.int32)], 1)
        predicted = np.roll(truth, (7, -11), axis=(0, 1))
        distance = round(0.02 * float(np.hypot(*truth.shape)))
        scores = Target(truth, [1]).score(predicted)
        assert (scores.iou, scores.boundary_iou) == whole_picture(predicted, truth, [1], distance)


@pytest.mark.parametrize("dtype", [bool, np.int16, np.int64])
def test_label_maps_of_other_numbers_score_alike(dtype):
    a, b = blobs(0).astype(dtype), blobs(1).astype(dtype)
    expected = Target(b.astype(np.uint8), [1]).score(a.astype(np.uint8))
    found = Target(b, [1]).score(a)
    assert (found.iou, found.boundary_iou) == (expected.iou, expected.boundary_iou)
    assert np.array_equal(found.confusion, expected.confusion)
    assert image_iou(np.array([[1, 257, -1]]), np.array([[1, 1, 0]]), [1]) == 1 / 2


@pytest.mark.parametrize(
    ("predicted", "truth", "expected"),
    [
        (strip(0, 0, 0, 0), strip(0, 0, 1, 1), 0),
        (strip(1, 0, 0, 0), strip(0, 0, 0, 0), 0),
        (strip(0, 0, 0, 0), strip(0, 0, 0, 0), 1),
        (strip(1, 0), strip(IGNORED, 0), 1),
        (strip(1, 2, 0, 0), strip(1, 2, 2, 0), (1 + 1 / 2) / 2),
    ],
    ids=["nothing found", "nobody there, something found", "nobody there, none found", "a crowd", "two classes"],
)
def test_boundary_iou_treats_empty_masks_and_classes_as_image_iou(predicted, truth, expected):
    assert boundary_iou(predicted, truth, [1, 2]) == image_iou(predicted, truth, [1, 2]) == pytest.approx(expected)


def test_what_was_found_in_a_crowd_does_not_move_the_boundary():
    truth = np.zeros((90, 120), np.uint8)
    truth[20:70, 20:60], truth[20:70, 60:100] = 1, IGNORED
    stops, goes_on = (truth == 1).astype(np.uint8), (truth > 0).astype(np.uint8)
    assert boundary_iou(stops, truth, [1]) == boundary_iou(goes_on, truth, [1]) == 1


@settings(max_examples=50, deadline=None)
@given(arrays(np.uint8, (9, 9), elements=st.integers(0, 2)), arrays(np.uint8, (9, 9), elements=st.integers(0, 2)))
def test_boundary_iou_is_symmetric_and_in_range(a, b):
    assert 0 <= boundary_iou(a, b, [1, 2]) <= 1
    assert boundary_iou(a, b, [1, 2]) == pytest.approx(boundary_iou(b, a, [1, 2]))
    assert boundary_iou(a, a, [1, 2]) == 1


# as metrics of FiftyOne


@pytest.mark.filterwarnings("ignore:Skipping sample with missing prediction mask")
def test_fiftyone_keeps_each_images_scores_and_their_means_and_removes_them_with_the_evaluation():
    dataset = fo.Dataset()
    pairs = [(blobs(0), blobs(0)), (blobs(1), blobs(1) ^ blobs(2, 0.1)), (blobs(3), np.zeros((90, 120), bool))]
    pairs = [(truth.astype(np.uint8), predicted.astype(np.uint8)) for truth, predicted in pairs]
    for i, (truth, predicted) in enumerate(pairs):
        masks = {"truth": fo.Segmentation(mask=truth), "found": fo.Segmentation(mask=predicted)}
        dataset.add_sample(fo.Sample(filepath=f"{i}.png", **masks))
    dataset.add_sample(fo.Sample(filepath="unscored.png", truth=fo.Segmentation(mask=pairs[0][0])))
    metrics = [f"@promptlab/sam2-prompting/{name}" for name in ("iou", "boundary_iou")]
    try:
        results = dataset.evaluate_segmentations(
            "found", "truth", eval_key="e", mask_targets={0: "background", 1: "person"}, custom_metrics=metrics
        )
        ious = [image_iou(predicted, truth, [1]) for truth, predicted in pairs]
        boundary_ious = [boundary_iou(predicted, truth, [1]) for truth, predicted in pairs]
        assert dataset.values("e_iou") == [*ious, None]
        assert dataset.values("e_boundary_iou") == [*boundary_ious, None]
        assert results.metrics()["mean_iou"] == pytest.approx(np.mean(ious))
        assert results.metrics()["mean_boundary_iou"] == pytest.approx(np.mean(boundary_ious))
        assert {metric["lower_is_better"] for metric in results.custom_metrics.values()} == {False}
        dataset.delete_evaluation("e")
        assert not dataset.has_field("e_iou")
        assert not dataset.has_field("e_boundary_iou")
    finally:
        dataset.delete()
