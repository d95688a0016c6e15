"""Masks and keypoints that Ultralytics' models find become regions in the picture's own pixels."""

import numpy as np
import pytest
import skimage.io
import torch
from ultralytics import YOLO
from ultralytics.engine.results import Results

from prompting.errors import PromptingError
from prompting.models import catalogue
from prompting.pixels.masks import intersection_over_union
from prompting.priors.base import Picture
from prompting.priors.detections import regions_of
from prompting.priors.yolo import YoloPrior
from prompting.prompts.prompters import prompt_of
from prompting.prompts.strategies import strategy_of

PERSON = {0: "person"}


@pytest.fixture(scope="module")
def segmenting():
    return catalogue.load_yolo("yolo26n-seg.pt")


@pytest.fixture(scope="module")
def pictures(photographs) -> list[Picture]:
    """Smaller and larger than the detector looks at them, lying and standing."""
    return [Picture(n, n, skimage.io.imread(photographs / n)) for n in ("bus.jpg", "zidane.jpg", "astronaut.png")]


@pytest.mark.parametrize("number", range(3))
def test_masks_are_where_ultralytics_itself_draws_them(segmenting, pictures, number):
    picture = pictures[number]
    (regions,) = YoloPrior(segmenting, ["person"]).find([picture])
    reference = segmenting.predict(
        [np.ascontiguousarray(picture.image[..., ::-1])], classes=[0], imgsz=640, rect=False, retina_masks=True,
        verbose=False, device="cpu",
    )[0]  # fmt: skip
    assert len(regions) == len(reference.masks.data) > 0
    for region, mask in zip(regions, reference.masks.data.numpy()):
        assert intersection_over_union(region.mask.at(*picture.shape), mask.astype(bool)) > 0.9
        assert region.picture == picture.shape and region.box_is_given


def test_boxes_are_the_same_whether_masks_are_wanted_or_not(segmenting, pictures):
    with_masks, without = (YoloPrior(segmenting, ["person"], masks=wanted).find(pictures) for wanted in (True, False))
    for one, other in zip(with_masks, without):
        assert [region.box.tolist() for region in one] == [region.box.tolist() for region in other]
        assert all(region.mask is None for region in other)


def test_clicks_at_the_edge_of_a_picture_smaller_than_its_masks_stay_in_it(segmenting, pictures):
    (regions,) = YoloPrior(segmenting, ["person"]).find([pictures[2]])
    assert regions[0].mask.shape > regions[0].picture
    for spelling in ("yolo:20p20n", "yolo:box50+20n", "yolo:point"):
        strategy = strategy_of(spelling)
        prompt_of(strategy, regions[0], None, np.random.default_rng(0)).check(*pictures[2].shape)


def result(boxes, **more) -> Results:
    """As Ultralytics gives it of a picture of 100 x 200."""
    rows = torch.tensor([[*box, 0.9 - i / 10, 0] for i, box in enumerate(boxes)]).float()
    return Results(np.zeros((100, 200, 3), np.uint8), "", PERSON, boxes=rows, **more)


def test_mask_that_came_out_empty_is_its_box():
    masks = torch.zeros(1, 64, 64)  # the picture is 64 x 32 of it
    (region,) = regions_of(result([[10, 20, 60, 80]], masks=masks), PERSON, (100, 200), (1000, 2000))
    assert region.mask.shape == (32, 64)
    assert region.mask.box == pytest.approx(region.box * 64 / 2000, abs=1)


def test_keypoints_that_are_seen_are_positive_clicks_in_the_pictures_pixels():
    body = torch.tensor([[[30, 25, 0.9], [32, 40, 0.4], [40, 70, 0.6], [250, 10, 0.9]]])
    (region,) = regions_of(result([[10, 20, 60, 80]], keypoints=body), PERSON, (100, 200), (1000, 2000))
    assert region.point_coords.tolist() == [[300, 250], [400, 700]]
    assert region.point_labels.tolist() == [1, 1]
    assert region.box.tolist() == [100, 200, 600, 800]
    prompt = prompt_of(strategy_of("yolo:box+points"), region, None, np.random.default_rng(0))
    assert prompt.point_coords.tolist() == region.point_coords.tolist() and prompt.box is not None


def test_a_body_of_which_nothing_is_seen_is_said_by_its_box():
    body = torch.tensor([[[30, 25, 0.1], [32, 40, 0.4]]])
    (region,) = regions_of(result([[10, 20, 60, 80]], keypoints=body), PERSON, (100, 200), (100, 200))
    rng = np.random.default_rng(0)
    assert len(prompt_of(strategy_of("yolo:box+points"), region, None, rng).point_coords) == 0
    for spelling in ("yolo:points", "yolo:3p"):
        assert prompt_of(strategy_of(spelling), region, None, rng).point_coords.tolist() == [[35, 50]]


@pytest.fixture(scope="module")
def posing():
    """The architecture without trained weights or names: what it finds is nonsense, in the form that it would have."""
    torch.manual_seed(0)
    return YOLO("yolo26n-pose.yaml")


def test_pose_model_gives_boxes_and_points(posing, pictures):
    (regions,) = YoloPrior(posing, ["0"], confidence=1e-6).find([pictures[0]])
    assert regions and all(region.mask is None and region.point_coords is not None for region in regions)
    height, width = pictures[0].shape
    for region in regions[:20]:
        assert ((region.point_coords >= 0) & (region.point_coords <= (width, height))).all()
        prompt_of(strategy_of("yolo:points"), region, None, np.random.default_rng(0)).check(height, width)


def test_what_a_model_cannot_say_is_refused_with_the_strategy_and_a_model_that_can(segmenting, posing):
    YoloPrior(segmenting, ["person"]).refuse([strategy_of("yolo:box+5p@2")])
    YoloPrior(posing, ["0"]).refuse([strategy_of("yolo:box+points")])
    with pytest.raises(PromptingError, match=r"yolo:box@2 corrects masks .* for 'pose', finds none; .*yolo26n-seg.pt"):
        YoloPrior(posing, ["0"]).refuse([strategy_of("yolo:box"), strategy_of("yolo:box@2")])
    detecting = YoloPrior(catalogue.load_yolo("nano"), ["person"])
    detecting.refuse([strategy_of("yolo:box+3o"), strategy_of("yolo:point"), strategy_of("yolo:box+3n")])
    with pytest.raises(PromptingError, match=r"yolo:points clicks on masks or keypoints"):
        detecting.refuse([strategy_of("yolo:points")])
