"""Every prompter says its region in its own way, and refuses a region that it can't say."""

import numpy as np
import pytest
from skimage.draw import ellipse

from prompting.errors import PromptError
from prompting.pixels.masks import Window
from prompting.pixels.regions import Region
from prompting.prompts import prompters

ALL = [prompters.point, prompters.box, prompters.points, prompters.box_negatives, prompters.box_points]
NEEDS_MASK = [prompters.points, prompters.box_negatives, prompters.box_points]


@pytest.fixture
def region() -> Region:
    mask = np.zeros((240, 200), bool)
    mask[ellipse(120, 100, 90, 40)] = True
    return Region("person", box=Window.of(mask).box, mask=mask)


def prompt_of(prompter, region: Region, avoid: np.ndarray | None = None):
    if avoid is None:
        avoid = np.zeros((240, 200), bool) if region.mask is None else region.mask
    return prompter(region, avoid, np.random.default_rng(0))


def on(mask: np.ndarray, points: np.ndarray) -> list[bool]:
    x, y = np.asarray(points).round().astype(int).T
    return np.asarray(mask)[y, x].tolist()


@pytest.mark.parametrize("prompter", ALL)
def test_every_prompt_of_a_mask_is_one_that_sam2_may_be_given(prompter, region):
    prompt = prompt_of(prompter, region)
    prompt.check(240, 200)
    assert prompt.label == "person"
    assert on(region.mask, prompt.point_coords) == prompt.point_labels.astype(bool).tolist()


@pytest.mark.parametrize(
    ("prompter", "positives", "negatives", "has_box"),
    [
        (prompters.point, 1, 0, False),
        (prompters.box, 0, 0, True),
        (prompters.points, 5, 3, False),
        (prompters.box_negatives, 0, 3, True),
        (prompters.box_points, 5, 3, True),
    ],
)
def test_prompter_gives_the_clicks_and_the_box_it_promises(prompter, positives, negatives, has_box, region):
    prompt = prompt_of(prompter, region)
    assert np.count_nonzero(prompt.point_labels == 1) == positives
    assert np.count_nonzero(prompt.point_labels == 0) == negatives
    assert (prompt.box is not None) == has_box


def test_box_around_a_mask_has_five_percent_margin(region):
    x1, y1, x2, y2 = region.box
    width, height = x2 - x1, y2 - y1
    expected = [x1 - 0.05 * width, y1 - 0.05 * height, x2 + 0.05 * width, y2 + 0.05 * height]
    assert prompt_of(prompters.box, region).box == pytest.approx(expected)


def test_given_box_stays_as_the_detector_gave_it():
    box = np.array([10.5, 20, 60, 200], np.float32)
    assert prompt_of(prompters.box, Region("person", box=box)).box.tolist() == box.tolist()


def test_point_of_a_mask_is_its_centroid(region):
    assert prompt_of(prompters.point, region).point_coords == pytest.approx(np.array([[100, 120]]))


def test_point_of_a_box_is_its_middle():
    prompt = prompt_of(prompters.point, Region("person", box=np.array([10, 20, 60, 200], np.float32)))
    assert prompt.point_coords.tolist() == [[35, 110]]
    assert prompt.point_labels.tolist() == [1]
    assert prompt.is_lone_click


def test_point_of_keypoints_is_the_first_positive_one():
    region = Region("person", point_coords=np.array([[5.0, 6], [7, 8], [9, 10]]), point_labels=np.array([0, 1, 1]))
    assert prompt_of(prompters.point, region).point_coords.tolist() == [[7, 8]]


def test_keypoints_are_passed_on_untouched_with_their_labels():
    coords, labels = np.array([[5.5, 6], [7, 8.25], [9, 10]], np.float32), np.array([1, 0, 1])
    prompt = prompt_of(prompters.points, Region("person", point_coords=coords, point_labels=labels))
    assert np.array_equal(prompt.point_coords, coords)
    assert np.array_equal(prompt.point_labels, labels)
    assert prompt.box is None


def test_negative_clicks_spare_everything_of_the_class(region):
    neighbour = region.mask.full()
    neighbour[:, 150:] = True
    for prompter in (prompters.points, prompters.box_negatives, prompters.box_points):
        prompt = prompt_of(prompter, region, neighbour)
        assert not any(on(neighbour, prompt.point_coords[prompt.point_labels == 0]))


@pytest.mark.parametrize("prompter", NEEDS_MASK)
def test_clicks_cannot_be_spread_over_a_box(prompter):
    with pytest.raises(PromptError, match="spreads clicks over a mask, and a 'person' has none"):
        prompt_of(prompter, Region("person", box=np.array([10, 20, 60, 200], np.float32)))


def test_box_cannot_be_had_from_keypoints():
    region = Region("person", point_coords=np.array([[5.0, 6]]), point_labels=np.array([1]))
    with pytest.raises(PromptError, match="needs a box, and a 'person' has neither a box nor a mask"):
        prompt_of(prompters.box, region)


def test_nothing_to_click_on_is_said():
    region = Region("person", point_coords=np.array([[5.0, 6]]), point_labels=np.array([0]))
    with pytest.raises(PromptError, match="neither a mask nor a positive point nor a box"):
        prompt_of(prompters.point, region)


@pytest.mark.parametrize("prompter", ALL)
def test_mask_of_one_pixel_still_makes_a_prompt(prompter):
    mask = np.zeros((240, 200), bool)
    mask[239, 199] = True
    prompt_of(prompter, Region("person", box=Window.of(mask).box, mask=mask)).check(240, 200)


@pytest.mark.parametrize("prompter", ALL)
def test_mask_that_fills_the_picture_still_makes_a_prompt(prompter):
    mask = np.ones((240, 200), bool)
    prompt_of(prompter, Region("person", box=Window.of(mask).box, mask=mask)).check(240, 200)


@pytest.mark.parametrize("prompter", ALL)
def test_prompts_of_a_mask_that_was_brought_down_are_in_the_pictures_pixels(prompter, region):
    """Four times as large, and in the same places; the box is the one that the prior has measured."""
    large = Region("person", box=region.box * 4 + [1, 2, -1, -2], mask=region.mask, shape=(960, 800))
    small, prompt = prompt_of(prompter, region), prompt_of(prompter, large, region.mask)
    prompt.check(960, 800)
    assert prompt.point_labels.tolist() == small.point_labels.tolist()
    assert prompt.point_coords == pytest.approx(small.point_coords * 4 + 1.5)
    if prompt.box is not None:
        assert prompt.box == pytest.approx(small.box * 4, abs=3)
        assert prompt.box != pytest.approx(small.box * 4)
