"""Pictures that are large, or were read smaller than they are."""

import cv2
import numpy as np
import pytest

from prompting.pixels.masks import intersection_over_union
from prompting.priors.base import Picture
from tests.runner.people import people


def enlarged(picture: Picture, times: int) -> Picture:
    image = cv2.resize(picture.image, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    return Picture(picture.key, picture.seed_key, image, picture.label)


@pytest.mark.parametrize("name", ["astronaut.png", "bus.jpg"])
def test_an_enlarged_picture_gets_the_same_masks_enlarged(make_runner, pictures, everything, name):
    """As nearly as SAM 2 sees the same: clicks are drawn from other pixels, and CLIP's regions have smoother edges."""
    times = 8 if name == "astronaut.png" else 4
    (large,) = make_runner().run([enlarged(pictures[name], times)])
    for result in large.results:
        small = everything[name][result.strategy]
        assert result.mask.shape == tuple(side * times for side in small.mask.shape)
        assert len(result.prompts) == len(small.prompts)
        same = intersection_over_union(result.mask > 0, small.mask.repeat(times, 0).repeat(times, 1) > 0)
        assert same > (0.95 if result.strategy in ("field_box", "field_point", "yolo_box") else 0.8)
        for prompt, other in zip(result.prompts, small.prompts, strict=True):
            prompt.check(*result.mask.shape)
            if prompt.box is not None:
                assert prompt.box == pytest.approx(other.box * times, abs=0.02 * times * max(small.mask.shape))


def test_masks_have_the_size_of_a_picture_that_was_read_smaller(make_runner, pictures, everything):
    bus = pictures["bus.jpg"]
    size = tuple(side * 5 for side in bus.image.shape[:2])
    (large,) = make_runner().run([Picture(bus.key, bus.seed_key, bus.image, bus.label, size=size)])
    for result in large.results:
        assert result.mask.shape == size and all(mask.shape == size for mask in result.masks)
        small = everything["bus.jpg"][result.strategy]
        same = intersection_over_union(result.mask[2::5, 2::5] > 0, small.mask > 0)
        assert same > (0.95 if result.strategy in ("field_box", "field_point", "yolo_box") else 0.8)
        blocks = result.mask[2::5, 2::5].repeat(5, 0).repeat(5, 1)
        assert not result.mask.any() or not np.array_equal(result.mask, blocks), "enlarged, and not drawn at its size"


def test_a_crowd_on_a_large_picture_is_held_in_windows_of_bits(make_runner, pictures):
    image = enlarged(pictures["astronaut.png"], 6).image
    boxes = [(x / 10, y / 10, 0.04, 0.08) for x in range(10) for y in range(10)]
    (result,) = next(make_runner(["field_box"]).run([Picture("a", "a", image, people(*boxes))])).results
    assert len(result.masks) == 100 and result.decoder_calls == 1
    assert sum(mask.held.packed.nbytes for mask in result.masks if mask.any()) < 100 * image[..., 0].size / 2 / 8
