"""The frozen features that both bundled models stand on: yolo26n-seg without its head."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ..detectors import import_ultralytics

CHANNELS = {"stride4": 96, "stride8": 64, "stride16": 128, "stride32": 256}
_SEGMENT_HEAD = 23
_TAPPED = {"stride4": 2, "stride8": 16, "stride16": 19, "stride32": 22}


@dataclass(frozen=True)
class TrunkFeatures:
    """Feature maps of one batch, each (B, channels, H / stride, W / stride); ``stride4`` where it was asked for."""

    stride4: torch.Tensor | None
    stride8: torch.Tensor
    stride16: torch.Tensor
    stride32: torch.Tensor


class YoloTrunk(nn.Module):
    """yolo26n-seg's backbone, neck and mask prototypes, in eval mode and without gradients.

    Args:
        checkpoint: path of the official ``yolo26n-seg.pt``
        mean, std: the normalisation that the caller has already applied to its
            RGB pictures, undone here, for YOLO takes plain RGB in [0, 1]

    The stride-4 map joins the mask prototypes (32 channels) with the early
    layer 2 (64 channels): what it is, and where exactly its border runs.
    """

    def __init__(self, checkpoint: str | Path, mean: tuple[float, ...], std: tuple[float, ...]):
        super().__init__()
        import_ultralytics()
        from ultralytics import YOLO

        model = YOLO(str(checkpoint)).model.float().eval()
        model.fuse(verbose=False)
        model.requires_grad_(False)
        self.layers = model.model
        self.saved = set(model.save) | set(_TAPPED.values())
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def train(self, mode: bool = True) -> YoloTrunk:
        """Stay in eval mode: the batch statistics are part of the frozen features."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, normalised: torch.Tensor, finest: bool = True) -> TrunkFeatures:
        """Features of a (B, 3, H, W) batch; H and W are multiples of 32; ``finest``: also those of stride 4."""
        x = normalised * self.std + self.mean
        outputs: list[torch.Tensor | None] = []
        for layer in self.layers[:_SEGMENT_HEAD]:
            if layer.f != -1:
                x = outputs[layer.f] if isinstance(layer.f, int) else [x if j == -1 else outputs[j] for j in layer.f]
            x = layer(x)
            outputs.append(x if layer.i in self.saved else None)
        maps = {name: outputs[index] for name, index in _TAPPED.items()}
        if not finest:
            return TrunkFeatures(**{**maps, "stride4": None})
        prototypes = self.layers[_SEGMENT_HEAD].proto(
            [maps["stride8"], maps["stride16"], maps["stride32"]], return_semantic=False
        )
        maps["stride4"] = torch.cat([prototypes, maps["stride4"]], dim=1)
        return TrunkFeatures(**maps)
