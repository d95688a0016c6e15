"""Datasets of masks that are made by hand."""

import numpy as np
import pytest


@pytest.fixture
def make():
    """A function that makes a dataset of masks by hand."""
    import fiftyone as fo

    from tests.runs.by_hand import add

    made = []

    def build(truths, targets=None, classes=("person",), prefix="sam2", **predictions):
        dataset = fo.Dataset()
        made.append(dataset)
        for i, truth in enumerate(truths):
            label = fo.Segmentation(mask=truth) if isinstance(truth, np.ndarray) else truth
            dataset.add_sample(fo.Sample(filepath=f"{i}.png", ground_truth=label))
        if targets:
            dataset.mask_targets["ground_truth"] = targets
            dataset.save()
        add(dataset, classes, prefix, **predictions)
        return dataset

    yield build
    for dataset in made:
        dataset.delete()
