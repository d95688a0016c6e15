"""Which samples strategies are applied to, and what is refused before anything is touched."""

import fiftyone as fo
import numpy as np
import pytest
from fiftyone import ViewField as F
from PIL import Image

from prompting.pixels.images import read_image
from prompting.results import OK
from tests.runs.applying import PEOPLE, QUICK, content, immediately, named, refuses, run

# which samples, and what of them


def test_only_the_samples_of_the_view_change(dataset):
    view = dataset[1:3]
    others = dataset.exclude(view.values("id"))
    before = content(others)
    run(view, **QUICK)
    assert content(others) == before
    assert dataset.values("sam2_field_box_status") == [None, OK, OK, None, None, None]


def test_only_the_selected_samples_change(dataset):
    chosen = dataset.values("id")[1:3]
    before = content(dataset.exclude(chosen))
    immediately(dataset, selected=chosen, view_target="SELECTED_SAMPLES", **QUICK)
    assert content(dataset.exclude(chosen)) == before
    assert dataset.values("sam2_field_box_status") == [None, OK, OK, None, None, None]


def test_other_fields_of_the_samples_stay(dataset):
    before = content(dataset)
    run(dataset, **QUICK)
    after = content(dataset)
    assert [{name: new[name] for name in old} for old, new in zip(before, after, strict=True)] == before


def test_a_slice_of_groups_is_processed_whole(photographs):
    dataset = fo.Dataset()
    dataset.add_group_field("group", default="left")
    for name in PEOPLE[:2]:
        group = fo.Group()
        for place in ("left", "right"):
            dataset.add_sample(fo.Sample(str(photographs / name), group=group.element(place)))
    try:
        steps = run(dataset.select_group_slices("right"), strategies=("yolo_box",))
        assert steps[-1].done == steps[-1].total == 2
        assert dataset.select_group_slices(["left", "right"]).values("sam2_yolo_box_status") == [None, OK, None, OK]
    finally:
        dataset.delete()


def test_prompts_that_the_view_filters_out_are_not_given(dataset):
    (bus,) = named(dataset, "bus.jpg")
    widest = max(detection.bounding_box[2] for detection in bus.ground_truth.detections)
    view = dataset.select(bus.id).filter_labels("ground_truth", F("bounding_box")[2] >= widest)
    run(view, **QUICK)
    bus.reload()
    assert len(bus.sam2_field_box_prompt_boxes.detections) == 1
    assert len(bus.ground_truth.detections) == 4


def test_pictures_are_read_as_the_app_shows_them(tmp_path, photographs):
    upright = read_image(str(photographs / "bus.jpg"))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees to show
    Image.fromarray(np.rot90(upright)).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(read_image(str(tmp_path / "turned.png")), upright)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_pictures_of_any_mode_are_read_as_rgb(tmp_path, photographs, mode):
    path = tmp_path / "picture.tiff"
    Image.open(photographs / "astronaut.png").convert(mode).save(path)
    image = read_image(str(path))
    assert image.shape == (512, 512, 3) and image.dtype == np.uint8
    assert 50 < image.mean() < 200


def test_sixteen_bits_are_scaled_and_not_clipped_to_white(tmp_path):
    gradient = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (8, 1))
    Image.fromarray(gradient).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(read_image(str(tmp_path / "deep.png"))[0, :, 1], np.arange(256))


# what is refused


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"strategies": ("clip_circle",)}, "Unknown strategy 'clip_circle'; choose from clip_point"),
        ({"strategies": ()}, "Choose at least one strategy"),
        ({"prefix": "My masks"}, "The prefix 'My masks' can't begin field names"),
        ({"existing": "merge"}, "existing must be one of skip, overwrite, error"),
        ({"classes": ()}, "classes must be a list of names"),
        ({"strategies": ("yolo_box",), "classes": ("unicorn",)}, "doesn't know the class 'unicorn'"),
        ({"strategies": ("field_box",)}, "need prompt_field"),
        ({**QUICK, "prompt_field": "boxes"}, "There is no label field 'boxes'; the dataset has: ground_truth"),
        ({**QUICK, "prompt_field": "filepath"}, "There is no label field 'filepath'"),
        ({**QUICK, "classes": ("bus",)}, "has no label 'bus'; it has: person"),
        ({**QUICK, "sam2_model": "sam2.1-hiera-nano"}, "Unknown SAM 2 model 'sam2.1-hiera-nano'"),
        ({"clip_model": "ViT-B-16"}, "Unknown CLIP model 'ViT-B-16'"),
    ],
)
def test_a_wrong_request_is_refused_and_nothing_is_touched(dataset, params, words):
    refuses(dataset, words, **params)


def test_unknown_parameters_are_named(dataset, apply_strategies, nano):
    with pytest.raises(TypeError, match="unexpected keyword argument 'strategy'"):
        apply_strategies(dataset, strategy="clip_box", **nano)
    assert dataset.list_runs() == []


@pytest.mark.parametrize(
    ("strategy", "label", "words"),
    [
        ("field_box", fo.Classification(label="person"), "must hold Detections, Keypoints or a Segmentation"),
        ("field_box", fo.Keypoints(keypoints=[fo.Keypoint(label="person", points=[(0.5, 0.5)])]), "needs boxes"),
        (
            "field_points",
            fo.Detections(detections=[fo.Detection(label="person", bounding_box=[0, 0, 1, 1])]),
            "and the detections of 'given' have none; use field_box or field_point",
        ),
    ],
)
def test_a_field_that_can_not_give_such_prompts_is_refused(dataset, strategy, label, words):
    dataset.set_values("given", [label] * len(dataset))
    refuses(dataset, words, strategies=(strategy,), prompt_field="given")


def test_mask_targets_of_the_field_must_have_the_class_and_be_values(dataset):
    dataset.set_values("given", [fo.Segmentation(mask=np.ones((4, 4), np.uint8))] * len(dataset))
    for targets, words in (({1: "dog"}, "have no 'person'; they have: dog"), ({"#ff6d04": "person"}, "name none")):
        dataset.mask_targets["given"] = targets
        dataset.save()
        refuses(dataset, words, strategies=("field_points",), prompt_field="given")


def test_a_field_of_another_type_is_not_written_over(dataset):
    dataset.add_sample_field("sam2_field_box_score", fo.StringField)
    refuses(dataset, "'sam2_field_box_score' exists and is of another type; choose another prefix", **QUICK)


def test_views_without_pictures_are_refused(dataset):
    refuses(dataset.match(F("filepath") == "none"), "no samples in this view", **QUICK)
    refuses(dataset.to_patches("ground_truth"), "leave the patches view", **QUICK)


def test_videos_are_refused(tmp_path):
    dataset = fo.Dataset()
    dataset.add_sample(fo.Sample(str(tmp_path / "film.mp4")))
    refuses(dataset, "work on images, and these samples are of type 'video'", strategies=("yolo_box",))
    dataset.delete()


def test_groups_are_refused(photographs):
    dataset = fo.Dataset()
    dataset.add_group_field("group", default="left")
    dataset.add_sample(fo.Sample(str(photographs / "bus.jpg"), group=fo.Group().element("left")))
    refuses(dataset, "The samples are grouped; choose pictures with", strategies=("yolo_box",))
    dataset.delete()


def test_official_models_that_can_not_be_had_name_the_bundled_one(dataset, monkeypatch):
    import fiftyone.zoo

    def offline(name):
        raise ConnectionError("no network")

    monkeypatch.setattr(fiftyone.zoo, "download_zoo_model", offline)
    refuses(dataset, "use the bundled one: sam2_model='nano'", **QUICK, sam2_model="sam2.1-hiera-tiny")
