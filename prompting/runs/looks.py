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
        unseen: those that were accepted for what is expected of them, and that nobody looked at
    """

    name: str
    total: int
    accepted: int
    edited: int
    sent: int
    unseen: int = 0

    @property
    def decided(self) -> int:
        """All that a person decided on."""
        return self.accepted + self.edited + self.sent

    @property
    def left(self) -> int:
        """All that need a person's look."""
        return self.total - self.decided - self.unseen

    def kinds(self) -> str:
        """How many of each kind, in words."""
        kinds = {"accepted": self.accepted, "edited": self.edited, "sent to annotation": self.sent}
        return ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count)

    def besides(self) -> str:
        """What nobody need look at, in words."""
        return f"{self.unseen} of the others accepted for their expected IoU" if self.unseen else ""

    def __str__(self) -> str:
        told, besides = self.kinds(), self.besides()
        said = f"{self.decided} of {self.total} pictures of {self.name!r} are decided{': ' + told if told else ''}"
        return f"{said}{'; ' + besides if besides else ''}."


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
        measured: the IoU of its mask with the truth, 0 to 1; None where it wasn't evaluated there
    """

    strategy: str
    prefix: str
    count: int
    predicted_iou: float | None
    overlap: float
    measured: float | None = None


@dataclass(frozen=True)
class Look:
    """What there is to know of one picture.

    Attributes:
        sample_id, filepath: which
        status: ``to review``, ``accepted`` or ``edited``
        unseen: whether it was accepted for what is expected of it, and nobody looked at it
        source: the strategies that the label is of; None where that isn't kept
        expected_iou: what IoU the mask is expected to have; None where nothing is known
        sent: whether it waits for annotation
        instances: of the label
        others: what can be taken in its place
        seen: by what the label is known to be the same when a decision is taken on it
    """

    sample_id: str
    filepath: str
    status: str
    unseen: bool
    source: str | None
    expected_iou: float | None
    sent: bool
    instances: tuple[Instance, ...]
    others: tuple[Other, ...]
    seen: str

    @property
    def measured(self) -> float | None:
        """The label's IoU with the truth, 0 to 1; None where no strategy with the very same mask was evaluated."""
        same = (other.measured for other in self.others if other.overlap == 1)
        return next((measured for measured in same if measured is not None), None)


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
