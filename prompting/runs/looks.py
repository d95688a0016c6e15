"""What a review tells: how far it is, and what there is to know of one picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..pixels.masks import Window


@dataclass(frozen=True)
class Standing:
    """How far a review is.

    Attributes:
        name: of the labels
        total: pictures that have a label
        accepted, edited: those that somebody judged, and that don't wait for annotation
        sent: those that wait for annotation
    """

    name: str
    total: int
    accepted: int
    edited: int
    sent: int

    @property
    def decided(self) -> int:
        """All that need nobody's look now."""
        return self.accepted + self.edited + self.sent

    def __str__(self) -> str:
        kinds = {"accepted": self.accepted, "edited": self.edited, "sent to annotation": self.sent}
        told = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
        return f"{self.decided} of {self.total} pictures of {self.name!r} are decided{': ' + told if told else ''}."


@dataclass(frozen=True)
class Instance:
    """One of a label's instances.

    Attributes:
        id: of the Detection
        label: its class
        source: the strategy that it is of; None where that isn't kept
        predicted_iou: SAM 2's own guess; None where there is none
        share: of the picture that its box covers, 0 to 1
    """

    id: str
    label: str
    source: str | None
    predicted_iou: float | None
    share: float


@dataclass(frozen=True)
class Other:
    """What a strategy has for the same picture.

    Attributes:
        strategy: its name
        prefix: of its fields
        count: of its instances
        predicted_iou: the mean of SAM 2's own guesses; None without instances
        overlap: the IoU of its mask with the label's, 0 to 1
    """

    strategy: str
    prefix: str
    count: int
    predicted_iou: float | None
    overlap: float


@dataclass(frozen=True)
class Look:
    """What there is to know of one picture.

    Attributes:
        sample_id, filepath: which
        status: ``to review``, ``accepted`` or ``edited``
        source: the strategies that the label is of; None where that isn't kept
        expected_iou: what IoU the mask is expected to have; None where nothing is known
        sent: whether it waits for annotation
        instances: of the label
        others: what can be taken in its place
    """

    sample_id: str
    filepath: str
    status: str
    source: str | None
    expected_iou: float | None
    sent: bool
    instances: tuple[Instance, ...]
    others: tuple[Other, ...]


@dataclass(frozen=True, eq=False)
class Drawn:
    """Masks on their picture.

    Attributes:
        filepath: of the picture
        label_map: (H, W) uint8, all instances together
        instances: id -> mask of that size, one after the other
    """

    filepath: str
    label_map: np.ndarray
    instances: Mapping[str, Window]
