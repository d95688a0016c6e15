"""CLIP in miniature: an open_clip ViT whose patch embedding is frozen YOLO features.

Text tower, transformer and projections are open_clip's own classes (Radford et
al., CLIP, 2021); ``visual.conv1`` gives the stride-16 tokens that an ordinary
ViT-*/16 gets from its pixels.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from .trunk import CHANNELS, YoloTrunk

FROZEN = "visual.conv1.yolo."


class YoloPatchEmbed(nn.Module):
    """Patch tokens (B, width, H / 16, W / 16) from a normalised (B, 3, H, W) batch; H, W multiples of 32."""

    def __init__(self, yolo_checkpoint: str | Path, width: int, mean: tuple[float, ...], std: tuple[float, ...]):
        super().__init__()
        self.yolo = YoloTrunk(yolo_checkpoint, mean, std)
        self.norm = nn.BatchNorm2d(CHANNELS["stride8"] + CHANNELS["stride16"] + CHANNELS["stride32"], affine=False)
        self.project = nn.Conv2d(self.norm.num_features, width, kernel_size=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.yolo(images.contiguous(memory_format=torch.channels_last), finest=False)
        fine = F.avg_pool2d(maps.stride8, 2)
        coarse = F.interpolate(maps.stride32, scale_factor=2.0, mode="nearest")
        tokens = torch.cat([fine, maps.stride16, coarse], dim=1)
        return self.project(self.norm(tokens.float()))


def build_nano_clip(config: str | Path, yolo_checkpoint: str | Path) -> nn.Module:
    """An untrained nano CLIP: ``open_clip.CLIP`` of the JSON config, with the hybrid patch embedding."""
    import open_clip
    from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD

    settings = json.loads(Path(config).read_text())
    model = open_clip.CLIP(**settings)
    width = settings["vision_cfg"]["width"]
    model.visual.conv1 = YoloPatchEmbed(yolo_checkpoint, width, OPENAI_DATASET_MEAN, OPENAI_DATASET_STD)
    return model
