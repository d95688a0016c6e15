"""What a run makes of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .pixels.label_map import LabelMap
from .pixels.masks import Window
from .segmentation.prompt import Prompt

if TYPE_CHECKING:
    from .prompts.refine import Round

OK, NO_PROMPT = "ok", "no_prompt"
OUTDATED = "outdated: of an earlier run with other settings"
"""The status of a result that a run is to replace, until it does: stopped or killed, it leaves no results of two kinds
that nobody could tell apart."""


@dataclass(frozen=True)
class StrategyResult:
    """What one strategy made of one picture.

    Attributes:
        strategy: its name
        label_map: what is painted, or a (H, W) uint8 array; None after an error
        prompts: what SAM 2 was told, one an instance
        predicted_iou: (N,) float, SAM 2's guess for each instance
        status: ``ok``, ``no_prompt``, or ``error: …``
        seconds: what it would have cost alone: encoding, its prior, its prompts and decoding; of decoder calls that
            it shared with other strategies, the share of its prompts
        decoder_calls: how often any of its prompts were decoded: once a round, and a shape of prompt
        masks: N of the picture's size, each instance by itself, windows, or (H, W) bool arrays that become them; None
            where nothing was decoded
        rounds: each instance's masks on the way, where it was refined
        prior_confidence: how sure the prior was of each instance, 0 to 1, None where that isn't known; empty where
            nothing was decoded
    """

    strategy: str
    label_map: LabelMap | np.ndarray | None
    prompts: tuple[Prompt, ...]
    predicted_iou: np.ndarray
    status: str
    seconds: float
    decoder_calls: int
    masks: Sequence[Window] | None = None
    rounds: tuple[Round, ...] = ()
    prior_confidence: tuple[float | None, ...] = ()

    def __post_init__(self) -> None:
        if self.masks is not None:
            object.__setattr__(self, "masks", tuple(map(Window.of, self.masks)))

    @classmethod
    def failure(cls, strategy: str, why: str) -> StrategyResult:
        """No result, and why."""
        return cls(strategy, None, (), np.zeros(0), f"error: {why}", 0.0, 0)

    @classmethod
    def without_memory(cls, strategy: str, shape: tuple[int, int]) -> StrategyResult:
        """No result, for there is no memory for a picture of this (H, W)."""
        height, width = shape
        return cls.failure(
            strategy,
            f"not enough memory for this picture of {width} x {height} pixels; free some, make the picture smaller, or"
            " choose a smaller model",
        )

    @property
    def mask(self) -> np.ndarray | None:
        """(H, W) uint8 of the picture's own size; 0 is background, i + 1 the i-th class; painted each time."""
        return self.label_map.full() if isinstance(self.label_map, LabelMap) else self.label_map

    @property
    def shape(self) -> tuple[int, int]:
        """The picture's (H, W), where there is a mask."""
        return self.label_map.shape

    @property
    def score(self) -> float | None:
        """The mean predicted IoU over instances, None without any."""
        return float(self.predicted_iou.mean()) if len(self.predicted_iou) else None


@dataclass(frozen=True)
class PictureResult:
    """All strategies' results for one picture.

    Attributes:
        key: the sample's id
        results: one a strategy
        heatmap: (h, w) float in [0, 1], what CLIP sees of the classes, where it was asked for
    """

    key: str
    results: tuple[StrategyResult, ...]
    heatmap: np.ndarray | None = None
