"""IoU, boundary IoU, Dice, precision and recall: by hand, and against the paper's reference."""

import math

import fiftyone as fo
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.data import binary_blobs
from skimage.morphology import erosion, footprint_rectangle

from prompting.analysis.metrics import boundary_iou, image_iou, pooled_scores
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
