"""Patch-level CLIP: which words does each patch of a picture agree with?

The last block of a CLIP ViT gathers everything into the class token; its
patches speak to the text only when that block's attention is replaced:

- ``value``: no attention, every patch its own value (MaskCLIP, Zhou et al., ECCV 2022)
- ``correlative``: query-query plus key-key attention (SCLIP, Wang et al., ECCV 2024)
- ``neighbour``: key-key attention with a Gaussian around each patch (NACLIP,
  Hajimiri et al., WACV 2025)

In all three the last block's residual and MLP are left out (ClearCLIP, Lan et
al., ECCV 2024; NACLIP's "reduced" block). Works for any open_clip
``VisionTransformer`` with a class token and learned positions.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from ..segmentation.precision import FLOAT32, autocast

ATTENTIONS = ("value", "correlative", "neighbour")
NEIGHBOUR_SIGMA = 5.0  # patches; NACLIP's default


def dense_embeddings(
    visual: nn.Module, images: torch.Tensor, attention: str = "neighbour", precision: str = FLOAT32
) -> torch.Tensor:
    """Unit-length embeddings of every patch in the space shared with text.

    Args:
        visual: ``model.visual`` of an open_clip ViT
        images: (B, 3, H, W) normalised as the model asks; H and W multiples of the patch size
            (positions are interpolated where it differs from the training size)
        attention: one of :data:`ATTENTIONS`
        precision: of the convolutions that make patches of pixels; the transformer stays in float32, than which
            bfloat16 was slower on a CPU

    Returns:
        (B, H / patch, W / patch, D)
    """
    return embedded(visual, *before_the_last(visual, images, precision), attention)


def before_the_last(
    visual: nn.Module, images: torch.Tensor, precision: str = FLOAT32
) -> tuple[torch.Tensor, tuple[int, int]]:
    """All tokens as the last block gets them, and the grid of the patches'.

    Args:
        visual, images, precision: as in :func:`dense_embeddings`

    Returns:
        (B, 1 + h * w, width), the class token first, and (h, w)
    """
    with autocast(precision, images.device.type):
        tokens = visual.conv1(images).float()
    batch, width, rows, columns = tokens.shape
    tokens = tokens.flatten(2).transpose(1, 2)
    class_token = visual.class_embedding.to(tokens.dtype).expand(batch, 1, width)
    tokens = torch.cat([class_token, tokens], dim=1)
    tokens = visual.ln_pre(tokens + positions(visual, rows, columns).to(tokens.dtype))
    for block in visual.transformer.resblocks[:-1]:
        tokens = block(tokens)
    return tokens, (rows, columns)


def embedded(
    visual: nn.Module, tokens: torch.Tensor, grid: tuple[int, int], attention: str = "neighbour"
) -> torch.Tensor:
    """What the last block makes of the tokens that :func:`before_the_last` gives, (B, h, w, D) of unit length."""
    patches = _last_block(visual.transformer.resblocks[-1], tokens, *grid, attention)[:, 1:]
    embeddings = visual.ln_post(patches) @ visual.proj
    return F.normalize(embeddings, dim=-1).view(len(tokens), *grid, -1)


def positions(visual: nn.Module, rows: int, columns: int) -> torch.Tensor:
    """The learned position embedding (1 + rows * columns, width), bicubically resized if need be."""
    learned = visual.positional_embedding
    if (rows, columns) == tuple(visual.grid_size):
        return learned
    grid = learned[1:].view(*visual.grid_size, -1).permute(2, 0, 1)[None]
    grid = F.interpolate(grid, size=(rows, columns), mode="bicubic", align_corners=False)
    return torch.cat([learned[:1], grid[0].permute(1, 2, 0).reshape(rows * columns, -1)])


def _last_block(block: nn.Module, tokens: torch.Tensor, rows: int, columns: int, attention: str) -> torch.Tensor:
    attn = block.attn
    q, k, v = F.linear(block.ln_1(tokens), attn.in_proj_weight, attn.in_proj_bias).chunk(3, dim=-1)
    if attention == "value":
        return attn.out_proj(v)
    batch, count, width = v.shape

    def heads(x: torch.Tensor) -> torch.Tensor:
        return x.view(batch, count, attn.num_heads, width // attn.num_heads).transpose(1, 2)

    q, k, v = heads(q), heads(k), heads(v)
    scale = 1 / math.sqrt(q.shape[-1])
    if attention == "correlative":
        weights = (q @ q.transpose(-1, -2) * scale).softmax(-1) + (k @ k.transpose(-1, -2) * scale).softmax(-1)
    elif attention == "neighbour":
        scores = k @ k.transpose(-1, -2) * scale
        scores[..., 1:, 1:] = scores[..., 1:, 1:] + _gaussian(rows, columns, scores)
        weights = scores.softmax(-1)
    else:
        raise ValueError(f"Unknown dense attention {attention!r}; choose one of {', '.join(ATTENTIONS)}.")
    return attn.out_proj((weights @ v).transpose(1, 2).reshape(batch, count, width))


def _gaussian(rows: int, columns: int, like: torch.Tensor) -> torch.Tensor:
    """exp(-distance^2 / 2 sigma^2) between all patches of a grid, (rows * columns, rows * columns)."""
    y = torch.arange(rows, device=like.device, dtype=like.dtype)
    x = torch.arange(columns, device=like.device, dtype=like.dtype)
    dy = (y[:, None] - y[None]).square()
    dx = (x[:, None] - x[None]).square()
    squared = dy[:, None, :, None] + dx[None, :, None, :]
    return torch.exp(-squared / (2 * NEIGHBOUR_SIGMA**2)).reshape(rows * columns, rows * columns)
