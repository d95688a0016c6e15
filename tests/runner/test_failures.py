"""What can't be done fails alone: a strategy, a label, a picture that memory has no room for."""

import fiftyone as fo
import numpy as np
import pytest
import torch

from prompting.priors.base import Picture
from prompting.results import NO_PROMPT, OK
from tests.runner.people import ASTRONAUT, by_name, people


def test_strategy_that_cannot_say_a_region_fails_alone(make_runner, pictures):
    """Boxes without masks: nothing to spread clicks over."""
    astronaut = pictures["astronaut.png"]
    picture = Picture(astronaut.key, astronaut.seed_key, astronaut.image, people(ASTRONAUT, with_masks=False))
    results = by_name(make_runner(["field_box", "field_point", "field_points"]).run([picture]))[picture.key]
    failed = results["field_points"]
    assert failed.status.startswith("error: This strategy spreads clicks over a mask")
    assert failed.mask is None
    assert failed.prompts == ()
    assert results["field_box"].status == results["field_point"].status == OK


def test_a_label_whose_points_are_all_outside_the_picture_gives_no_prompt(make_runner, pictures):
    outside = fo.Keypoints(keypoints=[fo.Keypoint(label="person", points=[(1.5, 0.5)])])
    good = fo.Keypoints(keypoints=[fo.Keypoint(label="person", points=[(0.4, 0.7)])])
    image = pictures["astronaut.png"].image
    batch = [Picture("bad", "bad", image, outside), Picture("good", "good", image, good)]
    bad, fine = (result.results[0] for result in make_runner(["field_point"]).run(batch, batch_size=2))
    assert (bad.status, fine.status) == (NO_PROMPT, OK)


@pytest.mark.parametrize(
    "label",
    [
        fo.Keypoints(keypoints=[fo.Keypoint(label="person", points=[(0.4, 0.7)], sam_labels=[1, 0])]),
        fo.Keypoints(keypoints=[fo.Keypoint(label="person", points=[(0.4, 0.7)], sam_labels=[None])]),
        fo.Detections(detections=[fo.Detection(label="person", bounding_box=ASTRONAUT, mask_path="/nowhere.png")]),
        fo.Segmentation(mask_path="/nowhere.png"),
    ],
    ids=["too many sam_labels", "no sam_labels", "lost instance mask", "lost mask"],
)
@pytest.mark.parametrize("batch_size", [1, 2])
def test_bad_label_fails_alone(make_runner, pictures, label, batch_size):
    good = pictures["astronaut.png"]
    batch = [Picture("bad", "bad", good.image, label), good]
    bad, fine = (result.results[0] for result in make_runner(["field_point"]).run(batch, batch_size=batch_size))
    assert bad.status.startswith("error: ")
    assert bad.mask is None
    assert fine.status == OK


@pytest.fixture
def room_for(nano_segmenter, monkeypatch):
    """A function that leaves the encoder room for so many pictures; a device that is full can't be had at will."""
    encode = nano_segmenter.encode

    def limit(pictures: int, seen: list[int]):
        def limited(images, shapes):
            seen.append(len(images))
            if len(images) > pictures:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            return encode(images, shapes)

        monkeypatch.setattr(nano_segmenter, "encode", limited)

    return limit


def test_batch_that_is_too_large_is_halved_for_the_rest_of_the_run(make_runner, pictures, room_for):
    alone = by_name(make_runner(["field_box"]).run(pictures.values()))
    seen: list[int] = []
    room_for(1, seen)
    several = [Picture(f"{i}", p.seed_key, p.image, p.label) for i in range(2) for p in pictures.values()]
    with pytest.warns(UserWarning, match="Not enough memory for 4 pictures at once; going on with 2"):
        results = by_name(make_runner(["field_box"]).run(several, batch_size=4))
    assert len(results) == 2  # six pictures of two keys
    assert seen == [4, 2, 1, 1, 2, 1, 1, 1, 1]
    kept = list(make_runner(["field_box"]).run(several, batch_size=1))
    for result, picture in zip(kept, several, strict=True):
        name = next(n for n, p in pictures.items() if p.seed_key == picture.seed_key)
        assert np.array_equal(result.results[0].mask, alone[name]["field_box"].mask)


def test_picture_that_is_too_large_by_itself_fails_alone(make_runner, pictures, nano_segmenter, monkeypatch):
    encode = nano_segmenter.encode

    def no_room_for_the_bus(images, shapes):
        if any(image.shape == pictures["bus.jpg"].image.shape for image in images):
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory")
        return encode(images, shapes)

    monkeypatch.setattr(nano_segmenter, "encode", no_room_for_the_bus)
    with pytest.warns(UserWarning, match="Not enough memory for 3 pictures"):
        results = by_name(make_runner(["field_box"]).run(pictures.values(), batch_size=3))
    height, width = pictures["bus.jpg"].image.shape[:2]
    said = f"error: not enough memory for this picture of {width} x {height} pixels"
    assert results["bus.jpg"]["field_box"].status.startswith(said)
    assert results["bus.jpg"]["field_box"].mask is None
    assert results["astronaut.png"]["field_box"].status == OK


def test_other_errors_are_not_taken_for_a_lack_of_memory(make_runner, pictures, nano_segmenter, monkeypatch):
    def broken(images, shapes):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(nano_segmenter, "encode", broken)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        list(make_runner(["field_box"]).run(pictures.values()))
