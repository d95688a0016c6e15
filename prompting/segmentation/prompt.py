"""How a region is said to SAM 2."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..errors import PromptError

POSITIVE, NEGATIVE = 1, 0


def no_points() -> np.ndarray:
    """An empty point set, (0, 2)."""
    return np.zeros((0, 2), np.float32)


@dataclass(frozen=True)
class Prompt:
    """The prompt of one instance.

    Attributes:
        label: the class's name
        point_coords: (P, 2) float xy in pixels; P may be 0 where there is a box
        point_labels: (P,) int, 1 positive and 0 negative
        box: (4,) float xyxy in pixels, or None
        corrections: how many of the points, the last ones, are clicks of a refinement, one a round
    """

    label: str
    point_coords: np.ndarray = field(default_factory=no_points)
    point_labels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    box: np.ndarray | None = None
    corrections: int = 0

    @property
    def point_rounds(self) -> np.ndarray:
        """(P,) int: 0 for the points of the first prompt, r for the click of round r."""
        return np.maximum(np.arange(len(self.point_labels)) - len(self.point_labels) + self.corrections + 1, 0)

    @property
    def is_lone_click(self) -> bool:
        """One positive point and nothing else: the one prompt for which SAM 2 was trained to offer three masks."""
        return self.box is None and len(self.point_labels) == 1

    @property
    def length(self) -> int:
        """How many points it is to SAM 2, for which a box is two."""
        return len(self.point_labels) + (0 if self.box is None else 2)

    @property
    def said(self) -> tuple[bytes, ...]:
        """All that SAM 2 is told, to be compared: two strategies may say the same."""
        box = np.zeros(0) if self.box is None else self.box
        return tuple(np.asarray(values, np.float32).tobytes() for values in (self.point_coords, self.point_labels, box))

    def with_click(self, xy: tuple[float, float], label: int) -> Prompt:
        """This prompt and one more click."""
        coords = np.vstack([self.point_coords, [xy]]).astype(np.float32)
        return Prompt(self.label, coords, np.append(self.point_labels, label), self.box, self.corrections + 1)

    def check(self, height: int, width: int) -> None:
        """Refuse what SAM 2 takes in silence: no prompt, wrong shapes, a reversed box, points elsewhere.

        Raises:
            PromptError: with what is wrong
        """
        coords, labels = np.asarray(self.point_coords), np.asarray(self.point_labels)
        if coords.ndim != 2 or coords.shape[1] != 2 or labels.shape != (len(coords),):
            raise PromptError(
                f"point_coords must be (P, 2) and point_labels (P,), not {coords.shape} and {labels.shape}."
            )
        if not np.isin(labels, (NEGATIVE, POSITIVE)).all():
            raise PromptError(f"point_labels must be 1 (positive) or 0 (negative), not {sorted(set(labels.tolist()))}.")
        if self.box is None and POSITIVE not in labels:
            raise PromptError("A prompt needs a box or at least one positive point.")
        if len(coords) and not (np.isfinite(coords).all() and _inside(coords, height, width)):
            raise PromptError(f"A point lies outside the picture of {width} x {height} pixels: {coords.tolist()}.")
        if self.box is not None:
            _check_box(np.asarray(self.box, np.float64), height, width)


def _check_box(box: np.ndarray, height: int, width: int) -> None:
    if box.shape != (4,) or not np.isfinite(box).all():
        raise PromptError(f"A box is four finite numbers x1 y1 x2 y2, not {box.tolist()}.")
    x1, y1, x2, y2 = box
    if x2 <= x1 or y2 <= y1:
        raise PromptError(f"The box {box.tolist()} is empty or reversed: it must have x1 < x2 and y1 < y2.")
    if not _inside(box.reshape(2, 2), height, width):
        raise PromptError(f"The box {box.tolist()} reaches out of the picture of {width} x {height} pixels.")


def _inside(coords: np.ndarray, height: int, width: int) -> bool:
    return bool((coords >= 0).all() and (coords <= (width, height)).all())
