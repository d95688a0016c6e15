"""Things that no detector knows, out of pictures that scikit-image carries: coins, stained tissue, galaxies.

Each picture is cut into tiles; some are to be references, in the others the same things are to be found. The masks are
ours: thresholds and watersheds of the few lines below, looked at one by one. Good enough to compare with, and no more:
what is a galaxy and what a star nobody asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import fiftyone as fo
import numpy as np
import skimage.io
from scipy import ndimage
from skimage import color, data, filters, measure, morphology, segmentation

LEAST = 60
"""Pixels below which what a tile's edge leaves of a thing is none."""


@dataclass(frozen=True)
class Things:
    """A picture of many things.

    Attributes:
        name: what each is called
        picture: gives it, (H, W) or (H, W, 3) uint8
        label: gives its things, (H, W) int, 0 where there is none
        tiles: rows and columns that it is cut into
    """

    name: str
    picture: Callable[[], np.ndarray]
    label: Callable[[np.ndarray], np.ndarray]
    tiles: tuple[int, int]


def label_coins(picture: np.ndarray) -> np.ndarray:
    """What scikit-image's tutorial does: the flood of an elevation map from what is surely coin, and surely none."""
    markers = np.where(picture < 30, 1, np.where(picture > 150, 2, 0))
    coins = segmentation.watershed(filters.sobel(picture), markers) == 2
    return measure.label(morphology.opening(ndimage.binary_fill_holes(coins), morphology.disk(3)))


def label_tissue(picture: np.ndarray) -> np.ndarray:
    """What took the brown stain (Ruifrok and Johnston, 2001), with the nuclei in it, which didn't."""
    stain = filters.gaussian(color.rgb2hed(picture)[..., 2], 4)
    tissue = morphology.opening(stain > 0.8 * filters.threshold_otsu(stain), morphology.disk(5))
    return measure.label(morphology.remove_small_holes(tissue, max_size=400))


def label_galaxies(picture: np.ndarray) -> np.ndarray:
    """What is brighter than the sky by far, and larger than a point."""
    light = filters.gaussian(color.rgb2gray(picture), 2)
    return measure.label(morphology.opening(light > 0.22, morphology.disk(3)))


THINGS = (
    Things("coin", data.coins, label_coins, (2, 3)),
    Things("stained tissue", data.immunohistochemistry, label_tissue, (4, 4)),
    Things("galaxy", data.hubble_deep_field, label_galaxies, (4, 4)),
)


def make_things(things: Things, folder: Path, name: str | None = None) -> fo.Dataset:
    """A dataset of the tiles, each thing with its mask in ``ground_truth``.

    Args:
        things: one of :data:`THINGS`
        folder: for the tiles' files
        name: of the dataset
    """
    folder.mkdir(parents=True, exist_ok=True)
    picture, samples = things.picture(), []
    labels = things.label(picture)
    rows, columns = things.tiles
    for i, band in enumerate(np.array_split(np.arange(picture.shape[0]), rows)):
        for j, across in enumerate(np.array_split(np.arange(picture.shape[1]), columns)):
            place = slice(band[0], band[-1] + 1), slice(across[0], across[-1] + 1)
            path = folder / f"{things.name.replace(' ', '_')}_{i}{j}.png"
            skimage.io.imsave(path, picture[place], check_contrast=False)
            masks = (labels[place] == value for value in np.unique(labels[place]) if value)
            found = [fo.Detection.from_mask(mask, label=things.name) for mask in masks if mask.sum() >= LEAST]
            samples.append(fo.Sample(filepath=str(path), ground_truth=fo.Detections(detections=found)))
    dataset = fo.Dataset(name)
    dataset.add_samples(samples, progress=False)
    return dataset
