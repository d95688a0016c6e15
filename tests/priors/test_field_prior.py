"""Prompts out of FiftyOne's labels, and nothing out of labels that can be none."""

import fiftyone as fo
import numpy as np
import pytest

from prompting.labels.encoding import Encoding
from prompting.priors.base import Picture
from prompting.priors.fields import FieldPrior

HEIGHT, WIDTH = 100, 200


def find(label, classes=("person",), **settings):
    picture = Picture("key", "key", np.zeros((HEIGHT, WIDTH, 3), np.uint8), label)
    return FieldPrior(classes, **settings).find([picture])[0]


def detections(*boxes, label="person", **attributes) -> fo.Detections:
    return fo.Detections(detections=[fo.Detection(label=label, bounding_box=list(b), **attributes) for b in boxes])


def keypoints(*points, label="person", **attributes) -> fo.Keypoints:
    return fo.Keypoints(keypoints=[fo.Keypoint(label=label, points=list(points), **attributes)])


def test_sample_without_a_label_has_no_region():
    assert find(None) == []
    assert find(fo.Detections()) == []
    assert find(fo.Keypoints()) == []
    assert find(fo.Segmentation()) == []


def test_every_picture_of_a_batch_has_its_own_regions():
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    labels = [detections((0, 0, 0.5, 0.5)), None, detections((0, 0, 0.5, 0.5), (0.5, 0, 0.5, 0.5))]
    found = FieldPrior(["person"]).find([Picture(str(i), str(i), image, label) for i, label in enumerate(labels)])
    assert [len(regions) for regions in found] == [1, 0, 2]


def test_detection_is_a_box_in_pixels():
    (region,) = find(detections((0.1, 0.2, 0.5, 0.7), confidence=0.75))
    assert region.label == "person"
    assert region.box == pytest.approx([20, 20, 120, 90])
    assert region.mask is None
    assert region.confidence == 0.75


def test_detection_that_a_person_drew_is_certain():
    assert find(detections((0.1, 0.2, 0.5, 0.7)))[0].confidence == 1


def test_instance_mask_is_laid_into_the_picture():
    mask = np.zeros((70, 100), bool)
    mask[:35] = True
    (region,) = find(detections((0.1, 0.2, 0.5, 0.7), mask=mask))
    assert region.mask.shape == (HEIGHT, WIDTH)
    assert np.array_equal(region.mask.part(20, 20, 90, 120), mask)
    assert region.mask.area == mask.sum()


def test_instance_mask_of_another_resolution_is_stretched_to_its_box():
    (region,) = find(detections((0.1, 0.2, 0.5, 0.7), mask=np.array([[True, False], [True, True]])))
    assert np.array_equal(region.mask.part(20, 20, 55, 120), np.arange(100)[None].repeat(35, axis=0) < 50)
    assert region.mask.part(55, 20, 90, 120).all()


def test_instance_mask_that_reaches_out_of_the_picture_is_cut():
    (region,) = find(detections((-0.1, 0.5, 0.3, 1.0), mask=np.ones((100, 60), bool)))
    assert region.box.tolist() == [0, 50, 40, 100]
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[50:, :40] = True
    assert np.array_equal(region.mask, expected)


def test_empty_instance_mask_leaves_the_box():
    (region,) = find(detections((0.1, 0.2, 0.5, 0.7), mask=np.zeros((70, 100), bool)))
    assert region.mask is None
    assert region.box is not None


@pytest.mark.parametrize(
    "box",
    [
        (float("nan"), 0.2, 0.5, 0.7),
        (0.1, 0.2, float("inf"), 0.7),
        (0.1, 0.2, 0, 0.7),
        (0.1, 0.2, 0.5, 0),
        (0.1, 0.2, -0.5, 0.7),
        (0.1, 0.2, 0.001, 0.7),
        (1.2, 0.2, 0.5, 0.7),
    ],
    ids=["NaN", "infinite", "no width", "no height", "reversed", "less than a pixel", "outside"],
)
def test_box_that_is_none_is_left_out(box):
    assert find(detections(box)) == []
    assert len(find(detections(box, (0.1, 0.1, 0.5, 0.5)))) == 1


def test_crowds_are_left_out():
    assert find(detections((0.1, 0.2, 0.5, 0.7), iscrowd=1)) == []
    assert len(find(detections((0.1, 0.2, 0.5, 0.7), iscrowd=0))) == 1


def test_other_labels_are_left_out():
    assert find(detections((0.1, 0.2, 0.5, 0.7), label="bus")) == []
    assert find(keypoints((0.5, 0.5), label="bus")) == []
    assert [r.label for r in find(detections((0, 0, 0.5, 0.5), label="bus"), classes=("person", "bus"))] == ["bus"]


def test_keypoints_without_labels_are_all_positive():
    (region,) = find(keypoints((0.25, 0.5), (0.5, 0.25)))
    assert region.point_coords == pytest.approx(np.array([[50, 50], [100, 25]]))
    assert region.point_labels.tolist() == [1, 1]
    assert region.box is None
    assert region.mask is None


def test_sam_labels_say_which_keypoints_are_negative():
    (region,) = find(keypoints((0.25, 0.5), (0.5, 0.25), (0.1, 0.1), sam_labels=[1, 0, 1]))
    assert region.point_labels.tolist() == [1, 0, 1]


def test_keypoints_that_are_hidden_are_left_out():
    (region,) = find(keypoints((0.25, 0.5), (float("nan"), float("nan")), sam_labels=[1, 1]))
    assert region.point_coords.tolist() == [[50, 50]]
    assert region.point_labels.tolist() == [1]


def test_keypoint_confidences_are_averaged():
    (region,) = find(keypoints((0.25, 0.5), (0.5, 0.25), confidence=[0.5, 1.0]))
    assert region.confidence == 0.75


@pytest.mark.parametrize("label", [keypoints(), keypoints((0.25, 0.5), sam_labels=[0])], ids=["none", "negatives"])
def test_keypoints_without_a_positive_one_are_no_prompt(label):
    assert find(label) == []


def test_segmentation_gives_a_region_for_every_body():
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[10:50, 10:30] = mask[10:90, 100:150] = 1
    regions = find(fo.Segmentation(mask=mask))
    assert [region.box.tolist() for region in regions] == [[100, 10, 150, 90], [10, 10, 30, 50]]
    assert all(region.mask.shape == mask.shape for region in regions)


def test_segmentation_with_values_tells_classes_apart():
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[10:50, 10:30], mask[10:90, 100:150], mask[90:, :] = 7, 3, 9
    regions = find(fo.Segmentation(mask=mask), ("person", "dog"), encoding=Encoding({"person": (3,), "dog": (7,)}))
    assert [(region.label, region.box.tolist()) for region in regions] == [
        ("person", [100, 10, 150, 90]),
        ("dog", [10, 10, 30, 50]),
    ]


@pytest.mark.parametrize("value", [1, 255])
def test_segmentation_without_values_is_one_class_whatever_its_value(value):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[10:50, 10:30] = value
    assert len(find(fo.Segmentation(mask=mask))) == 1


def test_segmentation_of_another_size_is_resized_without_new_values():
    small = np.zeros((HEIGHT // 2, WIDTH // 2), np.uint8)
    small[5:25, 5:15], small[5:25, 15:30] = 1, 3
    regions = find(fo.Segmentation(mask=small), ("person", "dog"), encoding=Encoding({"person": (1,), "dog": (2,)}))
    assert [(region.label, region.box.tolist()) for region in regions] == [("person", [10, 10, 30, 50])]
    assert regions[0].mask.shape == (HEIGHT, WIDTH)


def test_specks_of_a_segmentation_can_be_dropped():
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[10:50, 10:30] = mask[80, 80] = 1
    assert len(find(fo.Segmentation(mask=mask))) == 2
    assert len(find(fo.Segmentation(mask=mask), smallest=0.001)) == 1


def test_masks_on_disk_are_read(tmp_path):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[10:50, 10:30] = 1
    segmentation = fo.Segmentation(mask=mask)
    segmentation.export_mask(str(tmp_path / "mask.png"), update=True)
    assert segmentation.mask is None
    assert find(segmentation)[0].box.tolist() == [10, 10, 30, 50]


def large(label, size=(4000, 6000)):
    """What is found in a label of a picture of 24 megapixels, which is read smaller."""
    picture = Picture("key", "key", np.zeros((400, 600, 3), np.uint8), label, size=size)
    return FieldPrior(["person"]).find([picture])[0]


def test_of_a_large_picture_boxes_are_the_pictures_own_and_masks_are_brought_down():
    mask = np.zeros((400, 200), bool)
    mask[3:, 7:] = True
    (region,) = large(detections((0.5, 0.25, 200 / 6000, 400 / 4000), mask=mask))
    assert region.box.tolist() == [3007, 1003, 3200, 1400]
    assert region.picture == (4000, 6000)
    assert region.mask.shape[0] * region.mask.shape[1] == pytest.approx(1024 * 1024, rel=0.01)
    assert region.mask.area == pytest.approx(397 * 193 * 1024 * 1024 / 24e6, rel=0.05)
    assert large(detections((0.1, 0.2, 0.5, 0.7)))[0].box == pytest.approx([600, 800, 3600, 3600])


def test_what_is_smaller_than_a_pixel_of_a_brought_down_mask_is_still_there():
    (region,) = large(detections((0.5, 0.25, 3 / 6000, 2 / 4000), mask=np.ones((2, 3), bool)))
    assert region.box.tolist() == [3000, 1000, 3003, 1002]
    assert region.mask.any()


def test_parts_of_a_large_segmentation_are_those_of_its_own_size():
    mask = np.zeros((4000, 6000), np.uint8)
    mask[400:2000, 900:3000] = mask[3000:3600, 5000:5500] = 1
    first, second = large(fo.Segmentation(mask=mask))
    for region, box in ((first, [900, 400, 3000, 2000]), (second, [5000, 3000, 5500, 3600])):
        assert region.box.tolist() == box and region.picture == (4000, 6000)
        assert region.mask.shape[0] * region.mask.shape[1] == pytest.approx(1024 * 1024, rel=0.01)


@pytest.mark.parametrize("gap", range(1000, 1006))
def test_people_on_a_large_segmentation_who_nearly_touch_are_two_and_the_smallest_is_there(gap):
    mask = np.zeros((4000, 6000), np.uint8)
    mask[400:2000, 500:1500] = mask[100:102, 3000:3002] = 1
    mask[:, gap] = 0
    boxes = [region.box.tolist() for region in large(fo.Segmentation(mask=mask))]
    assert sorted(boxes) == [[500, 400, gap, 2000], [gap + 1, 400, 1500, 2000], [3000, 100, 3002, 102]]
