"""The image encoder of ``SAM2Base.forward_image``, for the three maps that the mask decoder reads.

- The sine positions of every map are left out: only a video's memory reads them.
- The patches' positions are interpolated once for a model, not once for each picture.
- The neck's and the decoder's 1 x 1 convolutions of the two fine maps follow each other: they are multiplied into one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class PictureEncoder:
    """From a normalised batch to feature maps.

    Args:
        model: a ``SAM2Base`` on its device, in eval mode, with an ``FpnNeck`` as all official ones have it: top-down
            features on its two coarse levels alone
    """

    def __init__(self, model: nn.Module):
        neck, decoder = model.image_encoder.neck, model.sam_mask_decoder
        if sorted(neck.fpn_top_down_levels) != [2, 3] or (neck.fpn_interp_model, neck.fuse_type) != ("nearest", "sum"):
            raise ValueError("This SAM 2's neck is not one of the official models'.")
        self._trunk = model.image_encoder.trunk
        if hasattr(self._trunk, "_get_pos_embed"):
            _keep_positions(self._trunk, model.image_size // 4)
        finest, fine, self._coarse, self._coarsest = reversed(neck.convs)
        self._finest = _as_one(finest.conv, decoder.conv_s0)
        self._fine = _as_one(fine.conv, decoder.conv_s1)

    def __call__(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Feature maps of a normalised (B, 3, S, S) batch at S / 4, S / 8 and S / 16."""
        finest, fine, coarse, coarsest = self._trunk(batch)
        above = F.interpolate(self._coarsest(coarsest).float(), scale_factor=2.0, mode="nearest")
        return F.conv2d(finest, *self._finest), F.conv2d(fine, *self._fine), self._coarse(coarse) + above


@torch.inference_mode()
def _keep_positions(trunk: nn.Module, side: int) -> None:
    """Let a Hiera answer with the positions of its one size of picture, (1, side, side, C), made beforehand."""
    positions = type(trunk)._get_pos_embed(trunk, (side, side)).contiguous()
    trunk._get_pos_embed = lambda size: positions


@torch.inference_mode()
def _as_one(first: nn.Conv2d, second: nn.Conv2d) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias of one 1 x 1 convolution that does what two do."""
    a, b = (layer.weight[:, :, 0, 0].double() for layer in (first, second))
    weight = (b @ a).float()[:, :, None, None].to(memory_format=torch.channels_last)
    return weight, (b @ first.bias.double() + second.bias).float()
