"""Labels as people really have them: the right number for each, or one sentence before anything is scored.

The truth is the mask that the strategy itself made, in the encoding that the test is about: it scores 1.
"""

from __future__ import annotations

import cv2
import fiftyone as fo
import numpy as np
import pytest
from fiftyone import ViewField as F
from PIL import Image

from prompting.errors import PromptError, PromptingError
from prompting.labels.targets import ignored_values
from prompting.priors.fields import FieldPrior

WHOLE = [0, 0, 1, 1]


def seg(mask=None, **kwargs) -> fo.Segmentation:
    return fo.Segmentation(mask=mask, **kwargs)


def det(label="person", bounding_box=WHOLE, **kwargs) -> fo.Detections:
    return fo.Detections(detections=[fo.Detection(label=label, bounding_box=list(bounding_box), **kwargs)])


def values(person, value=1, dtype=np.uint8) -> np.ndarray:
    return person.astype(dtype) * dtype(value)


def outlined(person, void=255, value=1, dtype=np.uint8) -> np.ndarray:
    """The person with void along the outline, as VOC has it."""
    thick = cv2.dilate(person.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=3).astype(bool)
    thin = cv2.erode(person.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=3).astype(bool)
    mask = values(person, value, dtype)
    mask[thick & ~thin] = void
    return mask


def coloured(person, colour) -> np.ndarray:
    return person[..., None] * np.array(colour, np.uint8)


def saved(image, path, **kwargs) -> str:
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **kwargs)
    return str(path)


def palette_picture(indices: np.ndarray, *colours) -> Image.Image:
    image = Image.fromarray(indices, "P")
    image.putpalette([part for colour in ((0, 0, 0), *colours) for part in colour])
    return image


def soft(person, dtype=np.float32) -> np.ndarray:
    """Half its range is at the person's outline."""
    blurred = cv2.GaussianBlur(person.astype(np.float32), (0, 0), 4)
    inside = np.where(person, np.maximum(blurred, 0.51), np.minimum(blurred, 0.49))
    return inside.astype(dtype)


# palettes and bits


def test_indices_of_a_palette_are_the_values(of, scored, prompted, person, tmp_path):
    path = saved(palette_picture(values(person), (40, 90, 200)), tmp_path / "mask.png")
    assert scored(of(seg(mask_path=path))) == [1.0]
    assert scored(of(seg(mask_path=path), targets={1: "person", 2: "dog"})) == [1.0]
    assert prompted(of(seg(mask_path=path))) == ["ok"]


def test_palette_of_a_voc_mask_has_void_too(of, scored, person, tmp_path):
    colours = [(i, 255 - i, 7) for i in range(1, 256)]
    path = saved(palette_picture(outlined(person, value=15), *colours), tmp_path / "mask.png")
    assert scored(of(seg(mask_path=path), targets={15: "person"})) == [1.0]
    assert scored(of(seg(mask_path=path))) == [1.0]


def test_palette_pictures_in_a_segmentation_directory(scored, person, picture, tmp_path):
    for folder in ("data", "labels"):
        (tmp_path / folder).mkdir()
    (tmp_path / "data" / "a.png").write_bytes(picture.read_bytes())
    saved(palette_picture(values(person), (40, 90, 200)), tmp_path / "labels" / "a.png")
    kind = fo.types.ImageSegmentationDirectory
    dataset = fo.Dataset.from_dir(dataset_type=kind, dataset_dir=str(tmp_path), label_field="gt")
    assert scored(dataset) == [1.0]
    dataset.delete()


def test_grey_palette_whose_levels_have_the_names(of, scored, person, tmp_path):
    path = saved(palette_picture(values(person), (255, 255, 255)), tmp_path / "mask.png")
    assert scored(of(seg(mask_path=path), targets={255: "person"})) == [1.0]


def test_palette_of_an_instance(of, scored, person, tmp_path):
    path = saved(palette_picture(values(person, 3), *[(i, 9, 9) for i in range(9)]), tmp_path / "mask.png")
    assert scored(of(det(mask_path=path))) == [1.0]


@pytest.mark.parametrize("targets", [None, {1: "person"}, {255: "person"}])
def test_one_bit_pictures_and_bool_masks(of, scored, person, tmp_path, targets):
    path = saved(Image.fromarray(person), tmp_path / "mask.png")
    assert Image.open(path).mode == "1"
    assert scored(of(seg(mask_path=path), seg(person), targets=targets)) == [1.0, 1.0]
    assert scored(of(det(mask_path=path))) == [1.0]


def parts(mask) -> int:
    return cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0] - 1


# channels and colours


def test_masks_of_colours_are_refused_with_the_count_and_the_first(of, scored, prompted, refused, person, tmp_path):
    path = saved(coloured(person, (200, 30, 60)), tmp_path / "mask.png")
    for label in (seg(mask_path=path), seg(coloured(person, (200, 30, 60)))):
        dataset = of(seg(values(person)), label)
        for call in (scored, prompted):
            told = refused(call, dataset)
            assert "1 of 2 masks of 'gt' are pictures of colours" in told and "(the first: astronaut.png)" in told


def test_masks_of_colours_are_understood_where_targets_name_colours(of, scored, prompted, person, tmp_path):
    mask = coloured(person, (200, 30, 60)) + coloured(~person, (0, 0, 9))
    path = saved(mask, tmp_path / "mask.png")
    targets = {"#c81e3c": "person", "#000009": "sky"}
    for label in (seg(mask_path=path), seg(mask)):
        assert scored(of(label, targets=targets)) == [1.0]
    assert prompted(of(seg(mask_path=path), targets=targets)) == ["ok"]


def test_colours_have_void_too_and_a_palette_has_colours(of, scored, person, tmp_path):
    mask = outlined(person, void=2)
    path = saved(palette_picture(mask, (200, 30, 60), (255, 255, 255)), tmp_path / "mask.png")
    assert scored(of(seg(mask_path=path), targets={"#c81e3c": "person", "#ffffff": "Void"})) == [1.0]


def test_colours_that_no_target_names_are_refused(of, scored, refused, person):
    dataset = of(seg(coloured(person, (60, 30, 200))), targets={"#c81e3c": "person"})  # BGR for RGB
    assert "#3c1ec8" in refused(scored, dataset)


def test_grey_saved_as_colours_is_grey(of, scored, person):
    grey = values(person)
    opaque = np.full_like(grey, 255)
    stacks = ([grey] * 3, [grey] * 3 + [opaque], [grey, opaque])
    masks = [grey[..., None], *(np.stack(channels, -1) for channels in stacks)]
    assert scored(of(*map(seg, masks))) == [1.0] * 4
    assert scored(of(*(det(mask=mask) for mask in masks))) == [1.0] * 4


def test_grey_saved_as_colours_in_files_is_grey(of, scored, person, tmp_path):
    grey = Image.fromarray(values(person, 7))
    paths = [saved(grey.convert(mode), tmp_path / f"{mode}.png") for mode in ("RGB", "RGBA", "LA")]
    assert scored(of(*(seg(mask_path=path) for path in paths), targets={7: "person"})) == [1.0] * 3


def test_shape_in_the_transparency_is_refused(of, scored, refused, person, tmp_path):
    alpha = values(person, 255)
    cut_out = np.dstack([np.full_like(alpha, 0)] * 3 + [alpha])
    path = saved(cut_out, tmp_path / "mask.png")
    assert "transparency" in refused(scored, of(seg(mask_path=path)))
    assert "transparency" in refused(scored, of(seg(cut_out)))


def test_array_that_is_no_picture_is_refused(of, scored, refused, person):
    assert "no pictures of one, three or four channels" in refused(scored, of(seg(np.zeros((3, 320, 320), np.uint8))))


# void


@pytest.mark.parametrize(
    "targets",
    [{1: "person", 255: "void"}, None, {1: "person"}, {1: "person", 2: "dog"}, {1: "person", 255: "Don't care"}],
)
def test_void_is_ignored_like_a_crowd(of, scored, prompted, person, targets):
    dataset = of(seg(outlined(person)), targets=targets)
    assert scored(dataset) == [1.0]
    assert prompted(dataset) == ["ok"]


@pytest.mark.parametrize("name", ["void", "Ignore", "ignored", "unlabeled", "Unlabelled", " VOID ", "dont_care"])
def test_void_is_known_by_name(of, scored, person, name):
    assert scored(of(seg(outlined(person, void=77)), targets={1: "person", 77: name})) == [1.0]


def test_background_called_unlabeled_is_background(of, scored, person):
    half = np.zeros_like(person)
    half[:160] = person[:160]
    (iou,) = scored(of(seg(values(half)), targets={0: "unlabeled", 1: "person"}))
    assert iou == pytest.approx(half.sum() / person.sum())


def test_void_that_was_asked_for_is_a_class(of, scored, person):
    assert scored(of(seg(values(person, 7)), targets={7: "void"}), classes=("void",)) == [1.0]


@pytest.mark.parametrize("targets", [None, {1: "person"}, {255: "person"}])
def test_255_alone_is_the_class(of, scored, person, targets):
    assert scored(of(seg(values(person, 255)), seg(np.zeros((320, 320), np.uint8)), targets=targets)) == [1.0, 0.0]


def test_255_alone_among_several_classes_is_refused(of, scored, refused, person):
    told = refused(scored, of(seg(values(person, 255)), targets={1: "person", 2: "dog"}))
    assert "255" in told and "ignore_values" in told


def test_0_and_1_beside_0_and_255_are_refused(of, scored, prompted, refused, person):
    dataset = of(seg(values(person)), seg(values(person, 255)))
    for call in (scored, prompted):
        assert "can't be told" in refused(call, dataset)
    assert scored(of(seg(values(person)), seg(values(person, 255)), targets={1: "person", 255: "person"})) == [1, 1]


def test_ignore_values_say_otherwise(of, scored, person):
    mask = outlined(person, void=9)
    assert scored(of(seg(mask)))[0] < 0.95
    for given in (9, [9], "9", " 9 ,255"):
        assert scored(of(seg(mask)), ignore_values=given) == [1.0]
    assert scored(of(seg(outlined(person))), ignore_values="none")[0] < 0.95
    assert scored(of(seg(outlined(person))), ignore_values=[])[0] < 0.95


def test_ignore_values_that_are_none_are_refused(of, scored, refused, person):
    assert "ignore_values are mask values" in refused(scored, of(seg(values(person))), ignore_values="sky")


def test_negative_values_are_void(of, scored, person):
    assert scored(of(seg(outlined(person, void=-1, dtype=np.int16)))) == [1.0]
    assert scored(of(seg(outlined(person, void=-100, dtype=np.int64)), targets={1: "person", 2: "dog"})) == [1.0]


def test_void_of_16_bits(of, scored, person, tmp_path):
    path = saved(outlined(person, 65535, 300, np.uint16), tmp_path / "mask.png")
    assert scored(of(seg(mask_path=path), targets={300: "person", 255: "dog"})) == [1.0]


def test_255_is_a_value_like_others_among_thousands(of, scored, person):
    mask = values(person, 255, np.uint16)
    mask[:5, :5] = 300
    assert scored(of(seg(mask), targets={255: "person", 300: "dog"})) == [1.0]


# other numbers


@pytest.mark.parametrize("value", [7, 255, 256, 1001, 65535])
def test_pictures_of_16_bits(of, scored, prompted, person, tmp_path, value):
    path = saved(values(person, value, np.uint16), tmp_path / "mask.png")
    assert scored(of(seg(mask_path=path))) == [1.0]
    assert scored(of(seg(mask_path=path), targets={value: "person", 3: "dog"})) == [1.0]
    assert prompted(of(seg(mask_path=path))) == ["ok"]


def test_floats_that_hold_whole_numbers(of, scored, person):
    assert scored(of(seg(values(person, 2, np.float32)), targets={1: "dog", 2: "person"})) == [1.0]
    assert scored(of(seg(outlined(person, 255, 1, np.float64)))) == [1.0]


def test_nan_is_refused(of, scored, prompted, refused, person):
    mask = values(person, 1, np.float32)
    mask[0, 0] = np.nan
    for dataset in (of(seg(mask)), of(det(mask=mask))):
        for call in (scored, prompted):
            assert "1 of 1 masks of 'gt' hold NaN" in refused(call, dataset)


def test_values_that_no_target_names_are_refused_where_there_are_no_others(of, scored, refused, person):
    told = refused(scored, of(seg(values(person, 24)), targets={1: "person"}))
    assert "values 24 besides 0" in told and "name none" in told


def test_several_classes_without_targets_are_1_2_and_so_on(of, scored, refused, person):
    assert scored(of(seg(values(person))), classes=("person", "dog")) == [1.0]
    assert "mask_targets" in refused(scored, of(seg(values(person, 5))), classes=("person", "dog"))


# noise and softness


@pytest.mark.parametrize("quality", [95, 75, 50])
def test_binary_mask_stored_as_a_jpeg(of, scored, prompted, person, inspect, tmp_path, quality):
    path = saved(values(person, 255), tmp_path / "mask.jpg", quality=quality)
    for targets in (None, {255: "person"}):
        dataset = of(seg(mask_path=path), targets=targets)
        (iou,) = scored(dataset)
        assert iou > 0.995
        assert dataset.first().sam2_truth_instances == parts(person)
        assert "noisy masks of one class" in inspect(dataset)
    dataset = of(seg(mask_path=path), seg(values(person, 255)), seg(person))
    assert min(scored(dataset)) > 0.995
    assert set(prompted(dataset)) == {"ok"}


def test_binary_mask_that_was_made_smaller_with_smoothing(of, scored, person):
    small = cv2.resize(values(person, 255), (107, 107), interpolation=cv2.INTER_AREA)
    assert scored(of(seg(small)))[0] > 0.97
    assert scored(of(det(mask=small)))[0] > 0.97


def test_jpegs_of_several_classes_are_refused(of, scored, prompted, refused, person, tmp_path):
    path = saved(values(person, 1), tmp_path / "one.jpg", quality=95)
    dogs = saved(values(person, 100) + values(~person, 200), tmp_path / "dogs.jpg", quality=80)
    for label, targets in ((path, {1: "person", 2: "dog"}), (dogs, {100: "person", 200: "dog"}), (dogs, None)):
        dataset = of(seg(mask_path=label), targets=targets)
        assert "JPEG" in refused(scored, dataset)
        assert "JPEG" in refused(prompted, dataset)


def test_instance_masks_stored_as_jpegs(of, scored, person, tmp_path):
    path = saved(values(person, 255), tmp_path / "mask.jpg", quality=95)
    assert scored(of(det(mask_path=path)))[0] > 0.995


def test_class_values_are_no_noise(of, scored, person):
    mask = values(person, 15)
    mask[:40, :40], mask[:40, 40:80], mask[-9:] = 3, 200, 255
    (iou,) = scored(of(seg(mask)))
    expected = np.where(mask == 255, 0, mask > 0)
    assert iou == pytest.approx((person & (expected > 0)).sum() / (person & (mask != 255) | (expected > 0)).sum())


@pytest.mark.parametrize(
    "of_person",
    [soft, lambda p: soft(p, np.float64), lambda p: soft(p) * 255, lambda p: (soft(p) * 255).round().astype(np.uint8)],
    ids=["float32", "float64", "to 255", "uint8"],
)
def test_soft_masks_of_detections_are_cut_at_half_of_their_range(of, scored, prompted, person, inspect, of_person):
    dataset = of(det(mask=of_person(person)))
    assert scored(dataset) == [1.0]
    assert "1 soft mask" in inspect(dataset)
    assert prompted(dataset, "field_points") == ["ok"]


def test_soft_segmentation_of_one_class_is_cut_too(of, scored, person):
    assert scored(of(seg(soft(person)), seg(values(person, 1, np.float32)), seg(person))) == [1.0, 1.0, 1.0]


def test_soft_segmentations_of_several_classes_are_refused(of, scored, refused, person):
    for targets, classes in (({1: "person", 2: "dog"}, ("person",)), (None, ("person", "dog"))):
        assert "soft" in refused(scored, of(seg(soft(person)), targets=targets), classes=classes)
    assert "soft" in refused(scored, of(seg(soft(person) * 10 - 5)))


def test_instance_mask_of_several_values_is_refused(of, scored, prompted, refused, person):
    mask = values(person)
    mask[:9] = 2
    for call in (scored, prompted):
        assert "several values" in refused(call, of(det(mask=mask)))


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


# nothing is changed where anything is refused, and what was understood is said


def test_refused_truths_change_nothing(of, scored, refused, evaluate_strategies, person):
    dataset = of(seg(values(person)), seg(values(person)))
    scored(dataset)
    dataset.set_values("gt", [seg(values(person)), seg(coloured(person, (1, 2, 3)))])
    dataset.reload()
    before = [sample.to_dict() for sample in dataset], dataset.list_runs(), dataset.list_evaluations()
    refused(evaluate_strategies, dataset, "gt", progress=False)
    dataset.reload()
    assert repr(before) == repr(([s.to_dict() for s in dataset], dataset.list_runs(), dataset.list_evaluations()))


def test_the_inspector_says_in_one_line_what_was_understood(of, scored, inspect, capsys, person):
    mask = outlined(person, value=24)
    mask[160:][mask[160:] == 24] = 25
    mask[:5, :5] = 7
    dataset = of(seg(mask), seg(mask[::2, ::2].copy()), targets={24: "person", 25: "person", 255: "void"})
    line = inspect(dataset)
    for words in (
        "gt: Segmentation, values: 24, 25 = 'person'", "(other values, 7, are background)", "255 (void) ignored",
        "2 images", f"{parts(mask // 2 == 12) + parts(mask[::2, ::2] // 2 == 12)} connected parts", "1 resized",
    ):  # fmt: skip
        assert words in line
    scored(dataset)
    assert f"Truth: {line}" in capsys.readouterr().out


def test_the_inspector_can_look_at_a_few(of, inspect, person):
    dataset = of(*(det(mask=person, iscrowd=i == 0) for i in range(5)))
    line = inspect(dataset, most=3)
    assert "the first 3 of 5 images looked at; 2 instances" in line and "1 crowd ignored" in line
    assert "5 images; 4 instances" in inspect(dataset)


def test_what_was_understood_is_kept_and_explaining_uses_it(of, scored, evaluate_strategies, inspect, person):
    import fiftyone.operators as foo

    from prompting.dataset.judgements import load_comparison, truth_reading

    dataset = of(seg(outlined(person, void=9)), seg(outlined(person, void=9)))
    assert scored(dataset, ignore_values=[9]) == [1.0, 1.0]
    reading, ignored = truth_reading(dataset)
    assert ignored == (9,) and reading.encoding.ignored == (9,)
    assert load_comparison(dataset).truth == str(reading) == inspect(dataset, ignore_values=9)
    explain = foo.get_operator("@promptlab/sam2-prompting/explain_strategies")
    loss = explain(dataset[:1], progress=False, device="cpu").parts["yolo_box"]
    assert sum(loss.values()) == pytest.approx(0, abs=1e-6)


def test_explaining_takes_labels_as_the_view_shows_them_too(of, scored, refused, person):
    import fiftyone.operators as foo

    explain = foo.get_operator("@promptlab/sam2-prompting/explain_strategies")
    dataset = of(det(mask=person), det(mask=person))
    view = dataset.map_labels("gt", {"person": "human"})
    scored(view, classes=("human",))
    parts = explain(view, progress=False, device="cpu").parts["yolo_box"]
    assert sum(parts.values()) == pytest.approx(0, abs=1e-6)
    assert "has no 'human'; it has: person" in refused(explain, dataset, progress=False, device="cpu")


# what a stranger tried


@pytest.mark.parametrize("beyond", [1e-6, 0.004, 0.1])
def test_soft_masks_may_go_beyond_one_and_below_zero(of, scored, person, beyond):
    mask = soft(person)
    mask[mask == mask.max()], mask[0, 0] = 1 + beyond, -beyond
    assert scored(of(det(mask=mask))) == scored(of(seg(mask))) == [1.0]


@pytest.mark.parametrize("factor", [40, 400, -1])
def test_floats_of_another_range_are_refused(of, scored, refused, person, factor):
    for label in (det(mask=soft(person) * factor), seg(soft(person) * factor)):
        assert "1 of 1 masks of 'gt' are soft where values are needed" in refused(scored, of(label))


@pytest.mark.parametrize(("name", "how"), [("m.webp", {}), ("m.tiff", {"compression": "jpeg"})])
def test_other_files_that_change_values_are_read_like_jpegs(of, scored, refused, person, tmp_path, name, how):
    path = saved(values(person, 255), tmp_path / name, quality=60, **how)
    assert len(np.unique(cv2.imread(path))) > 2
    assert scored(of(seg(mask_path=path)))[0] > 0.99
    dogs = saved(values(person, 100) + values(~person, 200), tmp_path / f"dogs{name}", quality=60, **how)
    told = refused(scored, of(seg(mask_path=dogs), targets={100: "person", 200: "dog"}))
    assert "1 of 1 masks of 'gt' come from" in told


def test_a_lossless_webp_is_exact(of, scored, person, tmp_path):
    path = saved(values(person, 100), tmp_path / "m.webp", lossless=True)
    assert scored(of(seg(mask_path=path), targets={100: "person", 200: "dog"})) == [1.0]


def test_a_view_of_pictures_with_nobody_knows_void_from_the_rest_of_the_dataset(of, scored, inspect, person):
    dataset = of(seg(values(person, 255)), seg(outlined(person)))
    assert "255 ignored; 1 image; 0 connected parts" in inspect(dataset[:1])
    assert "there are: 255); nothing ignored" in inspect(dataset[:1], ignore_values="none")
    dataset.set_values("gt", [seg(values(person, 255)), seg(values(person, 255))])
    assert scored(dataset[:1]) == [1.0]


@pytest.mark.parametrize("given", [[1], "1", "3, 1"])
def test_ignoring_all_that_the_class_is_is_refused(of, scored, refused, person, given):
    told = refused(scored, of(seg(values(person)), targets={1: "person", 2: "dog"}), ignore_values=given)
    assert "ignore_values has 1, which is 'person' in 'gt'" in told


@pytest.mark.parametrize("given", [np.int64(255), np.array([255]), {255}, 255.0, "255,", (np.uint8(255),)])
def test_ignore_values_of_any_kind_of_number(given):
    assert ignored_values(given) == (255,)


@pytest.mark.parametrize("given", [255.5, True, float("nan"), float("inf"), {"void": 1}, [None], [[255]], "#12345g"])
def test_ignore_values_that_are_no_values_are_refused(given):
    with pytest.raises(PromptingError, match="ignore_values are mask values such as 255"):
        ignored_values(given)


@pytest.mark.parametrize("told", ["0", "false", "No", "", float("nan"), 0, False])
def test_a_label_that_is_said_to_be_no_crowd_counts(of, scored, prompted, person, told):
    dataset = of(det(mask=person, iscrowd=told))
    assert scored(dataset) == [1.0]
    assert prompted(dataset) == ["ok"]


@pytest.mark.parametrize("name", ["cafe\u0301", "CAF\u00c9", "ｃａｆé", " caf\u00e9"])
def test_a_name_is_the_same_however_unicode_writes_its_letters(of, scored, person, name):
    assert scored(of(det(name, mask=person)), classes=("caf\u00e9",)) == [1.0]
    assert scored(of(seg(values(person)), targets={1: name}), classes=("caf\u00e9",)) == [1.0]


@pytest.mark.parametrize("labels", [[1, None], ["inside", "outside"], [[1], [0, 1]]])
def test_sam_labels_that_are_none_are_said_by_the_sample(labels):
    points = fo.Keypoint(label="person", points=[(0.5, 0.5), (0.2, 0.2)], sam_labels=labels)
    with pytest.raises(PromptError, match="sam_labels are 1 and 0"):
        FieldPrior(["person"]).regions(fo.Keypoints(keypoints=[points]), 100, 100)


# the form


@pytest.fixture
def form(nano):
    """A function that resolves the evaluate form of a dataset, as the App does at each keystroke."""
    import fiftyone.operators as foo

    def resolve(dataset, **params):
        request = {"dataset_name": dataset.name, "view": [], "params": {"gt_field": "gt", **params}}
        context = foo.ExecutionContext(request_params=request)
        return foo.get_operator("@promptlab/sam2-prompting/evaluate_strategies").resolve_input(context).type

    return resolve


def test_the_form_shows_what_the_truth_is_understood_as_from_a_few_samples(of, scored, form, person):
    dataset = of(*(seg(outlined(person)) for _ in range(23)))
    scored(dataset)
    line = form(dataset).get_property("truth_reading").view.label
    assert "gt: Segmentation, values without mask targets, all but 0 = 'person' (there are: 1)" in line
    assert "255 ignored; the first 20 of 23 images looked at" in line
    without = form(dataset, advanced=True, ignore_values="none").get_property("truth_reading").view.label
    assert "nothing ignored" in without


def test_a_look_at_a_few_refuses_nothing_that_other_samples_explain(of, inspect, refused, person):
    only_void = [seg(values(person, 255)) for _ in range(3)]
    dataset = of(*only_void, seg(outlined(person)), targets={1: "person", 2: "dog"})
    assert "the first 3 of 4 images looked at" in inspect(dataset, most=3)
    assert "255 ignored; 4 images" in inspect(dataset)
    assert "255 ignored; 3 images" in inspect(dataset[:3])  # as the dataset has it
    dataset.delete_samples(dataset.last().id)
    assert "name none" in refused(inspect, dataset)


def test_the_form_says_what_evaluating_would_refuse(of, scored, form, person):
    dataset = of(seg(values(person)))
    scored(dataset)
    dataset.set_values("gt", [seg(coloured(person, (1, 2, 3)))])
    assert "are pictures of colours" in form(dataset).get_property("problem").view.label
    dataset.set_values("gt", [seg(values(person))])
    assert "are mask values such as 255" in form(dataset, ignore_values="sky").get_property("problem").view.label
