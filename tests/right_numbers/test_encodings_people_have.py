"""Masks in every encoding that people have, and void: the right number for each, or one sentence before scoring.

The truth is the mask that the strategy itself made, in the encoding that the test is about: it scores 1.
"""

from __future__ import annotations

import cv2
import fiftyone as fo
import numpy as np
import pytest
from PIL import Image

from tests.right_numbers.labelled import (
    coloured,
    det,
    outlined,
    palette_picture,
    parts,
    saved,
    seg,
    soft,
    values,
)

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
