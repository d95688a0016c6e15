"""Reference pictures: regions whose patches look like those that a person labelled in a few pictures.

For what has no name and what no detector was trained on. Of each picture CLIP's patches are taken as the last block
gets them, which tell objects apart better than those that speak to words, and a classifier is learned of those that the
references' masks cover (:mod:`prompting.priors.examples`). Close to PerSAM (Zhang et al., arXiv 2305.03048), Matcher
(Liu et al., arXiv 2305.13310) and Proxy Prompt (arXiv 2502.03501), which find prompts by a reference's features too.

SAM 2's own features were tried, alone and beside these, and were no better (docs/MEASURED.md).
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from ..errors import PromptingError
from ..pixels.masks import IGNORED
from ..pixels.regions import components
from ..plan import Plan
from ..segmentation.precision import FLOAT32
from ..steps import Steps, ended
from .base import Found, Given, Picture, Reference
from .dense_clip import before_the_last, embedded
from .examples import MOST, Classifier, smallest_part, some_of
from .map_regions import map_regions
from .patches import kinds_of, shares
from .windows import Windows, averaged, map_shape
from .words import Words


@dataclass(frozen=True)
class ReferenceSettings:
    """How the maps are made and cut into regions.

    Attributes:
        phrases: phrases of a class, instead of those of the vocabulary
        background: background phrases, instead of the vocabulary's
        scales: the picture's shorter side as multiples of the model's own size; maps are averaged
        stride: the windows' step as a share of their size
        peak: a region must somewhere reach this probability
    """

    phrases: dict[str, Sequence[str]] = field(default_factory=dict)
    background: Sequence[str] | None = None
    scales: tuple[float, ...] = (1.5,)
    stride: float = 0.5
    peak: float = 0.4


class ReferencePrior:
    """Regions that look like those of labelled pictures; it learns from them when it is made.

    Args:
        model: the open_clip model, in eval mode
        tokenizer: its tokenizer
        mean, std: its pictures' normalisation
        classes: the classes to look for
        references: labelled pictures, see :class:`prompting.priors.base.Reference`; None: :meth:`learn` is called later
        settings: see :class:`ReferenceSettings`
        device: where the model runs
        precision: of its patch embedding, see :func:`prompting.priors.dense_clip.dense_embeddings`

    Raises:
        PromptingError: no picture shows one of the classes, or all of them show nothing else
    """

    def __init__(
        self,
        model,
        tokenizer,
        mean,
        std,
        classes: Sequence[str],
        references: Collection[Reference] | None,
        settings: ReferenceSettings,
        device="cpu",
        precision: str = FLOAT32,
    ):
        self.precision, self.settings, self.classes = precision, settings, tuple(classes)
        self.visual = model.visual
        self.windows = Windows(model.visual, mean, std, settings.stride, device)
        try:
            self.words = Words(model, tokenizer, self.classes, settings.phrases, settings.background, device)
        except PromptingError:  # they can't tell the classes apart, and the references can
            self.words = None
        self._device = device
        if references is not None:
            ended(self.learn(references))

    def learn(self, references: Collection[Reference]) -> Steps[None]:
        """Learn from labelled pictures, before anything is looked for; a generator of (pictures done, pictures).

        Raises:
            PromptingError: no picture shows enough of one of the classes, or all of them show nothing else
        """
        self.classifier, self.smallest = yield from self._learned(references)
        self._weights = torch.tensor(self.classifier.weights, device=self._device)
        self._offsets = torch.tensor(self.classifier.offsets, device=self._device)
        self._trust = torch.tensor(self.classifier.trust, device=self._device)

    def find(self, pictures: Sequence[Picture]) -> list[Found]:
        """Connected regions of every class, the largest first."""
        return [self._look(picture) for picture in pictures]

    def _look(self, picture: Picture) -> Found:
        maps = self.maps(picture.image, map_shape(*picture.shape))
        return Found(map_regions(self.classes, *maps, picture.shape, self.smallest, self.settings.peak))

    @torch.inference_mode()
    def maps(self, image: np.ndarray, shape: tuple[int, int] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The probability of each class at each pixel, and of the background.

        Args:
            image: (H, W, 3) uint8 RGB
            shape: the (height, width) of the maps, which are made of few cells; by default the image's

        Returns:
            (H, W, classes) float32 and (H, W) float32, which add up to 1
        """
        fine = averaged((self._at_scale(image, scale) for scale in self.settings.scales), shape or image.shape[:2])
        return fine[:-1].transpose(1, 2, 0), fine[-1]

    def _at_scale(self, image: np.ndarray, scale: float) -> torch.Tensor:
        """The probabilities of the classes and of the background, (1, classes + 1, h, w)."""
        scores = self.scores(image, scale)
        return torch.cat([scores, torch.zeros_like(scores[:, :1])], dim=1).softmax(dim=1)

    @torch.inference_mode()
    def scores(self, image: np.ndarray, scale: float) -> torch.Tensor:
        """The classes' scores (1, C, h, w) of each patch of a picture; the background's is 0."""
        return self.windows.at_scale(self.windows.pixels(image), scale, self._score)

    @torch.inference_mode()
    def features(self, image: np.ndarray, scale: float) -> torch.Tensor:
        """What is learned from, (C + width, h, w): what words say of a patch, and its token."""
        return self.windows.at_scale(self.windows.pixels(image), scale, self._features)[0]

    def _score(self, windows: torch.Tensor) -> torch.Tensor:
        """What :meth:`scores` says of windows (B, 3, side, side): (B, C, h, w)."""
        tokens, grid = before_the_last(self.visual, windows, self.precision)
        scores = tokens[:, 1:] @ self._weights.T + self._offsets
        scores = scores.transpose(1, 2).unflatten(2, grid)
        if self.words is None or not self.classifier.trust.any():
            return scores
        return scores + self._trust[:, None, None] * self._said(tokens, grid)

    def _said(self, tokens: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
        """How much likelier words say that each class is than the likeliest background phrase: logits (B, C, h, w)."""
        said = self.words.probabilities(embedded(self.visual, tokens, grid)).clamp(min=1e-4).log()
        count = len(self.classes)
        return said[:, :count] - said[:, count:].amax(dim=1, keepdim=True)

    def _features(self, windows: torch.Tensor) -> torch.Tensor:
        """What :meth:`features` says of windows, (B, C + width, h, w)."""
        tokens, grid = before_the_last(self.visual, windows, self.precision)
        plain = tokens[:, 1:].transpose(1, 2).unflatten(2, grid)
        said = plain.new_zeros(len(plain), len(self.classes), *grid)
        return torch.cat([said if self.words is None else self._said(tokens, grid), plain], dim=1)

    def _learned(self, references: Collection[Reference]) -> Steps[tuple[Classifier, float]]:
        """What tells the classes' patches from the others, and the share of a picture below which nothing is one."""
        count, kinds, rows, areas, shown = len(self.classes), [], [], [], set()
        most = max(1, MOST // max(1, len(references) * len(self.settings.scales)))
        yield 0, len(references)
        for done, reference in enumerate(references, start=1):  # one picture at a time
            labels = reference.labels
            there = set(np.unique(labels).tolist()) - {0, IGNORED}
            shown |= there
            for value in there:
                areas += [part.area / labels.size for part in components(labels == value, 0.0)]
            for scale in self.settings.scales:
                features = self.features(reference.image, scale)
                of = kinds_of(*shares(labels, count, features.shape[1:])).ravel()
                chosen = some_of(of, most, np.random.default_rng(zlib.crc32(reference.name.encode())))
                kinds.append(of[chosen])
                rows.append(features.flatten(1).T.cpu().numpy()[chosen])
            yield done, len(references)
        kinds, rows = np.concatenate([np.zeros(0, int), *kinds]), np.concatenate(rows) if rows else None
        for i, name in enumerate(self.classes, start=1):
            if i not in kinds and i in shown:
                raise PromptingError(
                    f"What the reference pictures show of {name!r} is too small to learn from, far less than a patch of"
                    " CLIP's: add one that shows it larger, or cut these around it.",
                    "references",
                )
            if i not in kinds:
                raise PromptingError(f"No reference picture shows {name!r}: add one that does.", "references")
        if 0 not in kinds:
            raise PromptingError(
                "The masks cover the reference pictures whole, and nothing shows what isn't meant: add a picture with"
                " some background.",
                "references",
            )
        return Classifier.fit(rows[:, count:], kinds, rows[:, :count]), smallest_part(areas)


def build(plan: Plan, models, given: Given) -> Steps[ReferencePrior]:
    """What the references of a plan without ``auto`` teach; see :class:`prompting.priors.base.Build`."""
    settings = ReferenceSettings(phrases=dict(plan.phrases), background=plan.background)
    clip = models.load_clip(plan.clip_model, plan.device)
    prior = ReferencePrior(*clip, plan.classes, None, settings, plan.device, plan.encoder_precision)
    yield from prior.learn(given.references)
    return prior
