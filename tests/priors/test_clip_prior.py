"""The CLIP map shows people where people are, for any CLIP, any picture's shape and any classes."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.io
import torch

from prompting.models import catalogue
from prompting.pixels.regions import WORKING_PIXELS, stretched_box
from prompting.priors.base import Picture
from prompting.priors.clip import ClipPrior, ClipSettings
from prompting.priors.windows import MAX_WINDOWS, map_shape

ROOT = Path(__file__).parents[2]
WITH_PEOPLE = ("bus.jpg", "astronaut.png", "camera.png")


@pytest.fixture(scope="module")
def nano():
    return catalogue.load_clip("nano", "cpu")


@pytest.fixture(scope="module")
def pictures(photographs) -> dict[str, Picture]:
    names = (*WITH_PEOPLE, "coffee.png")
    return {name: Picture(name, name, read_rgb(photographs / name)) for name in names}


@pytest.fixture(scope="module")
def maps(nano, pictures) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    prior = ClipPrior(*nano, ["person"], ClipSettings())
    return {name: prior.maps(picture.image) for name, picture in pictures.items()}


@pytest.fixture(scope="module")
def coarse(nano, pictures) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The maps that regions lie on."""
    prior = ClipPrior(*nano, ["person"], ClipSettings())
    return {n: prior.maps(p.image, map_shape(*p.shape)) for n, p in pictures.items()}


@pytest.fixture(scope="module")
def found(nano, pictures) -> dict[str, list]:
    prior = ClipPrior(*nano, ["person"], ClipSettings())
    return dict(zip(pictures, prior.find(list(pictures.values())), strict=True))


def read_rgb(path: Path) -> np.ndarray:
    image = skimage.io.imread(path)
    return np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image


def people(name: str) -> np.ndarray:
    """Our hand-made masks of all people in a photograph."""
    stored = json.loads((ROOT / "demo" / "annotations.json").read_text())
    image = next(image for image in stored["images"] if image["file_name"] == name)
    mask = np.zeros((image["height"], image["width"]), np.uint8)
    for annotation in stored["annotations"]:
        if annotation["image_id"] == image["id"]:
            cv2.fillPoly(mask, [np.array(p).reshape(-1, 2).round().astype(int) for p in annotation["segmentation"]], 1)
    return mask.astype(bool)


def test_maps_are_probabilities_of_the_pictures_size(maps, pictures):
    for name, (probabilities, background) in maps.items():
        shape = pictures[name].image.shape[:2]
        assert probabilities.shape == (*shape, 1)
        assert background.shape == shape
        assert probabilities.min() >= 0
        assert background.min() >= 0
        assert (probabilities.sum(axis=2) + background).max() <= 1 + 1e-4


@pytest.mark.parametrize("name", WITH_PEOPLE)
def test_person_map_is_higher_on_the_people_than_elsewhere(maps, name):
    person, there = maps[name][0][..., 0], people(name)
    assert person[there].mean() > 2 * person[~there].mean()


@pytest.mark.parametrize("name", WITH_PEOPLE)
def test_regions_lie_on_people(found, name):
    there = people(name)
    assert found[name]
    covered = np.any([region.mask.at(*there.shape) for region in found[name]], axis=0)
    assert (covered & there).sum() > 0.5 * there.sum()
    assert (covered & there).sum() > 0.3 * covered.sum()


def test_picture_of_a_cup_has_no_person(found):
    assert found["coffee.png"] == []


def test_region_has_its_mask_its_tight_box_and_its_peak(found, coarse, pictures):
    for name in WITH_PEOPLE:
        for region in found[name]:
            ys, xs = np.nonzero(region.mask)
            tight = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
            assert region.label == "person"
            assert region.box.tolist() == stretched_box(tight, region.mask.shape, pictures[name].shape).tolist()
            assert region.confidence == pytest.approx(coarse[name][0][..., 0][region.mask].max(), abs=1e-5)
            assert region.mask.full().mean() >= ClipSettings().smallest


def test_regions_are_where_the_class_beats_every_background_phrase(found, coarse):
    probabilities, background = coarse["bus.jpg"]
    wins = probabilities[..., 0] > background
    for region in found["bus.jpg"]:
        assert wins[region.mask].all()


def test_region_that_nowhere_reaches_the_peak_is_dropped(nano, pictures):
    settings = ClipSettings(scales=(1.0,), peak=1.01)
    assert ClipPrior(*nano, ["person"], settings).find([pictures["astronaut.png"]]) == [[]]


def test_same_picture_gives_the_same_maps_whatever_was_asked_before(nano, pictures):
    prior = ClipPrior(*nano, ["person"], ClipSettings(scales=(1.0,)))
    first = prior.maps(pictures["astronaut.png"].image)
    prior.maps(pictures["coffee.png"].image)
    again = prior.maps(pictures["astronaut.png"].image)
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])


def test_two_classes_have_a_map_each_and_regions_that_do_not_overlap(nano, pictures):
    prior = ClipPrior(*nano, ["person", "bus"], ClipSettings(scales=(1.0,)))
    probabilities, background = prior.maps(pictures["bus.jpg"].image)
    assert probabilities.shape == (1080, 810, 2)
    assert (probabilities.sum(axis=2) + background).max() <= 1 + 1e-4
    there = people("bus.jpg")
    person, bus = probabilities[..., 0], probabilities[..., 1]
    assert person[there].mean() > person[~there].mean()
    assert bus[there].mean() < bus[~there].mean()
    regions = prior.find([pictures["bus.jpg"]])[0]
    assert np.sum([region.mask for region in regions], axis=0).max() <= 1


def test_class_does_not_compete_with_itself(nano):
    prior = ClipPrior(*nano, ["cup", "aeroplane"], ClipSettings(background=["wall", "cup", "airplane", "plane"]))
    assert prior.words.groups == [("cup",), ("airplane", "aeroplane", "plane"), ("wall",)]


def test_given_phrases_are_asked_for(nano):
    settings = ClipSettings(phrases={"person": ("spaceman", "astronaut")}, background=["wall", "floor"])
    prior = ClipPrior(*nano, ["person"], settings)
    assert prior.words.groups == [("spaceman", "astronaut"), ("wall",), ("floor",)]
    assert prior.words.text.shape == (4, nano[0].visual.output_dim)
    assert torch.allclose(prior.words.text.norm(dim=-1), torch.ones(4), atol=1e-4)


@pytest.mark.parametrize("scales", [(1.0,), (1.0, 1.5)])
@pytest.mark.parametrize("shape", [(640, 400), (400, 640), (320, 320), (40, 30), (30, 41), (1, 1), (60, 400)])
def test_picture_of_any_shape_is_covered_by_windows(nano, shape, scales):
    prior = ClipPrior(*nano, ["person"], ClipSettings(background=["wall"], scales=scales))
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    probabilities, background = prior.maps(image)
    assert probabilities.shape == (*shape, 1)
    # with one background phrase the two share every pixel that a window has seen
    assert np.allclose(probabilities[..., 0] + background, 1, atol=1e-3)


@pytest.mark.parametrize("shape", [(8, 2000), (2000, 8)])
def test_strip_of_a_picture_takes_no_more_windows_than_an_ordinary_one(nano, shape):
    prior = ClipPrior(*nano, ["person"], ClipSettings(background=["wall"], scales=(1.0,)))
    windows = []
    hook = nano[0].visual.conv1.register_forward_hook(lambda module, args, output: windows.append(len(output)))
    try:
        probabilities, _ = prior.maps(np.zeros((*shape, 3), np.uint8))
    finally:
        hook.remove()
    assert probabilities.shape == (*shape, 1)
    assert 1 < sum(windows) < 2 * MAX_WINDOWS


def test_official_architecture_goes_the_same_way(official):
    settings = ClipSettings(phrases={"person": ("person",)}, background=["wall"], scales=(1.0,))
    prior = ClipPrior(*official, ["person"], settings)
    image = np.random.default_rng(0).integers(0, 256, (90, 140, 3), dtype=np.uint8)
    probabilities, background = prior.maps(image)
    assert probabilities.shape == (90, 140, 1)
    assert background.shape == (90, 140)
    assert np.allclose(probabilities[..., 0] + background, 1, atol=1e-3)
    assert all(region.mask.shape == (90, 140) for region in prior.find([Picture("key", "key", image)])[0])


def test_maps_of_a_large_picture_are_those_of_the_same_picture_smaller(nano, pictures):
    """They are made at 640 x 640 pixels, whatever the picture has, and from its bytes."""
    prior, astronaut = ClipPrior(*nano, ["person"], ClipSettings()), pictures["astronaut.png"].image
    large = cv2.resize(astronaut, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    assert large.size > 3 * WORKING_PIXELS
    probabilities, background = prior.maps(large, astronaut.shape[:2])
    wanted, of_background = prior.maps(astronaut)
    assert probabilities.shape == wanted.shape
    assert np.abs(probabilities - wanted).mean() < 0.01 and np.abs(background - of_background).mean() < 0.01
    (found,) = prior.find([Picture("large", "large", large)])
    assert all(region.mask.shape == map_shape(*large.shape[:2]) for region in found)
    assert all(region.picture == large.shape[:2] for region in found) and found
