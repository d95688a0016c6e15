"""The detector's people, whatever else is in the batch and whatever a dataset calls them."""

import os

import cv2
import numpy as np
import pytest
import skimage.io
import torch

from prompting.errors import PromptingError
from prompting.models import catalogue
from prompting.priors.base import Picture
from prompting.priors.yolo import YoloPrior


@pytest.fixture(scope="module")
def yolo():
    return catalogue.load_yolo("nano")


@pytest.fixture(scope="module")
def pictures(photographs) -> dict[str, Picture]:
    names = ("bus.jpg", "zidane.jpg", "astronaut.png", "coffee.png")
    return {name: Picture(name, name, skimage.io.imread(photographs / name)) for name in names}


@pytest.fixture(scope="module")
def people(yolo, pictures) -> dict[str, list]:
    """The people of each picture, all in one batch."""
    return dict(zip(pictures, YoloPrior(yolo, ["person"]).find(list(pictures.values())), strict=True))


def boxes(regions) -> np.ndarray:
    return np.array([region.box for region in regions]).reshape(-1, 4)


def test_people_are_found_one_region_each(people):
    assert len(people["bus.jpg"]) >= 3
    assert len(people["zidane.jpg"]) == 2
    assert len(people["astronaut.png"]) == 1
    assert people["coffee.png"] == []


def test_looking_for_people_leaves_torch_its_threads(pictures):
    """Ultralytics sets them for the whole process: SAM 2 would have half of two cores."""
    before, others = torch.get_num_threads(), os.cpu_count() + 9  # what Ultralytics never chooses
    fresh = YoloPrior(catalogue.load_yolo.__wrapped__("nano"), ["person"])
    try:
        torch.set_num_threads(others)
        assert len(fresh.find([pictures["zidane.jpg"]])[0]) == 2
        assert torch.get_num_threads() == others
    finally:
        torch.set_num_threads(before)


def test_the_first_picture_has_the_boxes_that_it_would_have_later(pictures):
    fresh = YoloPrior(catalogue.load_yolo.__wrapped__("nano"), ["person"])
    first, later = (fresh.find([pictures["bus.jpg"]])[0] for _ in range(2))
    assert boxes(first).tobytes() == boxes(later).tobytes()


def test_region_is_a_box_with_a_confidence_and_no_mask(people):
    for region in people["bus.jpg"]:
        assert region.label == "person"
        assert region.mask is None
        assert region.box.dtype == np.float32
        assert 0.25 <= region.confidence <= 1
    confidences = [region.confidence for region in people["bus.jpg"]]
    assert confidences == sorted(confidences, reverse=True)


def test_boxes_lie_within_the_picture_and_have_area(people, pictures):
    for name, regions in people.items():
        height, width = pictures[name].image.shape[:2]
        for x1, y1, x2, y2 in boxes(regions):
            assert 0 <= x1 < x2 <= width
            assert 0 <= y1 < y2 <= height


def test_astronaut_is_where_she_is(people):
    assert people["astronaut.png"][0].box == pytest.approx([12, 16, 362, 511], abs=15)


def test_boxes_are_the_same_one_picture_at_a_time(yolo, pictures, people):
    prior = YoloPrior(yolo, ["person"])
    for name, picture in pictures.items():
        alone = boxes(prior.find([picture])[0])
        assert alone.shape == boxes(people[name]).shape
        assert np.allclose(alone, boxes(people[name]), atol=0.5)


def test_channels_are_given_in_the_detectors_order(yolo, pictures):
    """The frame of a picture with red and blue exchanged scores otherwise: a swap would go unseen."""
    zidane = pictures["zidane.jpg"]
    swapped = Picture("swapped", "swapped", zidane.image[..., ::-1])
    given = YoloPrior(yolo, ["person"]).find([zidane])[0]
    official = yolo.predict(zidane.image[..., ::-1].copy(), conf=0.25, classes=[0], rect=False, verbose=False)[0]
    assert np.allclose(boxes(given), official.boxes.xyxy.numpy(), atol=0.5)
    other = YoloPrior(yolo, ["person"]).find([swapped])[0]
    assert boxes(other).shape != boxes(given).shape or not np.allclose(boxes(other), boxes(given), atol=0.5)


def test_confidence_is_a_threshold(yolo, pictures, people):
    strict = YoloPrior(yolo, ["person"], confidence=0.7).find([pictures["bus.jpg"]])[0]
    assert [region.confidence for region in strict] == pytest.approx(
        [region.confidence for region in people["bus.jpg"] if region.confidence >= 0.7], abs=1e-5
    )


def test_two_classes_are_told_apart(yolo, pictures):
    found = YoloPrior(yolo, ["person", "bus"]).find([pictures["bus.jpg"]])[0]
    assert {region.label for region in found} == {"person", "bus"}
    only = YoloPrior(yolo, ["bus"]).find([pictures["bus.jpg"]])[0]
    assert {region.label for region in only} == {"bus"}


@pytest.mark.parametrize(("name", "known"), [("aeroplane", "airplane"), ("tvmonitor", "tv"), ("sofa", "couch")])
def test_other_datasets_names_are_understood_and_kept(yolo, name, known):
    prior = YoloPrior(yolo, [name])
    assert {index: yolo.names[index] for index in prior.labels} == {next(iter(prior.labels)): known}
    assert list(prior.labels.values()) == [name]


def test_person_under_another_name_is_labelled_with_that_name(yolo, pictures):
    found = YoloPrior(yolo, ["pedestrian"]).find([pictures["zidane.jpg"]])[0]
    assert [region.label for region in found] == ["pedestrian", "pedestrian"]


def test_class_that_the_detector_does_not_know_is_named(yolo):
    with pytest.raises(PromptingError, match=r"doesn't know the class 'unicorn'.* 80 classes: person, bicycle"):
        YoloPrior(yolo, ["person", "unicorn"])


def test_tiny_picture_is_taken(yolo):
    assert YoloPrior(yolo, ["person"]).find([Picture("tiny", "tiny", np.zeros((3, 5, 3), np.uint8))]) == [[]]


def test_one_class_under_two_names_is_refused(yolo):
    with pytest.raises(PromptingError, match="'person' and 'people' are one class to the detector"):
        YoloPrior(yolo, ["person", "people"])


def test_boxes_of_a_large_picture_are_those_that_ultralytics_finds_in_it(yolo, pictures):
    """It is made smaller beforehand, as it would be there, or its copy would cost as much as the detector."""
    image = cv2.resize(pictures["bus.jpg"].image, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    prior = YoloPrior(yolo, ["person"])
    (found,) = prior.find([Picture("large", "large", image)])
    (theirs,) = prior._predict([image[..., ::-1].copy()])
    assert len(found) == len(theirs.boxes) >= 3
    assert boxes(found) == pytest.approx(theirs.boxes.xyxy.numpy().clip(0), abs=3)  # a pixel before it was enlarged
