"""What is left out of SAM 2's forward passes, or put into another order, changes no mask."""

import copy

import numpy as np
import pytest
import torch
from sam2.build_sam import build_sam2

from prompting.segmentation import lean
from prompting.segmentation.prompt import Prompt
from prompting.segmentation.segmenter import Segmenter


@pytest.fixture(scope="module")
def official() -> Segmenter:
    """An official architecture, of random weights; on a quarter of the pixels."""
    torch.manual_seed(0)
    small = ["++model.image_size=512"]
    return Segmenter(build_sam2("configs/sam2.1/sam2.1_hiera_t.yaml", None, device="cpu", hydra_overrides_extra=small))


@pytest.fixture(scope="module", params=["nano", "official"])
def segmenter(request, nano_segmenter) -> Segmenter:
    return nano_segmenter if request.param == "nano" else request.getfixturevalue("official")


@pytest.fixture(scope="module")
def sam2s_own(segmenter):
    """The same weights, computing as sam2 wrote it."""
    model = copy.deepcopy(segmenter.model)
    lean.restore(model)
    return model


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (120, 200, 3), np.uint8)


@pytest.fixture(scope="module")
def two_encoded(segmenter, picture):
    """The picture and its mirror image, encoded together."""
    return segmenter.encode([picture, picture[:, ::-1].copy()])


@pytest.fixture(scope="module")
def encoded(two_encoded):
    return two_encoded[0]


def prompts(count: int, clicks: int, box: bool) -> list[Prompt]:
    rng = np.random.default_rng(count)
    corners = np.array([20, 30, 150, 100], np.float32) if box else None
    places = (rng.random((count, clicks, 2)) * (200, 120)).astype(np.float32)
    return [Prompt("cat", xy, np.arange(clicks) % 2 == 0, corners) for xy in places]


@torch.inference_mode()
def low_res_of(model, segmenter, encoded, asked, mask_input, multimask_output):
    """What sam2's own decoder says, of all masks that it offers."""
    points = segmenter._as_points(asked, encoded.height, encoded.width)
    sparse, dense = model.sam_prompt_encoder(points=points, boxes=None, masks=mask_input)
    low_res, ious, *_ = model.sam_mask_decoder(
        image_embeddings=encoded.embedding,
        image_pe=model.sam_prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        multimask_output=multimask_output,
        repeat_image=True,
        high_res_features=list(encoded.high_res),
    )
    return low_res, ious


def close(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Equal but for the last bits of float32."""
    return one.shape == other.shape and (one - other).abs().max() <= 1e-5 * other.abs().max()


def test_encoder_gives_sam2s_own_maps(segmenter, sam2s_own, two_encoded, picture):
    with torch.inference_mode():
        batch = torch.stack([segmenter._squash(image) for image in (picture, picture[:, ::-1].copy())])
        fine, middle, coarse = sam2s_own.forward_image(batch)["backbone_fpn"]
        coarse = coarse + sam2s_own.no_mem_embed.view(1, -1, 1, 1)
    for i, ours in enumerate(two_encoded):
        assert all(close(a, b[i : i + 1]) for a, b in zip((*ours.high_res, ours.embedding), (fine, middle, coarse)))


@pytest.mark.parametrize("multimask_output", [False, True])
@pytest.mark.parametrize("fed_back", [False, True], ids=["first", "with mask_input"])
@pytest.mark.parametrize(("count", "clicks", "box"), [(1, 1, False), (1, 0, True), (3, 5, False), (4, 8, True)])
def test_decoder_gives_sam2s_own_masks(segmenter, sam2s_own, encoded, count, clicks, box, fed_back, multimask_output):
    asked = prompts(count, clicks, box)
    side = segmenter.image_size // 4
    mask_input = torch.linspace(-9, 9, count * side * side).view(count, 1, side, side) if fed_back else None
    with torch.inference_mode():
        ours = segmenter._decode_low_res(encoded, asked, mask_input, multimask_output)
    theirs = low_res_of(sam2s_own, segmenter, encoded, asked, mask_input, multimask_output)
    assert all(close(a, b) for a, b in zip(ours, theirs, strict=True))


def test_what_is_kept_of_a_picture_is_not_taken_for_the_next(segmenter, sam2s_own, two_encoded):
    first, other = two_encoded
    asked = prompts(2, 3, True)
    for encoded in (first, other, first):
        with torch.inference_mode():
            ours = segmenter._decode_low_res(encoded, asked, None, False)
        theirs = low_res_of(sam2s_own, segmenter, encoded, asked, None, False)
        assert close(ours[0], theirs[0])
    assert not close(segmenter.decode(first, asked).low_res_logits, segmenter.decode(other, asked).low_res_logits)


def test_weights_keep_their_names(segmenter, sam2s_own):
    assert segmenter.model.state_dict().keys() == sam2s_own.state_dict().keys()


def test_a_neck_of_another_kind_is_refused(official):
    model = copy.deepcopy(official.model)
    model.image_encoder.neck.fpn_top_down_levels = [0, 1, 2, 3]
    with pytest.raises(ValueError, match="neck is not one of the official"):
        Segmenter(model)
