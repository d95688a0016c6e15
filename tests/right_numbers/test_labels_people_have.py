"""Labels as people really have them, of any size, name and shape: the right number for each, or one sentence.

The truth is the mask that the strategy itself made: it scores 1.
"""

from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest
from fiftyone import ViewField as F
from PIL import Image

from tests.right_numbers.labelled import (
    coloured,
    det,
    saved,
    seg,
    values,
)

# missing pixels, missing masks


@pytest.mark.parametrize("shape", [(256, 0), (0, 5), (0, 0)])
def test_instance_mask_without_pixels_is_refused_with_the_count(of, scored, prompted, refused, person, shape):
    dataset = of(det(mask=person), det(mask=np.zeros(shape, bool)))
    told = refused(scored, dataset)
    assert "1 of 2 masks of 'gt' have no pixel (the first: astronaut.png)" in told
    assert prompted(dataset) == ["ok", "ok"]  # the box is a prompt all the same


def test_instance_mask_without_a_set_pixel_is_told(of, scored, inspect, person):
    dataset = of(det(mask=person), det(mask=np.zeros((9, 9), bool)))
    assert scored(dataset) == [1.0, 0.0]
    assert "1 mask without a set pixel (the first: astronaut.png)" in inspect(dataset)


def test_every_label_has_a_mask_or_is_refused(of, scored, refused, person, tmp_path):
    path = saved(values(person, 255), tmp_path / "mask.png")
    both, none = det(mask=person, mask_path=path), det()
    told = refused(scored, of(both, none))
    assert "1 of 2 detections in 'gt' have no instance mask (the first: astronaut.png)" in told
    assert "1 of 2 labels in 'gt' have no mask" in refused(scored, of(seg(person, mask_path=path), seg()))
    assert scored(of(det(mask=person), det(mask_path=path))) == [1.0, 1.0]
    two = fo.Detections(detections=[*both.detections, *none.detections])
    assert "1 of 2 detections" in refused(scored, of(two))


# sides


@pytest.fixture
def turned(picture, tmp_path):
    """The upper part of the photograph, 320 x 240 as people see it, stored lying with an EXIF block that turns it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = np.asarray(Image.open(picture))[:240]
    path = tmp_path / "turned.jpg"
    Image.fromarray(np.rot90(upright)).save(path, exif=exif, quality=95)
    return path


def test_truth_drawn_on_the_unturned_picture_is_refused(of, scored, prompted, refused, person, turned):
    upright = person[:240]
    lying = np.ascontiguousarray(np.rot90(upright))
    half = np.ascontiguousarray(lying[::2, ::2])
    for mask in (lying, half):
        dataset = of(seg(values(mask)), path=turned)
        told = refused(prompted, dataset)
        assert "1 of 1 masks of 'gt' have their sides swapped" in told and "turned.jpg" in told


def test_truth_drawn_on_the_turned_picture_is_understood(of, prompted, evaluate_strategies, person, turned, refused):
    upright = person[:240]
    dataset = of(seg(values(upright)), path=turned)
    assert prompted(dataset) == ["ok"]
    evaluate_strategies(dataset, "gt", progress=False)
    assert dataset.values("sam2_eval_field_box_iou")[0] > 0.8
    dataset.set_values("gt", [seg(values(np.ascontiguousarray(np.rot90(upright))))])
    before = dataset.values("sam2_truth.mask"), dataset.list_evaluations()
    assert "sides swapped" in refused(evaluate_strategies, dataset, "gt", progress=False)
    after = dataset.values("sam2_truth.mask"), dataset.list_evaluations()
    assert np.array_equal(before[0], after[0]) and before[1] == after[1]


def test_masks_of_other_sizes_are_stretched_and_that_is_told(of, scored, inspect, person):
    dataset = of(seg(values(person).repeat(2, 0).repeat(2, 1)), seg(values(person)))
    assert scored(dataset) == [1.0, 1.0]
    assert "1 resized" in inspect(dataset)


def test_instance_masks_that_were_not_cropped_are_refused(of, scored, prompted, refused, person):
    ys, xs = np.nonzero(person)
    box = [xs.min() / 320, ys.min() / 320, 0.4, 0.4]
    for call in (scored, prompted):
        assert "as large as the picture" in refused(call, of(det(bounding_box=box, mask=person)))


# names of values


@pytest.mark.parametrize(
    "targets", [{24: "person", 25: "person"}, {25: "person", 24: "Person"}, {7: "dog", 24: "person", 25: " person"}]
)
def test_several_values_of_one_name_all_count(of, scored, prompted, person, targets):
    mask = values(person, 24)
    mask[160:][person[160:]] = 25
    dataset = of(seg(mask), targets=targets)
    assert scored(dataset) == [1.0]
    assert prompted(dataset) == ["ok"]


def test_several_colours_of_one_name_all_count(of, scored, person):
    mask = coloured(person, (9, 0, 0))
    mask[160:][person[160:]] = (0, 9, 0)
    assert scored(of(seg(mask), targets={"#090000": "person", "#000900": "person"})) == [1.0]


def test_default_mask_targets_count_where_the_field_has_none(of, scored, person):
    dataset = of(seg(values(person, 3)))
    dataset.default_mask_targets = {3: "person", 4: "dog"}
    assert scored(dataset) == [1.0]


@pytest.mark.parametrize("name", ["Person", "PERSON", " person "])
def test_case_and_spaces_of_names_are_no_difference(of, scored, prompted, person, name):
    assert scored(of(det(name, mask=person))) == [1.0]
    assert scored(of(seg(values(person)), targets={1: name, 2: "dog"})) == [1.0]
    dataset = of(det(name, mask=person))
    assert prompted(dataset) == ["ok"]
    assert dataset.first().sam2_field_box_instances.detections[0].label == "person"


def test_labels_without_names_are_refused(of, scored, prompted, refused, person):
    for call in (scored, prompted):
        told = refused(call, of(det(None, mask=person)))
        assert "1 of 1 detections in 'gt' have no names" in told and "label is None" in told
    points = fo.Keypoints(keypoints=[fo.Keypoint(points=[(0.5, 0.5)])])
    assert "1 of 1 keypoints in 'gt' have no names" in refused(prompted, of(points), "field_points")


# boxes and points


def test_boxes_in_pixels_are_refused(of, scored, prompted, refused, person):
    for call in (scored, prompted):
        told = refused(call, of(det(bounding_box=[10, 20, 200, 280], mask=person[20:300, 10:210])))
        assert "1 of 1 boxes in 'gt' are in pixels (the first: astronaut.png)" in told and "relative" in told
    two = of(det(bounding_box=[10, 20, 200, 280]), det(bounding_box=[0, 0, 5, 9]), det())
    assert "2 of 3 boxes" in refused(prompted, two)


def test_one_box_of_a_truth_in_pixels_is_refused_too(of, scored, prompted, refused, person):
    """Its instance would lie outside of the picture, and be missing from the truth."""
    of_pixels = det(bounding_box=[10, 20, 200, 280], mask=person[20:300, 10:210])
    dataset = of(det(mask=person), of_pixels, det(mask=person))
    assert "1 of 3 boxes in 'gt' are in pixels" in refused(scored, dataset)
    assert prompted(dataset) == ["ok", "no_prompt", "ok"]


def test_keypoints_in_pixels_are_refused(of, prompted, refused):
    dataset = of(fo.Keypoints(keypoints=[fo.Keypoint(label="person", points=[(160, 100), (150, 200)])]))
    assert "1 of 1 keypoints in 'gt' are in pixels" in refused(prompted, dataset, "field_points")


def keypoints(*points, **kwargs) -> fo.Keypoints:
    return fo.Keypoints(keypoints=[fo.Keypoint(label="person", points=list(points), **kwargs)])


def test_points_just_outside_are_moved_to_the_edge(of, prompted):
    labels = [keypoints((0.5, 0.5), point) for point in ((1.0005, 0.5), (0.5, -0.003), (1.0, 1.0))]
    dataset = of(*labels)
    assert prompted(dataset, "field_points") == ["ok"] * 3
    clicks = [sample.sam2_field_points_positive.keypoints[0].points for sample in dataset]
    assert clicks[0][1] == pytest.approx([1.0, 0.5]) and clicks[1][1] == pytest.approx([0.5, 0.0])


def test_points_further_outside_are_dropped_with_their_polarity_and_the_picture_goes_on(of, prompted):
    dataset = of(
        keypoints((0.5, 0.5), (1.2, 0.5)),
        keypoints((1.2, 0.5), (0.5, 0.5), (0.4, 0.4), sam_labels=[0, 1, 1]),
        keypoints((1.2, 0.5)),
    )
    assert prompted(dataset, "field_points") == ["ok", "ok", "no_prompt"]
    first, second, _ = (sample.sam2_field_points_positive.keypoints for sample in dataset)
    assert len(first[0].points) == 1 and second[0]["sam_labels"] == [1, 1]


@pytest.mark.parametrize("box", [[0.2, 0.2, 0, 0.5], [0.8, 0.2, -0.5, 0.5], [float("nan"), 0, 1, 1], [0, 0, 1]])
def test_an_instance_whose_box_is_none_is_not_dropped_from_the_truth(of, scored, prompted, refused, person, box):
    dataset = of(det(mask=person), det(bounding_box=box, mask=person))
    assert "1 of 2 masks of 'gt' belong to boxes that are none" in refused(scored, dataset)
    assert prompted(dataset) == ["ok", "no_prompt"]


def test_boxes_just_outside_are_cut(of, prompted):
    dataset = of(det(bounding_box=[0.1, 0.1, 0.9005, 0.9005]), det(bounding_box=[-0.0005, 0.1, 0.9, 0.9]))
    assert prompted(dataset) == ["ok", "ok"]


# views


@pytest.mark.parametrize(
    "of_view",
    [
        lambda d: d.map_labels("gt", {"person": "human"}),
        lambda d: d.set_field("gt.detections.label", "human"),
        lambda d: d.set_field("gt.detections.label", F("label").upper()).map_labels("gt", {"PERSON": "human"}),
    ],
    ids=["map_labels", "set_field", "both"],
)
def test_labels_are_as_the_view_shows_them(of, scored, prompted, refused, person, of_view):
    dataset = of(det(mask=person), det(mask=person))
    view = of_view(dataset)
    assert scored(view, classes=("human",)) == [1.0, 1.0]
    assert prompted(view, classes=("human",)) == ["ok", "ok"]
    assert set(dataset.values("gt.detections.label", unwind=True)) == {"person"}
    told = refused(scored, of_view(of(det(mask=person))))
    assert "has no 'person'; it has: human" in told


def test_filtered_labels_are_those_that_count(of, scored, refused, person):
    two = fo.Detections(detections=[*det(mask=person).detections, *det(mask=np.ones((9, 9), bool), size=9).detections])
    dataset = of(two, two.copy())
    (full, _) = scored(dataset)
    assert full < 0.9
    assert scored(dataset.filter_labels("gt", ~F("size").exists()), overwrite=True) == [1.0, 1.0]
    assert scored(dataset.match_labels(fields="gt", filter=F("size") == 9), overwrite=True) == [full, full]
    dogs = of(det("dog", mask=person), det(mask=person)).filter_labels("gt", F("label") == "dog")
    assert "it has: dog" in refused(scored, dogs)


def test_pictures_without_the_class_are_a_truth_in_a_view_too(of, scored, person):
    dataset = of(det("dog", mask=person), det(mask=person))
    assert scored(dataset[:1]) == [0.0]
    assert scored(dataset.match_labels(fields="gt", filter=F("label") == "dog"), overwrite=True) == [0.0]
