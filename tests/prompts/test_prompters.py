"""Every prompter says its region in its own way, and refuses a region that it can't say."""

import numpy as np
import pytest
from skimage.draw import ellipse

from prompting.errors import PromptError
from prompting.pixels.masks import Window
from prompting.pixels.regions import Region
from prompting.prompts import prompters
from prompting.prompts.strategies import strategy_of

POINT, BOX, POINTS, BOX_NEGATIVES, BOX_POINTS = ALL = [
    strategy_of(f"field:{prompt}") for prompt in ("point", "box", "points", "box+3n", "box+points")
]
NEEDS_MASK = [POINTS, BOX_POINTS, strategy_of("field:1p"), strategy_of("field:box+1p3o")]


@pytest.fixture
def region() -> Region:
    mask = np.zeros((240, 200), bool)
    mask[ellipse(120, 100, 90, 40)] = True
    return Region("person", box=Window.of(mask).box, mask=mask)


def prompt_of(strategy, region: Region, avoid: np.ndarray | None = None, others=()):
    if isinstance(strategy, str):
        strategy = strategy_of(strategy)
    return prompters.prompt_of(strategy, region, avoid, np.random.default_rng(0), others=others)


def on(mask: np.ndarray, points: np.ndarray) -> list[bool]:
    x, y = np.asarray(points).round().astype(int).T
    return np.asarray(mask)[y, x].tolist()


@pytest.mark.parametrize("strategy", ALL)
def test_every_prompt_of_a_mask_is_one_that_sam2_may_be_given(strategy, region):
    prompt = prompt_of(strategy, region)
    prompt.check(240, 200)
    assert prompt.label == "person"
    assert on(region.mask, prompt.point_coords) == prompt.point_labels.astype(bool).tolist()


@pytest.mark.parametrize(
    ("strategy", "positives", "negatives", "has_box"),
    [
        (POINT, 1, 0, False),
        (BOX, 0, 0, True),
        (POINTS, 5, 3, False),
        (BOX_NEGATIVES, 0, 3, True),
        (BOX_POINTS, 5, 3, True),
    ],
)
def test_strategy_gives_the_clicks_and_the_box_it_promises(strategy, positives, negatives, has_box, region):
    prompt = prompt_of(strategy, region)
    assert np.count_nonzero(prompt.point_labels == 1) == positives
    assert np.count_nonzero(prompt.point_labels == 0) == negatives
    assert (prompt.box is not None) == has_box


def test_box_around_a_mask_has_five_percent_margin(region):
    x1, y1, x2, y2 = region.box
    width, height = x2 - x1, y2 - y1
    expected = [x1 - 0.05 * width, y1 - 0.05 * height, x2 + 0.05 * width, y2 + 0.05 * height]
    assert prompt_of(BOX, region).box == pytest.approx(expected)


def test_given_box_stays_as_the_detector_gave_it():
    box = np.array([10.5, 20, 60, 200], np.float32)
    assert prompt_of(BOX, Region("person", box=box)).box.tolist() == box.tolist()


def test_point_of_a_mask_is_its_centroid(region):
    assert prompt_of(POINT, region).point_coords == pytest.approx(np.array([[100, 120]]))


def test_point_of_a_box_is_its_middle():
    prompt = prompt_of(POINT, Region("person", box=np.array([10, 20, 60, 200], np.float32)))
    assert prompt.point_coords.tolist() == [[35, 110]]
    assert prompt.point_labels.tolist() == [1]
    assert prompt.is_lone_click


def test_point_of_keypoints_is_the_first_positive_one():
    region = Region("person", point_coords=np.array([[5.0, 6], [7, 8], [9, 10]]), point_labels=np.array([0, 1, 1]))
    assert prompt_of(POINT, region).point_coords.tolist() == [[7, 8]]


def test_keypoints_are_passed_on_untouched_with_their_labels():
    coords, labels = np.array([[5.5, 6], [7, 8.25], [9, 10]], np.float32), np.array([1, 0, 1])
    prompt = prompt_of(POINTS, Region("person", point_coords=coords, point_labels=labels))
    assert np.array_equal(prompt.point_coords, coords)
    assert np.array_equal(prompt.point_labels, labels)
    assert prompt.box is None


def test_negative_clicks_spare_everything_of_the_class(region):
    neighbour = region.mask.full()
    neighbour[:, 150:] = True
    for strategy in (POINTS, BOX_NEGATIVES, BOX_POINTS):
        prompt = prompt_of(strategy, region, neighbour)
        assert not any(on(neighbour, prompt.point_coords[prompt.point_labels == 0]))


@pytest.mark.parametrize("strategy", NEEDS_MASK)
def test_clicks_cannot_be_spread_over_a_box(strategy):
    with pytest.raises(PromptError, match="spreads clicks over a mask, and a 'person' has none"):
        prompt_of(strategy, Region("person", box=np.array([10, 20, 60, 200], np.float32)))


def test_box_cannot_be_had_from_keypoints():
    region = Region("person", point_coords=np.array([[5.0, 6]]), point_labels=np.array([1]))
    with pytest.raises(PromptError, match="needs a box, and a 'person' has neither a box nor a mask"):
        prompt_of(BOX, region)


def test_nothing_to_click_on_is_said():
    region = Region("person", point_coords=np.array([[5.0, 6]]), point_labels=np.array([0]))
    with pytest.raises(PromptError, match="neither a mask nor a positive point nor a box"):
        prompt_of(POINT, region)


@pytest.mark.parametrize("strategy", ALL)
def test_mask_of_one_pixel_still_makes_a_prompt(strategy):
    mask = np.zeros((240, 200), bool)
    mask[239, 199] = True
    prompt_of(strategy, Region("person", box=Window.of(mask).box, mask=mask)).check(240, 200)


@pytest.mark.parametrize("strategy", ALL)
def test_mask_that_fills_the_picture_still_makes_a_prompt(strategy):
    mask = np.ones((240, 200), bool)
    prompt_of(strategy, Region("person", box=Window.of(mask).box, mask=mask)).check(240, 200)


@pytest.mark.parametrize("strategy", ALL)
def test_prompts_of_a_mask_that_was_brought_down_are_in_the_pictures_pixels(strategy, region):
    """Four times as large, and in the same places; the box is the one that the prior has measured."""
    large = Region("person", box=region.box * 4 + [1, 2, -1, -2], mask=region.mask, shape=(960, 800))
    small, prompt = prompt_of(strategy, region), prompt_of(strategy, large, region.mask)
    prompt.check(960, 800)
    assert prompt.point_labels.tolist() == small.point_labels.tolist()
    assert prompt.point_coords == pytest.approx(small.point_coords * 4 + 1.5)
    if prompt.box is not None:
        assert prompt.box == pytest.approx(small.box * 4, abs=3)
        assert prompt.box != pytest.approx(small.box * 4)


def test_counts_margin_and_kinds_are_those_that_were_asked_for(region):
    prompt = prompt_of("field:box-10+7p4n", region)
    assert prompt.point_labels.tolist() == [1] * 7 + [0] * 4
    x1, y1, x2, y2 = region.box
    width, height = x2 - x1, y2 - y1
    assert prompt.box == pytest.approx([x1 + width / 10, y1 + height / 10, x2 - width / 10, y2 - height / 10])


def test_margin_grows_a_given_box_too():
    box = Region("person", box=np.array([50, 50, 90, 150], np.float32), shape=(240, 200))
    assert prompt_of("yolo:box25", box).box.tolist() == [40, 25, 100, 175]
    assert prompt_of("yolo:box0", box).box.tolist() == prompt_of("yolo:box", box).box.tolist() == box.box.tolist()


def test_box_that_a_detector_gave_stays_though_there_is_a_mask(region):
    given = Region("person", box=region.box + 3, mask=region.mask, box_is_given=True)
    assert prompt_of("yolo:box", given).box.tolist() == given.box.tolist()
    assert len(prompt_of("yolo:box+5p", given).point_coords) == 5


def test_clicks_around_a_box_without_a_mask_lie_outside_of_it():
    box = Region("person", box=np.array([50, 50, 90, 150], np.float32), shape=(240, 200))
    prompt = prompt_of("yolo:box+6n", box)
    prompt.check(240, 200)
    x, y = prompt.point_coords.T
    assert len(x) == 6
    assert not ((x > 50) & (x < 90) & (y > 50) & (y < 150)).any()


def test_of_given_points_those_are_taken_that_lie_far_apart():
    """A body's: nose, both eyes beside it, hands and feet."""
    body = np.array([[100, 20], [98, 18], [102, 18], [60, 100], [140, 100], [90, 220], [110, 220]], np.float32)
    pose = Region("person", box=np.array([55, 10, 145, 230.0]), point_coords=body, point_labels=np.ones(7, np.int64))
    chosen = prompt_of("yolo:box+3p", pose).point_coords
    assert len(chosen) == 3 and [100, 20] in chosen.tolist()
    assert min(np.linalg.norm(a - b) for i, a in enumerate(chosen) for b in chosen[:i]) > 80
    assert prompt_of("yolo:points", pose).point_coords.tolist() == body.tolist()
    assert len(prompt_of("yolo:20p", pose).point_coords) == 7
