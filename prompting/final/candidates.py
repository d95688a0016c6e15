"""What a final label is chosen from: the instances that strategies found on a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..pixels.masks import Window, union


@dataclass(frozen=True)
class Candidate:
    """One strategy's instance.

    Attributes:
        source: the strategy
        place: which of its instances, from 0
        label: its class
        mask: in the picture
        predicted_iou: SAM 2's own guess; None where it isn't known, as of masks that were there already
        prior_confidence: how sure the prior was; None where it didn't say
        fit: the IoU of the mask's box with the box that SAM 2 was given; None where it was given none
    """

    source: str
    place: int
    label: str
    mask: Window
    predicted_iou: float | None = None
    prior_confidence: float | None = None
    fit: float | None = None

    @property
    def sureness(self) -> float:
        """The predicted IoU times the prior's confidence, as far as they are known."""
        sure = 1.0
        for known in (self.predicted_iou, self.prior_confidence):
            sure *= 1.0 if known is None else known
        return sure


@dataclass(frozen=True)
class Found:
    """What a strategy made of a picture.

    Attributes:
        strategy: its name
        done: whether it has a result; it may have failed
        count: how many instances it found
        read: gives them: masks are decoded where a rule looks at them, and nowhere else
        measure: gives the picture's (H, W)
    """

    strategy: str
    done: bool
    count: int
    read: Callable[[], Sequence[Candidate]]
    measure: Callable[[], tuple[int, int]]

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """The instances."""
        return tuple(self.read())

    @cached_property
    def shown(self) -> Window:
        """All that they show together."""
        return together(self.candidates, self.measure())


def together(candidates: Sequence[Candidate], shape: tuple[int, int]) -> Window:
    """All that some instances of a picture of this (H, W) show."""
    return union([one.mask for one in candidates]) if candidates else Window.empty(shape)


@dataclass(frozen=True)
class Choice:
    """What becomes the label.

    Attributes:
        sources: the strategies that it is of
        candidates: the instances; None: all of the one source, its mask as it is
    """

    sources: tuple[str, ...]
    candidates: tuple[Candidate, ...] | None = None

    @classmethod
    def whole(cls, found: Found) -> Choice:
        """All of one strategy."""
        return cls((found.strategy,))
