"""Looking at all masks of a field before one of them is believed: only together do they show how they are encoded.

255 is the foreground where it is the only value besides 0, and void where there
are others; noise shows in the histogram. So each mask is decoded once to be
looked at, and again when it is used: a pass over the truth is a small part of
an evaluation, which reads it for each strategy and score anyway, and in return
nothing is written before everything is understood.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import PromptError, PromptingError
from .encoding import FULL_OF, Encoding, as_colours
from .instances import instance_bits, pixel_box
from .problems import NO_BOX, NO_PIXELS, SWAPPED, WHOLE, MaskProblem, Problem
from .stored import Pixels, read_pixels
from .targets import Targets


@dataclass
class Tally:
    """How many, and the file name of the first sample."""

    count: int = 0
    first: str = ""

    def add(self, name: str, count: int = 1) -> None:
        self.first = self.first or name
        self.count += count


def swapped(mask: tuple[int, int], picture: tuple[int, int]) -> bool:
    """Whether a mask's (height, width) are those of the picture turned by a quarter, as far as that can be told."""
    (h, w), (height, width) = mask, picture
    if (h, w) == (height, width) or not h * w * height * width:
        return False
    if (h, w) == (width, height):
        return True
    own, turned = abs(h * width / (w * height) - 1), abs(h * height / (w * width) - 1)
    return turned < 0.01 < 0.05 < own


@dataclass
class Survey:
    """What the masks of a field have in common; an instance of one field, filled mask by mask.

    Attributes:
        masks: how many were looked at
        problems: how many can't be read, by why
        without: labels without a mask
        unreadable: masks whose file is gone or no picture; ``gone`` is the first file
        resized: masks of another size than their pictures
        blank: instance masks without a set pixel
        soft: how many have values between whole numbers
        lossy: how many come from files whose compression changes values
        pixels: how many pixels have a value
        alone: in how many masks a value is the only one besides 0
        beside: values of the dataset's other masks
    """

    masks: int = 0
    problems: dict[Problem, Tally] = field(default_factory=lambda: defaultdict(Tally))
    without: Tally = field(default_factory=Tally)
    unreadable: Tally = field(default_factory=Tally)
    gone: str = ""
    resized: int = 0
    blank: Tally = field(default_factory=Tally)
    soft: Tally = field(default_factory=Tally)
    lossy: Tally = field(default_factory=Tally)
    range: tuple[float, float] = (0.0, 0.0)
    pixels: Counter = field(default_factory=Counter)
    together: Counter = field(default_factory=Counter)
    alone: Counter = field(default_factory=Counter)
    beside: set[int] = field(default_factory=set)

    def is_doubtful(self, targets: Targets) -> bool:
        """Whether 255, say, is all that there is besides 0: the foreground, or void around nothing."""
        others = {value for value in self.pixels if value and value not in targets.names}
        return bool(others) and others <= set(FULL_OF.values()) and not targets.colours

    def look_beside(self, other: Survey) -> None:
        """Take into account what masks are like that aren't read now."""
        self.beside = {value for value in other.pixels if value}
        self.together.update(other.together)
        self.alone.update(other.alone)

    def read(self, label, name: str) -> Pixels | None:
        """A label's stored mask, counted; None where there is none that can be read."""
        self.masks += 1
        try:
            pixels = read_pixels(label)
        except MaskProblem as problem:
            self.problems[problem.problem].add(name)
            return None
        except PromptError:
            self.gone = self.gone or str(label.mask_path or f"in the database, of {name}")
            self.unreadable.add(name)
            return None
        if pixels is None:
            self.without.add(name)
        elif not pixels.array.size:
            self.problems[NO_PIXELS].add(name)
            return None
        return pixels

    def add_segmentation(self, label, name: str, picture: tuple[int, int] | None, targets: Targets) -> None:
        """Look at a Segmentation.

        Args:
            label: the Segmentation
            name: of the picture's file
            picture: its (height, width), None where that isn't known
            targets: of the field
        """
        pixels = self.read(label, name)
        if pixels is None:
            return
        shape = pixels.array.shape[:2]
        if picture and swapped(shape, picture):
            self.problems[SWAPPED].add(name)
        self.resized += bool(picture) and shape != picture
        if pixels.lossy:
            self.lossy.add(name)
        try:
            if targets.colours:
                self._count(as_colours(pixels))
            elif pixels.array.dtype.kind == "f":
                self.soft.add(name)
                low, high = self.range
                self.range = min(low, float(pixels.array.min())), max(high, float(pixels.array.max()))
            else:
                self._count(Encoding(named=tuple(targets.names)).meaning(pixels))
        except MaskProblem as problem:
            self.problems[problem.problem].add(name)

    def add_detection(self, detection, name: str, picture: tuple[int, int] | None) -> None:
        """Look at an instance mask."""
        pixels = self.read(detection, name)
        if pixels is None:
            return
        try:
            bits = instance_bits(pixels)
        except MaskProblem as problem:
            self.problems[problem.problem].add(name)
            return
        if pixel_box(detection, 1, 1) is None:
            self.problems[NO_BOX].add(name)
        if not bits.any():
            self.blank.add(name)
        kind = pixels.array.dtype.kind
        if kind == "f" or (kind != "b" and np.any((pixels.array != 0) & ~bits)):
            self.soft.add(name)
        if picture and pixels.array.shape[:2] == picture and min(picture) > 1:
            box = pixel_box(detection, *picture)
            sides = None if box is None else (box[3] - box[1], box[2] - box[0])
            if sides and any(side < 0.9 * whole for side, whole in zip(sides, picture)):
                self.problems[WHOLE].add(name)

    def _count(self, values: np.ndarray) -> None:
        if values.dtype == np.uint8:
            counts = np.bincount(values.ravel(), minlength=256)
            there = {int(v): int(counts[v]) for v in np.flatnonzero(counts)}
        else:
            there = dict(zip(*(part.tolist() for part in np.unique(values, return_counts=True))))
        self.pixels.update(there)
        others = [value for value in there if value]
        (self.alone if len(others) == 1 else self.together).update(others)

    def refuse(self, field_name: str, but: Sequence[Problem] = ()) -> None:
        """Say what most of the masks have that can't be read.

        Raises:
            PromptingError: how many, why, the first of them, and what to do
        """
        told = sorted(((problem, t) for problem, t in self.problems.items() if problem not in but), key=_most)
        for problem, tally in told:
            raise PromptingError(
                f"{tally.count} of {self.masks} masks of {field_name!r} {problem.what} (the first: {tally.first});"
                f" {problem.advice}."
            )


def _most(item: tuple[Problem, Tally]) -> int:
    return -item[1].count
