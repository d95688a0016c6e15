"""Dense CLIP is what the papers say, computed another way here: through open_clip's and PyTorch's own attention."""

import copy

import open_clip
import pytest
import torch
import torch.nn.functional as F

from prompting.models import catalogue
from prompting.priors.dense_clip import ATTENTIONS, NEIGHBOUR_SIGMA, dense_embeddings, positions


@pytest.fixture(scope="module")
def official():
    """The architecture that people will use, with random weights, in two layers of its twelve."""
    torch.manual_seed(0)
    visual = open_clip.create_model("ViT-B-16-quickgelu", pretrained=None).visual.eval()
    visual.transformer.resblocks = visual.transformer.resblocks[:2]
    return visual


@pytest.fixture(scope="module")
def nano():
    return catalogue.load_clip("nano", "cpu")[0].visual


@pytest.fixture(params=["official", "nano"])
def visual(request):
    return request.getfixturevalue(request.param)


def pictures(height: int, width: int, count: int = 1) -> torch.Tensor:
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(0))


def last_block_input(visual, images: torch.Tensor) -> torch.Tensor:
    """Tokens before the last block, by open_clip's own path (at the model's own size)."""
    tokens = visual._embeds(images)
    for block in visual.transformer.resblocks[:-1]:
        tokens = block(tokens)
    return tokens


def embedded(visual, patches: torch.Tensor, side: int) -> torch.Tensor:
    return F.normalize(visual.ln_post(patches[:, 1:]) @ visual.proj, dim=-1).view(len(patches), side, side, -1)


@torch.inference_mode()
@pytest.mark.parametrize("attention", ATTENTIONS)
def test_every_patch_has_a_unit_embedding(visual, attention):
    side, patch = visual.image_size[0], visual.patch_size[0]
    dense = dense_embeddings(visual, pictures(side, side, 2), attention)
    assert dense.shape == (2, side // patch, side // patch, visual.output_dim)
    assert torch.allclose(dense.norm(dim=-1), torch.ones(dense.shape[:-1]), atol=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize("attention", ATTENTIONS)
def test_picture_of_another_size_has_a_patch_for_every_16_pixels(visual, attention):
    dense = dense_embeddings(visual, pictures(384, 256), attention)
    assert dense.shape == (1, 24, 16, visual.output_dim)
    assert dense.isfinite().all()


@torch.inference_mode()
def test_value_attention_is_attention_of_every_token_to_itself(visual):
    """MaskCLIP: the value path alone, which is what self-attention gives where all else is masked out."""
    side = visual.image_size[0]
    images = pictures(side, side)
    tokens = last_block_input(visual, images)
    block = visual.transformer.resblocks[-1]
    x = block.ln_1(tokens)
    alone = torch.full((x.shape[1], x.shape[1]), float("-inf")).fill_diagonal_(0)
    expected = embedded(visual, block.attn(x, x, x, need_weights=False, attn_mask=alone)[0], side // 16)
    assert torch.allclose(dense_embeddings(visual, images, "value"), expected, atol=1e-4)


@torch.inference_mode()
def test_correlative_attention_is_query_query_plus_key_key(visual):
    """SCLIP: the sum of two attentions, each of one projection with itself."""
    side = visual.image_size[0]
    images = pictures(side, side)
    block = visual.transformer.resblocks[-1]
    x = block.ln_1(last_block_input(visual, images))
    total = -block.attn.out_proj.bias  # it would be added twice
    for part in (0, 1):
        total = total + with_itself(block.attn, part)(x, x, x, need_weights=False)[0]
    expected = embedded(visual, total, side // 16)
    assert torch.allclose(dense_embeddings(visual, images, "correlative"), expected, atol=1e-4)


@torch.inference_mode()
def test_neighbour_attention_is_key_key_and_a_gaussian_around_every_patch(visual):
    """NACLIP; the class token has no place and gets no Gaussian."""
    side = visual.image_size[0]
    count = side // 16
    images = pictures(side, side)
    block = visual.transformer.resblocks[-1]
    x = block.ln_1(last_block_input(visual, images))
    place = torch.cartesian_prod(torch.arange(count), torch.arange(count)).float()
    bias = F.pad(torch.exp(-torch.cdist(place, place).square() / (2 * NEIGHBOUR_SIGMA**2)), (1, 0, 1, 0))
    attended = with_itself(block.attn, 1)(x, x, x, need_weights=False, attn_mask=bias)[0]
    assert torch.allclose(dense_embeddings(visual, images, "neighbour"), embedded(visual, attended, count), atol=1e-4)


def with_itself(attn: torch.nn.MultiheadAttention, part: int) -> torch.nn.MultiheadAttention:
    """The same attention with queries and keys both of one projection (0 the queries', 1 the keys')."""
    changed = copy.deepcopy(attn)
    for tensor in (changed.in_proj_weight, changed.in_proj_bias):
        width = len(tensor) // 3
        tensor[: 2 * width] = tensor[part * width : (part + 1) * width].repeat(2, *[1] * (tensor.ndim - 1))
    return changed


@torch.inference_mode()
def test_attentions_differ(visual):
    images = pictures(*visual.image_size)
    one, two, three = (dense_embeddings(visual, images, attention) for attention in ATTENTIONS)
    assert not torch.allclose(one, two, atol=1e-3)
    assert not torch.allclose(two, three, atol=1e-3)
    assert not torch.allclose(one, three, atol=1e-3)


@torch.inference_mode()
def test_picture_is_embedded_alike_alone_and_in_a_batch(visual):
    images = pictures(*visual.image_size, 2)
    together = dense_embeddings(visual, images)
    assert torch.allclose(together[1:], dense_embeddings(visual, images[1:]), atol=1e-4)


def test_unknown_attention_is_told_the_known_ones(official):
    with (
        pytest.raises(ValueError, match="'values'; choose one of value, correlative, neighbour"),
        torch.inference_mode(),
    ):
        dense_embeddings(official, pictures(224, 224), "values")


def test_positions_stay_as_learned_at_the_models_own_size(visual):
    assert positions(visual, *visual.grid_size) is visual.positional_embedding


@torch.inference_mode()
def test_positions_are_stretched_and_the_class_tokens_stays(visual):
    rows, columns = visual.grid_size
    stretched = positions(visual, 2 * rows, 3 * columns)
    learned = visual.positional_embedding
    assert stretched.shape == (1 + 6 * rows * columns, learned.shape[1])
    assert torch.equal(stretched[0], learned[0])
    back = F.interpolate(
        stretched[1:].view(2 * rows, 3 * columns, -1).permute(2, 0, 1)[None], size=(rows, columns), mode="area"
    )
    expected = learned[1:].view(rows, columns, -1).permute(2, 0, 1)[None]
    assert F.cosine_similarity(back.flatten(), expected.flatten(), dim=0) > 0.9
