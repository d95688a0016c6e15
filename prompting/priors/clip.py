"""Dense CLIP: regions whose patches agree with a class's phrases more than with any background phrase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from ..plan import Plan
from ..segmentation.precision import FLOAT32
from .base import Found, Given, Picture
from .dense_clip import dense_embeddings
from .map_regions import map_regions
from .windows import Windows, averaged, map_shape
from .words import Words


@dataclass(frozen=True)
class ClipSettings:
    """How the maps are made and cut into regions.

    Attributes:
        phrases: phrases of a class, instead of those of the vocabulary
        background: background phrases, instead of the vocabulary's
        attention: the last block's, see :mod:`prompting.priors.dense_clip`
        scales: the picture's shorter side as multiples of the model's own size; maps are averaged
        stride: the windows' step as a share of their size
        smallest: regions below this share of the picture are dropped
        peak: a region must somewhere reach this probability
        heatmap: also keep each picture's map (of the likeliest class at each pixel)
    """

    phrases: dict[str, Sequence[str]] = field(default_factory=dict)
    background: Sequence[str] | None = None
    attention: str = "neighbour"
    scales: tuple[float, ...] = (1.0, 1.5)
    stride: float = 0.5
    smallest: float = 0.002
    peak: float = 0.4
    heatmap: bool = False


class ClipPrior:
    """Regions from an open_clip ViT.

    Args:
        model: the open_clip model, in eval mode
        tokenizer: its tokenizer
        mean, std: its pictures' normalisation
        classes: the classes to look for
        settings: see :class:`ClipSettings`
        device: where the model runs
        precision: of its patch embedding, see :func:`prompting.priors.dense_clip.dense_embeddings`

    Raises:
        PromptingError: two classes have the same phrases, or no background phrase is left
    """

    def __init__(
        self,
        model,
        tokenizer,
        mean,
        std,
        classes: Sequence[str],
        settings: ClipSettings,
        device="cpu",
        precision: str = FLOAT32,
    ):
        self.precision = precision
        self.model, self.settings, self.classes = model, settings, tuple(classes)
        self.windows = Windows(model.visual, mean, std, settings.stride, device)
        self.words = Words(model, tokenizer, self.classes, settings.phrases, settings.background, device)

    def find(self, pictures: Sequence[Picture]) -> list[Found]:
        """Connected regions of every class, the largest first."""
        return [self._look(picture) for picture in pictures]

    def _look(self, picture: Picture) -> Found:
        maps = self.maps(picture.image, map_shape(*picture.shape))
        settings = self.settings
        found = Found(map_regions(self.classes, *maps, picture.shape, settings.smallest, settings.peak))
        if settings.heatmap:
            found.heatmap = maps[0].max(axis=2)
        return found

    @torch.inference_mode()
    def maps(self, image: np.ndarray, shape: tuple[int, int] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The probability of each class at each pixel, and of the likeliest background phrase.

        Args:
            image: (H, W, 3) uint8 RGB
            shape: the (height, width) of the maps, which are made of few cells; by default the image's

        Returns:
            (H, W, classes) float32 and (H, W) float32; a class's probability is
            the sum over its phrases of a softmax over all phrases
        """
        pixels = self.windows.pixels(image)
        groups = (self._at_scale(pixels, scale) for scale in self.settings.scales)
        fine = averaged(map(self._likeliest, groups), shape or image.shape[:2])
        return fine[:-1].transpose(1, 2, 0), fine[-1]

    def _likeliest(self, groups: torch.Tensor) -> torch.Tensor:
        """Of group probabilities (1, G, h, w) the classes' and the likeliest background's, (1, classes + 1, h, w)."""
        count = len(self.classes)
        return torch.cat([groups[:, :count], groups[:, count:].amax(dim=1, keepdim=True)], dim=1)

    def _at_scale(self, pixels: torch.Tensor, scale: float) -> torch.Tensor:
        """Group probabilities (1, G, h, w) of a picture (1, 3, H, W)."""
        return self.windows.at_scale(pixels, scale, self._window)

    def _window(self, windows: torch.Tensor) -> torch.Tensor:
        """Group probabilities (B, G, h, w) of windows (B, 3, side, side)."""
        patches = dense_embeddings(self.model.visual, windows, self.settings.attention, self.precision)
        return self.words.probabilities(patches)


def build(plan: Plan, models, given: Given) -> ClipPrior:
    """The CLIP of a plan without ``auto``; see :class:`prompting.priors.base.Build`."""
    settings = ClipSettings(phrases=dict(plan.phrases), background=plan.background, heatmap=plan.heatmap)
    clip = models.load_clip(plan.clip_model, plan.device)
    return ClipPrior(*clip, plan.classes, settings, plan.device, plan.encoder_precision)
