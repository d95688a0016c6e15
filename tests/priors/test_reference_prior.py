"""Reference pictures teach a map: on coins, which CLIP has no word for, and for any CLIP."""

import argparse

import numpy as np
import pytest
import skimage.data
import torch

from benchmarks.reference import Bench
from demo.things import label_coins
from prompting.errors import PromptingError
from prompting.models import catalogue
from prompting.priors.base import Picture, Reference
from prompting.priors.reference import ReferencePrior, ReferenceSettings


@pytest.fixture(scope="module")
def nano():
    return catalogue.load_clip("nano", "cpu")


@pytest.fixture(scope="module")
def tiles() -> list[Reference]:
    """The coins' picture in four parts."""
    picture, found = np.repeat(skimage.data.coins()[..., None], 3, axis=2), []
    labels = (label_coins(picture[..., 0]) > 0).astype(np.uint8)
    for i, (y, x) in enumerate(((0, 0), (0, 192), (151, 0), (151, 192))):
        place = slice(y, y + 151), slice(x, x + 192)
        found.append(Reference(f"{i}.png", picture[place], labels[place]))
    return found


@pytest.fixture(scope="module")
def taught(nano, tiles) -> ReferencePrior:
    return ReferencePrior(*nano, ["coin"], tiles[:1], ReferenceSettings())


def iou(prior: ReferencePrior, tile: Reference) -> float:
    probabilities, background = prior.maps(tile.image)
    found, there = probabilities[..., 0] > background, tile.labels == 1
    return (found & there).sum() / (found | there).sum()


def test_one_tile_of_coins_shows_what_coins_are(taught, tiles):
    assert min(iou(taught, tile) for tile in tiles[1:]) > 0.6


def test_a_word_that_never_wins_has_no_say(taught):
    assert taught.classifier.trust[0] < 0.1


def test_maps_are_probabilities_that_add_up_to_one(taught, tiles):
    probabilities, background = taught.maps(tiles[1].image, (70, 90))
    assert probabilities.shape == (70, 90, 1) and background.shape == (70, 90)
    assert probabilities.min() >= 0 and np.allclose(probabilities[..., 0] + background, 1, atol=1e-4)


def test_regions_are_single_coins_in_the_pictures_pixels(taught, tiles):
    (found,) = taught.find([Picture("key", "key", tiles[3].image)])
    assert len(found) >= 4 and {region.label for region in found} == {"coin"}
    assert all(region.picture == tiles[3].image.shape[:2] and region.confidence > 0.5 for region in found)


def test_pictures_that_show_no_object_or_no_background_are_refused(nano, tiles):
    empty = Reference("empty", tiles[0].image, np.zeros((9, 9), np.uint8))
    full = Reference("full", tiles[0].image, np.ones((9, 9), np.uint8))
    speck = Reference("speck", tiles[0].image, np.zeros((1500, 2000), np.uint8))
    speck.labels[30, 40] = 1
    for references, said in (
        ([empty], "No reference picture shows 'coin'"),
        ([speck], "What the reference pictures show of 'coin' is too small to learn from"),
        ([full], "nothing shows what isn't meant"),
    ):
        with pytest.raises(PromptingError, match=said):
            ReferencePrior(*nano, ["coin"], references, ReferenceSettings())
    with pytest.raises(PromptingError, match="No reference picture shows 'coin'"):
        ReferencePrior(*nano, ["coin"], [], ReferenceSettings())


def test_classes_that_words_cannot_tell_apart_are_told_by_the_references(nano, tiles):
    """CLIP alone refuses two names of one thing."""
    labels = tiles[0].labels.copy()
    labels[:75] *= 2
    both = Reference("both", tiles[0].image, labels)
    prior = ReferencePrior(*nano, ["people", "person"], [both], ReferenceSettings())
    assert prior.words is None and prior.maps(tiles[1].image)[0].shape == (*tiles[1].image.shape[:2], 2)


def test_any_open_clip_vit_goes_the_same_way(official, tiles):
    settings = ReferenceSettings(phrases={"coin": ("coin",)}, background=["wall"], scales=(1.0,))
    prior = ReferencePrior(*official, ["coin"], tiles[:1], settings)
    assert prior.classifier.weights.shape == (1, 768) and prior.maps(tiles[1].image)[0].shape[2] == 1


def test_the_benchmark_remembers_what_the_prior_would_see_again(taught, tiles):
    args = argparse.Namespace(sam2="nano", clip="nano", yolo="nano", without_words=False)
    bench = Bench(tiles, "coin", args)
    remembering = bench.reference(tiles[:1])
    for scale in remembering.settings.scales:
        assert torch.allclose(
            remembering.scores(tiles[1].image, scale).cpu(), taught.scores(tiles[1].image, scale), atol=1e-3
        )
    (of_maps,), (of_masks,), _ = bench.draws(1, 1)
    assert of_maps > 0.6 and of_masks > 0.6 and bench.cost(1) > 0
