"""A picture becomes what sam2's own transforms make of it, to the last bit, however large it is."""

import numpy as np
import pytest
import torch
from sam2.utils.transforms import SAM2Transforms

from prompting.segmentation.squashing import squash

SIZES = [(480, 640), (1081, 811), (2500, 3300), (17, 33), (3, 3000), (1, 1), (1024, 1024)]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_numbers_are_those_of_sam2s_own_transforms(nano_segmenter, size):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    side = nano_segmenter.image_size
    theirs = SAM2Transforms(resolution=side, mask_threshold=0.0)
    resized = theirs.transforms[0](theirs.to_tensor(image))
    assert torch.equal(squash(image, side), resized)
    assert torch.allclose(nano_segmenter._squash(image), theirs(image), atol=1e-6)
