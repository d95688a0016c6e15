"""SAM 2 in miniature: sam2's own neck, prompt encoder and mask decoder on frozen YOLO features.

The parts are those of the ``sam2`` package (Ravi et al., "SAM 2: Segment
Anything in Images and Videos", 2024); only the trunk and the sizes differ.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from ...segmentation.segmenter import IMAGENET_MEAN, IMAGENET_STD
from .trunk import CHANNELS, YoloTrunk

D_MODEL = 128
IMAGE_SIZE = 640
"""YOLO's own size: trained at 384 and 512, the heads do better still at 640 (see the model card)."""
FROZEN = "image_encoder.trunk.yolo."


class Sam2Trunk(nn.Module):
    """YOLO's features in the form that sam2's ``ImageEncoder`` asks of a trunk."""

    channel_list = [CHANNELS["stride32"], CHANNELS["stride16"], CHANNELS["stride8"], CHANNELS["stride4"]]

    def __init__(self, yolo_checkpoint: str | Path):
        super().__init__()
        self.yolo = YoloTrunk(yolo_checkpoint, IMAGENET_MEAN, IMAGENET_STD)

    def forward(self, normalised: torch.Tensor) -> list[torch.Tensor]:
        """Feature maps of a normalised (B, 3, S, S) batch, the finest first."""
        maps = self.yolo(normalised)
        return [maps.stride4, maps.stride8, maps.stride16, maps.stride32]


def build_nano_sam2(yolo_checkpoint: str | Path, image_size: int = IMAGE_SIZE) -> nn.Module:
    """A ``SAM2Base`` for pictures (no memory), with untrained heads.

    Args:
        yolo_checkpoint: path of the official ``yolo26n-seg.pt``
        image_size: side of the square that pictures are squashed to, a multiple of 32
    """
    from sam2.modeling.backbones.image_encoder import FpnNeck, ImageEncoder
    from sam2.modeling.position_encoding import PositionEmbeddingSine
    from sam2.modeling.sam2_base import SAM2Base

    trunk = Sam2Trunk(yolo_checkpoint)
    neck = FpnNeck(
        position_encoding=PositionEmbeddingSine(num_pos_feats=D_MODEL, normalize=True, scale=None, temperature=10000),
        d_model=D_MODEL,
        backbone_channel_list=trunk.channel_list,
        fpn_top_down_levels=[2, 3],
        fpn_interp_model="nearest",
    )
    return SAM2Base(
        image_encoder=ImageEncoder(trunk=trunk, neck=neck, scalp=1),
        memory_attention=nn.Identity(),  # single pictures: nothing is remembered
        memory_encoder=nn.Identity(),
        num_maskmem=1,
        image_size=image_size,
        directly_add_no_mem_embed=True,
        use_high_res_features_in_sam=True,
        multimask_output_in_sam=True,
        iou_prediction_use_sigmoid=True,
        sam_mask_decoder_extra_args={
            "dynamic_multimask_via_stability": True,
            "dynamic_multimask_stability_delta": 0.05,
            "dynamic_multimask_stability_thresh": 0.98,
        },
    )
