"""What a run makes of a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .prompts import Prompt

OK, NO_PROMPT = "ok", "no_prompt"


@dataclass(frozen=True)
class StrategyResult:
    """What one strategy made of one picture.

    Attributes:
        strategy: its name
        mask: (H, W) uint8; 0 is background, i + 1 the i-th class
        prompts: what SAM 2 was told, one an instance
        predicted_iou: (N,) float, SAM 2's guess for each instance
        status: ``ok``, ``no_prompt``, or ``error: …``
        seconds: what it would have cost alone: encoding, its prior, its prompts and decoding
        decoder_calls: how often the mask decoder ran
    """

    strategy: str
    mask: np.ndarray | None
    prompts: tuple[Prompt, ...]
    predicted_iou: np.ndarray
    status: str
    seconds: float
    decoder_calls: int

    @property
    def score(self) -> float | None:
        """The mean predicted IoU over instances, None without any."""
        return float(self.predicted_iou.mean()) if len(self.predicted_iou) else None


@dataclass(frozen=True)
class PictureResult:
    """All strategies' results for one picture."""

    key: str
    results: tuple[StrategyResult, ...]
