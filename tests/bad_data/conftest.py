"""Datasets of pictures that are made at test time, with a person's box on each."""

from __future__ import annotations

from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest
from PIL import Image

BOX = [0.08, 0.02, 0.8, 0.96]
"""About the person in the astronaut's picture."""


@pytest.fixture(scope="session")
def astronaut(photographs) -> np.ndarray:
    """A picture with one person, (240, 320, 3) uint8: not square, so that a turned one has another shape."""
    return np.array(Image.open(photographs / "astronaut.png").convert("RGB").resize((320, 240)))


@pytest.fixture
def dataset_of():
    """A function that makes a dataset of these files, each with ``truth``: one person's box with a mask."""
    made = []

    def build(*paths: Path | str, box=BOX, mask=None, **fields) -> fo.Dataset:
        dataset = fo.Dataset()
        made.append(dataset)
        mask = np.ones((4, 4), bool) if mask is None else mask
        for path in paths:
            person = fo.Detection(label="person", bounding_box=list(box), mask=mask)
            dataset.add_sample(fo.Sample(str(path), truth=fo.Detections(detections=[person]), **fields))
        return dataset

    yield build
    for dataset in made:
        dataset.delete()


@pytest.fixture
def run(apply_strategies, nano):
    """A function that applies strategies as people do from Python, ``field_box`` on ``truth`` unless told."""

    def apply(samples, *strategies: str, **params):
        names = strategies or ("field_box",)
        field = {"prompt_field": "truth"} if any(name.startswith("field_") for name in names) else {}
        return apply_strategies(samples, progress=False, strategies=names, **{**nano, **field, **params})

    return apply


@pytest.fixture
def mask_of():
    """A function that gives a sample's mask of a strategy."""
    return lambda sample, strategy="field_box": sample[f"sam2_{strategy}"].get_mask()
