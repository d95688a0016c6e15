"""A picture seen by a ViT through overlapping windows of the model's own size, at several scales."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
import torch.nn.functional as F

from ..pixels.regions import WORKING_PIXELS, working_shape

MAX_WINDOWS = 5
"""A strip of a picture is squeezed to so many windows' length, or its windows would grow without bound."""
MAP_PIXELS = 640 * 640
"""The maps of a large picture, and regions on them, have no more: they are drawn between a few thousand cells."""
AT_ONCE = 8


class Windows:
    """What a model says of each patch of a picture, averaged over the windows that see it.

    Args:
        visual: ``model.visual`` of an open_clip ViT
        mean, std: its pictures' normalisation
        stride: the windows' step as a share of their size
        device: where the model runs
    """

    def __init__(self, visual, mean, std, stride: float = 0.5, device="cpu"):
        self.device = torch.device(device)
        self.side, self.patch = int(visual.image_size[0]), int(visual.patch_size[0])
        self._stride = stride
        self._mean = torch.tensor(mean, device=self.device).view(3, 1, 1)
        self._std = torch.tensor(std, device=self.device).view(3, 1, 1)

    def pixels(self, image: np.ndarray) -> torch.Tensor:
        """A picture (H, W, 3) uint8 RGB as :meth:`at_scale` takes it."""
        pixels = torch.from_numpy(np.ascontiguousarray(image)).to(self.device).permute(2, 0, 1)[None]
        return self._normalised(pixels) if self.device.type != "cpu" or image.size <= 3 * WORKING_PIXELS else pixels

    def at_scale(
        self, pixels: torch.Tensor, scale: float, look: Callable[[torch.Tensor], torch.Tensor]
    ) -> torch.Tensor:
        """What is said of each patch of a picture at a scale.

        A large picture on a CPU comes as its bytes, which are made smaller sooner than numbers are made of them.

        Args:
            pixels: (1, 3, H, W), of :meth:`pixels`
            scale: the picture's shorter side as a multiple of the model's own size
            look: says C numbers of each patch of windows: (B, 3, side, side) to (B, C, side / patch, side / patch)

        Returns:
            (1, C, h, w)
        """
        height, width = pixels.shape[-2:]
        ratio = min(self.side * scale / min(height, width), MAX_WINDOWS * self.side * scale / max(height, width))
        size = [max(self.side, self._whole_patches(side * ratio)) for side in (height, width)]
        resized = F.interpolate(pixels, size=size, mode="bilinear", antialias=True, align_corners=False)
        if resized.dtype == torch.uint8:
            resized = self._normalised(resized)
        step = max(self.patch, self._whole_patches(self.side * self._stride))
        corners = [(y, x) for y in starts(size[0], self.side, step) for x in starts(size[1], self.side, step)]
        # the windows' borders lie on the patch grid, so that their maps add up without resampling
        windows = torch.cat([resized[..., y : y + self.side, x : x + self.side] for y, x in corners])
        said = torch.cat([look(chunk) for chunk in windows.split(AT_ONCE)])
        total = torch.zeros(said.shape[1], size[0] // self.patch, size[1] // self.patch, device=self.device)
        seen = torch.zeros(total.shape[1:], device=self.device)
        cells = self.side // self.patch
        for (y, x), of_window in zip(corners, said, strict=True):
            place = slice(y // self.patch, y // self.patch + cells), slice(x // self.patch, x // self.patch + cells)
            total[:, place[0], place[1]] += of_window
            seen[place] += 1
        return (total / seen)[None]

    def _normalised(self, pixels: torch.Tensor) -> torch.Tensor:
        return (pixels.float() / 255 - self._mean) / self._std

    def _whole_patches(self, side: float) -> int:
        return int(round(side / self.patch)) * self.patch


def starts(length: int, window: int, step: int) -> list[int]:
    """Where windows start so that they cover the length, the last one flush with its end."""
    found = list(range(0, max(1, length - window + 1), step))
    if found[-1] + window < length:
        found.append(length - window)
    return found


def map_shape(height: int, width: int) -> tuple[int, int]:
    """The (height, width) of a picture's maps: its own, as in all versions, or that of :data:`MAP_PIXELS` where it is
    larger than SAM 2 sees it."""
    return (height, width) if height * width <= WORKING_PIXELS else working_shape(height, width, MAP_PIXELS)


def averaged(maps: Iterable[torch.Tensor], shape: tuple[int, int]) -> np.ndarray:
    """The mean of coarse maps, each drawn at one size.

    Args:
        maps: of one picture at several scales, (1, C, h, w) each
        shape: the (height, width) of the mean

    Returns:
        (C, height, width) float32
    """
    drawn = [F.interpolate(coarse, size=shape, mode="bilinear", align_corners=False)[0] for coarse in maps]
    return (sum(drawn) / len(drawn)).cpu().numpy()
