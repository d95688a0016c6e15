"""Our segmenter is SAM 2: the same masks as sam2's own predictor, with tidy shapes and checked prompts."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.io
import torch
from sam2.sam2_image_predictor import SAM2ImagePredictor

from prompting.errors import PromptError
from prompting.pixels.masks import intersection_over_union
from prompting.segmentation.prompt import Prompt

ROOT = Path(__file__).parents[2]
ASTRONAUT_BOX = np.array([12, 16, 362, 511], np.float32)
INSIDE, OUTSIDE = (220.0, 350.0), (470.0, 60.0)
MAN_BOX = np.array([47, 398, 238, 902], np.float32)
ON_MAN, ON_BUS = (140.0, 600.0), (450.0, 300.0)


@pytest.fixture(scope="module")
def astronaut(photographs) -> np.ndarray:
    return skimage.io.imread(photographs / "astronaut.png")


@pytest.fixture(scope="module")
def bus(photographs) -> np.ndarray:
    return skimage.io.imread(photographs / "bus.jpg")


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """Our hand-made mask of the astronaut."""
    stored = json.loads((ROOT / "demo" / "annotations.json").read_text())
    image_id = next(image["id"] for image in stored["images"] if image["file_name"] == "astronaut.png")
    polygons = [p for a in stored["annotations"] if a["image_id"] == image_id for p in a["segmentation"]]
    mask = np.zeros((512, 512), np.uint8)
    cv2.fillPoly(mask, [np.array(p).reshape(-1, 2).round().astype(np.int32) for p in polygons], 1)
    return mask.astype(bool)


@pytest.fixture(scope="module")
def encoded(nano_segmenter, astronaut):
    return nano_segmenter.encode([astronaut])[0]


@pytest.fixture(scope="module")
def encoded_bus(nano_segmenter, bus):
    return nano_segmenter.encode([bus])[0]


@pytest.fixture(scope="module")
def predictor(nano_segmenter, bus) -> SAM2ImagePredictor:
    """sam2's own, on the same model, and a picture that is neither square nor of the model's size."""
    predictor = SAM2ImagePredictor(nano_segmenter.model)
    size = nano_segmenter.image_size
    predictor._bb_feat_sizes = [(size // stride,) * 2 for stride in (4, 8, 16)]
    predictor.set_image(bus)
    return predictor


def box(xyxy=ASTRONAUT_BOX) -> Prompt:
    return Prompt("person", box=np.array(xyxy, np.float32))


def clicks(*xy_labels: tuple[tuple[float, float], int], box=None) -> Prompt:
    coords, labels = zip(*xy_labels)
    return Prompt("person", np.array(coords, np.float32), np.array(labels), box)


@pytest.mark.parametrize(
    ("prompt", "multimask"),
    [
        (box(MAN_BOX), False),
        (clicks((ON_MAN, 1)), True),
        (clicks((ON_MAN, 1), (ON_BUS, 0)), False),
        (clicks((ON_MAN, 1), (ON_BUS, 0), box=MAN_BOX), False),
    ],
    ids=["box", "lone click", "clicks", "box and clicks"],
)
def test_masks_are_those_of_sam2s_own_predictor(nano_segmenter, encoded_bus, predictor, prompt, multimask):
    points = {}
    if len(prompt.point_labels):
        points = {"point_coords": prompt.point_coords, "point_labels": prompt.point_labels}
    masks, ious, logits = predictor.predict(**points, box=prompt.box, multimask_output=multimask)
    best = ious.argmax()
    ours = nano_segmenter.decode(encoded_bus, [prompt])
    assert ours.predicted_iou[0] == pytest.approx(ious[best], abs=1e-3)
    assert np.allclose(ours.low_res_logits[0, 0].numpy(), logits[best], atol=0.05)
    assert intersection_over_union(ours.masks[0], masks[best].astype(bool)) > 0.99
    assert masks[best].any()


def test_several_boxes_are_those_of_sam2s_own_predictor(nano_segmenter, encoded_bus, predictor):
    boxes = np.array([MAN_BOX, [224, 407, 346, 861], [669, 387, 810, 880]], np.float32)
    masks, ious, _ = predictor.predict(box=boxes, multimask_output=False)
    ours = nano_segmenter.decode(encoded_bus, [box(b) for b in boxes])
    assert np.allclose(ours.predicted_iou, ious[:, 0], atol=1e-3)
    for mine, theirs in zip(ours.masks, masks[:, 0].astype(bool), strict=True):
        assert intersection_over_union(mine, theirs) > 0.99


def test_mask_feedback_is_that_of_sam2s_own_predictor(nano_segmenter, encoded_bus, predictor):
    first = nano_segmenter.decode(encoded_bus, [box(MAN_BOX)])
    again = clicks((ON_BUS, 0), box=MAN_BOX)
    masks, ious, _ = predictor.predict(
        again.point_coords,
        again.point_labels,
        again.box,
        mask_input=first.low_res_logits[0].numpy(),
        multimask_output=False,
    )
    ours = nano_segmenter.decode(encoded_bus, [again], mask_input=first.low_res_logits)
    assert ours.predicted_iou[0] == pytest.approx(ious[0], abs=1e-3)
    assert intersection_over_union(ours.masks[0], masks[0].astype(bool)) > 0.99


def test_box_around_the_astronaut_gives_the_astronaut(nano_segmenter, encoded, truth):
    ys, xs = np.nonzero(truth)
    decoded = nano_segmenter.decode(encoded, [box([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])])
    assert intersection_over_union(decoded.masks[0], truth) > 0.6


@pytest.mark.parametrize("count", [1, 3])
def test_every_prompt_has_one_mask_of_the_pictures_size(nano_segmenter, encoded_bus, count):
    decoded = nano_segmenter.decode(encoded_bus, [box([50 * i, 400, 240 + 50 * i, 900]) for i in range(count)])
    side = nano_segmenter.image_size // 4
    assert [mask.shape for mask in decoded.masks] == [(1080, 810)] * count
    assert all(mask.full().dtype == bool for mask in decoded.masks)
    assert decoded.predicted_iou.shape == (count,)
    assert decoded.low_res_logits.shape == (count, 1, side, side)
    assert len(decoded) == count


def test_picture_encoded_in_a_batch_gives_the_masks_it_gives_alone(nano_segmenter, astronaut, bus, encoded):
    together = nano_segmenter.encode([bus, astronaut])[1]
    assert (together.height, together.width) == (512, 512)
    assert torch.allclose(together.embedding, encoded.embedding, atol=1e-3)
    alone, batched = (nano_segmenter.decode(e, [box()]) for e in (encoded, together))
    assert intersection_over_union(alone.masks[0], batched.masks[0]) > 0.999


def test_prompts_decoded_together_give_the_masks_they_give_alone(nano_segmenter, encoded):
    prompts = [box(), box([370, 5, 500, 250])]
    together = nano_segmenter.decode(encoded, prompts)
    for i, prompt in enumerate(prompts):
        alone = nano_segmenter.decode(encoded, [prompt])
        assert intersection_over_union(together.masks[i], alone.masks[0]) > 0.999


def test_prompts_of_all_kinds_give_the_masks_they_give_alone(nano_segmenter, encoded, calls):
    """None is filled up to another's length: the model sees the filling."""
    pair, lone = clicks((INSIDE, 1), (OUTSIDE, 0)), clicks((INSIDE, 1))
    both = clicks((INSIDE, 1), (OUTSIDE, 0), box=ASTRONAUT_BOX)
    prompts = [box(), pair, lone, both, box([370, 5, 500, 250])]
    together = nano_segmenter.decode(encoded, prompts)
    assert calls["decoder"] == 3  # boxes and pairs of clicks; lone clicks; boxes with clicks
    assert together.kinds == ((False, 2), (False, 2), (True, 1), (False, 4), (False, 2))
    for i, prompt in enumerate(prompts):
        alone = nano_segmenter.decode(encoded, [prompt])
        assert intersection_over_union(together.masks[i], alone.masks[0]) > 0.999
        assert together.predicted_iou[i] == pytest.approx(alone.predicted_iou[0], abs=1e-4)
        assert torch.allclose(together.low_res_logits[i], alone.low_res_logits[0], atol=1e-2)


def test_many_prompts_take_several_calls_and_keep_their_order(nano_segmenter, encoded, calls, monkeypatch):
    prompts = [box([10 * i, 5, 200 + 10 * i, 400]) for i in range(5)]
    monkeypatch.setattr(nano_segmenter, "at_once", 8)
    at_once = nano_segmenter.decode(encoded, prompts)
    assert calls["decoder"] == 1
    calls["decoder"] = 0
    monkeypatch.setattr(nano_segmenter, "at_once", 2)
    decoded = nano_segmenter.decode(encoded, prompts)
    assert calls["decoder"] == 3
    assert len(set(decoded.kinds)) == 1
    for one, other in zip(decoded.masks, at_once.masks, strict=True):
        assert intersection_over_union(one, other) > 0.999


def test_rows_of_what_was_decoded_belong_together(nano_segmenter, encoded):
    decoded = nano_segmenter.decode(encoded, [box(), clicks((INSIDE, 1)), box([370, 5, 500, 250])])
    swapped, tail = decoded.at([2, 0]), decoded.at(range(1, 3))
    assert all(np.array_equal(one, decoded.masks[i]) for one, i in zip(swapped.masks, (2, 0), strict=True))
    assert torch.equal(swapped.low_res_logits, decoded.low_res_logits[[2, 0]])
    assert np.array_equal(tail.predicted_iou, decoded.predicted_iou[1:])
    assert tail.kinds == decoded.kinds[1:]
    assert tail.logits.data_ptr() == decoded.logits[1:].data_ptr()


def test_mask_input_changes_the_answer(nano_segmenter, encoded):
    first = nano_segmenter.decode(encoded, [box()])
    again = nano_segmenter.decode(encoded, [box()], mask_input=first.low_res_logits)
    assert not torch.allclose(again.low_res_logits, first.low_res_logits, atol=0.1)


def test_low_res_logits_are_the_mask(nano_segmenter, encoded):
    decoded = nano_segmenter.decode(encoded, [box()])
    size = nano_segmenter.image_size // 4
    drawn = decoded.masks[0].full().astype(np.uint8)
    small = cv2.resize(drawn, (size, size), interpolation=cv2.INTER_AREA).astype(bool)
    assert intersection_over_union(small, decoded.low_res_logits[0, 0].numpy() > 0) > 0.9
    assert decoded.low_res_logits.abs().max() <= 32


@pytest.mark.parametrize(
    ("prompts", "with_mask", "expected"),
    [
        ([clicks((INSIDE, 1))], False, [True]),
        ([clicks((INSIDE, 1)), clicks((OUTSIDE, 1))], False, [True]),
        ([box()], False, [False]),
        ([clicks((INSIDE, 1), (OUTSIDE, 0))], False, [False]),
        ([clicks((INSIDE, 1)), box()], False, [True, False]),
        ([clicks((INSIDE, 1))], True, [False]),
    ],
    ids=["click", "two instances", "box", "two clicks", "click and box", "corrected click"],
)
def test_three_masks_are_offered_only_for_lone_clicks(nano_segmenter, encoded, prompts, with_mask, expected):
    asked = []

    def note(module, args, kwargs):
        asked.append(kwargs["multimask_output"])

    side = nano_segmenter.image_size // 4
    hook = nano_segmenter.model.sam_mask_decoder.register_forward_pre_hook(note, with_kwargs=True)
    try:
        nano_segmenter.decode(encoded, prompts, torch.zeros(1, 1, side, side) if with_mask else None)
    finally:
        hook.remove()
    assert asked == expected


def test_mask_does_not_depend_on_the_neighbours_kind_of_prompt(nano_segmenter, encoded):
    both = nano_segmenter.decode(encoded, [box(), clicks((INSIDE, 1)), box()])
    alone = [nano_segmenter.decode(encoded, [prompt]) for prompt in (box(), clicks((INSIDE, 1)))]
    for row, other in ((0, alone[0]), (1, alone[1]), (2, alone[0])):
        assert intersection_over_union(both.masks[row], other.masks[0]) > 0.99
        assert both.predicted_iou[row] == pytest.approx(other.predicted_iou[0], abs=1e-3)


def test_lone_click_keeps_the_mask_that_the_model_thinks_best(nano_segmenter, encoded):
    offered = []
    hook = nano_segmenter.model.sam_mask_decoder.register_forward_hook(lambda m, a, output: offered.append(output[1]))
    try:
        decoded = nano_segmenter.decode(encoded, [clicks((INSIDE, 1))])
    finally:
        hook.remove()
    assert offered[0].shape == (1, 3)
    assert decoded.predicted_iou[0] == pytest.approx(offered[0].detach().max().item())


def test_bad_prompt_is_refused_before_the_model_runs(nano_segmenter, encoded, calls):
    for bad in (Prompt("person"), box([362, 16, 12, 511]), clicks((OUTSIDE, 0)), clicks(((600.0, 10.0), 1))):
        with pytest.raises(PromptError):
            nano_segmenter.decode(encoded, [box(), bad])
    with pytest.raises(ValueError, match="at least one prompt"):
        nano_segmenter.decode(encoded, [])
    assert calls["decoder"] == 0


def test_picture_is_encoded_once_however_much_is_asked(nano_segmenter, astronaut, calls):
    encoded = nano_segmenter.encode([astronaut])[0]
    nano_segmenter.decode(encoded, [box(), box()])
    nano_segmenter.decode(encoded, [clicks((INSIDE, 1))])
    assert calls == {"encoder": [1], "decoder": 2}


def test_same_picture_and_prompt_give_the_same_bytes(nano_segmenter, astronaut, encoded):
    again = nano_segmenter.encode([astronaut])[0]
    first, second = (nano_segmenter.decode(e, [box()]) for e in (encoded, again))
    assert np.array_equal(first.masks, second.masks)
    assert np.array_equal(first.predicted_iou, second.predicted_iou)


@pytest.mark.parametrize("shape", [(30, 40), (1, 1), (500, 20)])
def test_pictures_of_any_size_are_taken(nano_segmenter, shape):
    height, width = shape
    encoded = nano_segmenter.encode([np.full((*shape, 3), 128, np.uint8)])[0]
    (mask,) = nano_segmenter.decode(encoded, [box([0, 0, width, height])]).masks
    assert mask.shape == shape


def test_candidates_are_what_the_kept_mask_was_chosen_from(nano_segmenter, encoded_bus):
    clicks = [Prompt("person", np.array([xy], np.float32), np.array([1])) for xy in (ON_MAN, ON_BUS)]
    masks, ious = nano_segmenter.candidates(encoded_bus, clicks)
    kept = nano_segmenter.decode(encoded_bus, clicks)
    assert [[mask.shape for mask in offered] for offered in masks] == [[kept.masks[0].shape] * 3] * 2
    best = ious.argmax(axis=1)
    for i in range(2):
        assert np.array_equal(masks[i][best[i]], kept.masks[i])
        assert ious[i, best[i]] == kept.predicted_iou[i]
