"""Dense CLIP: regions whose patches agree with a class's phrases more than with any background phrase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F

from ..errors import PromptingError
from ..labels.encoding import Encoding
from ..pixels.regions import WORKING_PIXELS, Region, components, stretched_box, working_shape
from ..plan import Plan
from ..segmentation.precision import FLOAT32
from ..spelling import same_name
from .base import Found, Picture
from .dense_clip import dense_embeddings
from .vocabulary import background_for, phrases_of

MAX_WINDOWS = 5
"""A strip of a picture is squeezed to so many windows' length, or its windows would grow without bound."""
MAP_PIXELS = 640 * 640
"""The maps of a large picture, and regions on them, have no more: they are drawn between a few thousand cells."""

TEMPLATES = ("{}", "a photo of a {}.", "a photo of the {}.", "the {} in the scene")


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
        self.device = torch.device(device)
        self.side = int(model.visual.image_size[0])
        self.patch = int(model.visual.patch_size[0])
        self._mean = torch.tensor(mean, device=self.device).view(3, 1, 1)
        self._std = torch.tensor(std, device=self.device).view(3, 1, 1)
        groups = [phrases_of(name, settings.phrases) for name in self.classes]
        _refuse_ties(self.classes, groups)
        background = background_for(self.classes, settings.background, settings.phrases)
        if not background:
            raise PromptingError("Every background phrase means one of the classes; give CLIP others to compete with.")
        self.groups = [*groups, *((phrase,) for phrase in background)]
        self.text = self._embed_text(tokenizer)
        owner = [i for i, group in enumerate(self.groups) for _ in group]
        self.owner = torch.tensor(owner, device=self.device)

    def find(self, pictures: Sequence[Picture]) -> list[Found]:
        """Connected regions of every class, the largest first."""
        return [self._look(picture) for picture in pictures]

    def _look(self, picture: Picture) -> Found:
        probabilities, background = self.maps(picture.image, map_shape(*picture.shape))
        found = Found(self._regions(probabilities, background, picture.shape))
        if self.settings.heatmap:
            found.heatmap = probabilities.max(axis=2)
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
        height, width = shape or image.shape[:2]
        pixels = torch.from_numpy(np.ascontiguousarray(image)).to(self.device).permute(2, 0, 1)[None]
        if self.device.type != "cpu" or image.size <= 3 * WORKING_PIXELS:
            pixels = self._normalised(pixels)
        count, fine = len(self.classes), 0
        for scale in self.settings.scales:
            groups = self._at_scale(pixels, scale)
            coarse = torch.cat([groups[:, :count], groups[:, count:].amax(dim=1, keepdim=True)], dim=1)
            fine = fine + F.interpolate(coarse, size=(height, width), mode="bilinear", align_corners=False)[0]
        fine = (fine / len(self.settings.scales)).cpu().numpy()
        return fine[:count].transpose(1, 2, 0), fine[count]

    def _normalised(self, pixels: torch.Tensor) -> torch.Tensor:
        return (pixels.float() / 255 - self._mean) / self._std

    def _at_scale(self, pixels: torch.Tensor, scale: float) -> torch.Tensor:
        """Group probabilities (1, G, h, w) of a picture (1, 3, H, W), from overlapping windows of the model's own size.

        A large picture on a CPU comes as its bytes, which are made smaller sooner than numbers are made of them.
        """
        height, width = pixels.shape[-2:]
        ratio = min(self.side * scale / min(height, width), MAX_WINDOWS * self.side * scale / max(height, width))
        size = [max(self.side, self._whole_patches(side * ratio)) for side in (height, width)]
        resized = F.interpolate(pixels, size=size, mode="bilinear", antialias=True, align_corners=False)
        if resized.dtype == torch.uint8:
            resized = self._normalised(resized)
        step = max(self.patch, self._whole_patches(self.side * self.settings.stride))
        corners = [(y, x) for y in _starts(size[0], self.side, step) for x in _starts(size[1], self.side, step)]
        # the windows' borders lie on the patch grid, so that their maps add up without resampling
        windows = torch.cat([resized[..., y : y + self.side, x : x + self.side] for y, x in corners])
        probabilities = torch.cat([self._window(chunk) for chunk in windows.split(8)])
        total = torch.zeros(len(self.groups), size[0] // self.patch, size[1] // self.patch, device=self.device)
        seen = torch.zeros(total.shape[1:], device=self.device)
        cells = self.side // self.patch
        for (y, x), probability in zip(corners, probabilities, strict=True):
            place = slice(y // self.patch, y // self.patch + cells), slice(x // self.patch, x // self.patch + cells)
            total[:, place[0], place[1]] += probability
            seen[place] += 1
        return (total / seen)[None]

    def _window(self, windows: torch.Tensor) -> torch.Tensor:
        """Group probabilities (B, G, h, w) of windows (B, 3, side, side)."""
        patches = dense_embeddings(self.model.visual, windows, self.settings.attention, self.precision)
        scores = (patches @ self.text.T * self.model.logit_scale.exp()).softmax(dim=-1)
        grouped = scores.new_zeros(*scores.shape[:-1], len(self.groups)).index_add_(-1, self.owner, scores)
        return grouped.permute(0, 3, 1, 2)

    def _whole_patches(self, side: float) -> int:
        return int(round(side / self.patch)) * self.patch

    def _regions(self, probabilities: np.ndarray, background: np.ndarray, shape: tuple[int, int]) -> list[Region]:
        likeliest = probabilities.argmax(axis=2) if len(self.classes) > 1 else None
        regions = []
        for i, label in enumerate(self.classes):
            p = probabilities[:, :, i]
            wins = p > background
            if likeliest is not None:
                wins &= likeliest == i
            for mask in components(wins, self.settings.smallest):
                peak = float(p[mask.place][mask.crop].max())
                if peak >= self.settings.peak:
                    box = stretched_box(mask.box, mask.shape, shape)
                    regions.append(Region(label, box=box, mask=mask, confidence=peak, shape=shape))
        return regions

    @torch.inference_mode()
    def _embed_text(self, tokenizer) -> torch.Tensor:
        """Unit embeddings (phrases, D), each phrase averaged over the templates."""
        phrases = [phrase for group in self.groups for phrase in group]
        total = 0
        for template in TEMPLATES:
            tokens = tokenizer([template.format(phrase) for phrase in phrases]).to(self.device)
            total = total + self.model.encode_text(tokens, normalize=True)
        return F.normalize(total, dim=-1)


def map_shape(height: int, width: int) -> tuple[int, int]:
    """The (height, width) of a picture's maps: its own, as in all versions, or that of :data:`MAP_PIXELS` where it is
    larger than SAM 2 sees it."""
    return (height, width) if height * width <= WORKING_PIXELS else working_shape(height, width, MAP_PIXELS)


def _refuse_ties(classes: Sequence[str], groups: Sequence[Sequence[str]]) -> None:
    """Of two classes with the same phrases only the first would ever be found."""
    seen: dict[frozenset[str], str] = {}
    for name, group in zip(classes, groups, strict=True):
        other = seen.setdefault(frozenset(map(same_name, group)), name)
        if other != name:
            raise PromptingError(
                f"{other!r} and {name!r} have the same phrases for CLIP; ask for one of them, or give phrases."
            )


def _starts(length: int, window: int, step: int) -> list[int]:
    """Where windows start so that they cover the length, the last one flush with its end."""
    starts = list(range(0, max(1, length - window + 1), step))
    if starts[-1] + window < length:
        starts.append(length - window)
    return starts


def build(plan: Plan, models, encoding: Encoding | None) -> ClipPrior:
    """The CLIP of a plan without ``auto``; see :class:`prompting.priors.base.Build`."""
    settings = ClipSettings(phrases=dict(plan.phrases), background=plan.background, heatmap=plan.heatmap)
    clip = models.load_clip(plan.clip_model, plan.device)
    return ClipPrior(*clip, plan.classes, settings, plan.device, plan.encoder_precision)
