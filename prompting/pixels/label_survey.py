"""Looking at all masks of a field before one of them is believed: only together do they show how they are encoded.

255 is the foreground where it is the only value besides 0, and void where there
are others; noise shows in the histogram. So each mask is decoded once to be
looked at, and again when it is used: a pass over the truth is a small part of
an evaluation, which reads it for each strategy and score anyway, and in return
nothing is written before everything is understood.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import PromptError, PromptingError
from ..spelling import same_name, spelled
from .label_masks import (
    FULL_OF,
    NO_BOX,
    NO_PIXELS,
    SOFT,
    Encoding,
    MaskProblem,
    Pixels,
    Problem,
    as_colours,
    instance_bits,
    pixel_box,
    read_pixels,
    unit_or_byte,
)

VOID_NAMES = ("void", "ignore", "ignored", "unlabeled", "unlabelled", "dontcare", "donotcare")
"""Mask targets of these names, in any case and with any spaces or signs between letters, count for nothing. The value 0
is the background whatever it is called, as in FiftyOne."""
SHOWN = 8

SWAPPED = Problem(
    "have their sides swapped against the picture",
    "the picture's EXIF block turns it and they were drawn on it unturned; turn the masks, or leave their samples out",
)
NOISY = Problem(
    "come from JPEG files, whose compression changed their values", "save masks as PNG, from the original drawing"
)
WHOLE = Problem(
    "are as large as the picture though their boxes are smaller",
    "FiftyOne crops an instance's mask to its box; fo.Detection.from_mask(mask, label=…) makes both of a whole mask",
)


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
        if pixels.array.dtype.kind == "f" or np.any((pixels.array != 0) & ~bits):
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


class Targets:
    """A field's mask targets, read for some classes.

    Attributes:
        names: value -> name; colours are whole numbers
        colours: they name colours
        void: values that are called void, or the like
    """

    def __init__(self, given: Mapping | None, classes: Sequence[str]):
        given = dict(given or {})
        self.colours = any(_is_colour(key) for key in given)
        self.names = {int(str(key)[1:], 16) if _is_colour(key) else int(key): str(n) for key, n in given.items()}
        self.void = tuple(
            value for value, n in self.names.items() if value and is_void(n) and spelled(n, classes) is None
        )

    def values_of(self, field_name: str, classes: Sequence[str]) -> dict[str, tuple[int, ...]]:
        """All values of each class: several may have one name.

        Raises:
            PromptingError: a class that no value has
        """
        found = {name: tuple(v for v, n in self.names.items() if spelled(n, classes) == name) for name in classes}
        missing = [name for name, values in found.items() if not values]
        if missing:
            known = ", ".join(dict.fromkeys(self.names.values()))
            raise PromptingError(f"The mask targets of {field_name!r} have no {missing[0]!r}; they have: {known}.")
        return found


def _is_colour(key) -> bool:
    return isinstance(key, str) and key.startswith("#")


def is_void(name: str) -> bool:
    """Whether a class is called void, ignore, unlabeled or the like."""
    return "".join(letter for letter in same_name(name) if letter.isalpha()) in VOID_NAMES


def understand(
    survey: Survey,
    field_name: str,
    classes: Sequence[str],
    targets: Targets,
    ignore_values: Sequence[int] | None = None,
    all_seen: bool = True,
) -> Encoding:
    """How the masks that were looked at are encoded.

    Args:
        survey: of all masks of a Segmentation field
        field_name: for what is said
        classes: that are wanted
        targets: of the field; without any, class i is i + 1, and a single class is every value but 0
        ignore_values: the values that count for nothing, instead of those that are called so, 255 that no target names
            (unless it is the only value besides 0), and values below 0
        all_seen: the survey is of all masks; of a few, nothing is refused that others might explain

    Returns:
        the encoding

    Raises:
        PromptingError: masks that can't be read, or that mean nothing with these mask targets
    """
    found = targets.values_of(field_name, classes) if targets.names else {}
    survey.refuse(field_name, but=(NO_PIXELS,))
    wanted = {same_name(name) for name in classes}
    others = {same_name(n) for v, n in targets.names.items() if v and v not in targets.void} - wanted
    single = len(classes) == 1 and not others and not targets.colours
    if survey.soft.count:
        return _soft(survey, field_name, single and not targets.void)
    if single and not targets.void and ignore_values is None and _is_noisy(survey):
        return Encoding(threshold=127.5)
    ignored = tuple(targets.void)
    present = {value for value in survey.pixels if value}
    named = set(targets.names) - {0}
    if ignore_values is not None:
        ignored = tuple(ignore_values)
        own = next((name for name, values in found.items() if set(values) <= set(ignored)), None)
        if own:
            raise PromptingError(
                f"ignore_values has {listed(found[own], targets.colours)}, which is {own!r} in {field_name!r}, so that"
                " nothing of it would count; name other values.",
                "ignore_values",
            )
    elif not targets.colours:
        ignored += tuple(sorted(value for value in present if value < 0 and value not in named))
        full = [v for v in FULL_OF.values() if v in present - named]
        rest = (present | survey.beside) - set(ignored) - set(full)
        if full and rest:
            if any(value > 255 for value in rest):
                full = [v for v in full if v > 255]  # 255 is a class among thousands
            if all_seen:
                _refuse_mixture(survey, field_name, full, rest)
            ignored += tuple(full)
        elif full and single and found:
            found = {name: (*values, *full) for name, values in found.items()}
            named |= set(full)
    known = named | (set() if found or single else set(range(1, len(classes) + 1)))
    if not found and not single:
        found = {name: (i + 1,) for i, name in enumerate(classes)}
    unnamed = present - set(ignored) - known if found else set()
    if (
        survey.lossy.count
        and present
        and (all_seen or not single)
        and (unnamed or not single or len(present - set(ignored)) > 1)
    ):
        survey.problems[NOISY] = survey.lossy
        survey.refuse(field_name)
    if unnamed and not present & known and all_seen:
        raise PromptingError(
            f"The masks of {field_name!r} have the values {listed(unnamed, targets.colours)} besides 0, and"
            + (" its mask targets name none of them" if targets.names else f" {len(classes)} classes need 1, 2, …")
            + f"; set dataset.mask_targets[{field_name!r}], or name what is void with ignore_values."
        )
    return Encoding(found, ignored, tuple(targets.names), targets.colours)


def _soft(survey: Survey, field_name: str, single: bool) -> Encoding:
    exact = {value for value in survey.pixels if value}
    try:
        full = unit_or_byte(*survey.range)
    except MaskProblem:
        full = 0
    if not single or not full or not exact <= set(range(256)) or (full == 1 and not exact <= {1, 255}):
        survey.problems[SOFT] = survey.soft
        survey.refuse(field_name)
    return Encoding(threshold=full / 2)


def _is_noisy(survey: Survey) -> bool:
    """Whether the values are two clusters, around 0 and around 255, with noise: compressed, or smoothed at outlines."""
    between = {value for value in survey.pixels if value not in (0, 255)}
    if len(between) < 3 or min(between) < 0 or max(between) > 255 or min(between) > 127 or max(between) < 128:
        return False
    mass = np.zeros(256)
    for value, count in survey.pixels.items():
        mass[value] = count
    middle, near = mass[51:205].sum(), mass[1:51].sum() + mass[205:].sum()
    high = sum(value >= 205 for value in between)
    clear = high >= 3 or mass[255] >= 0.8 * mass[1:].sum()
    return bool(mass[205:].sum() and middle <= 0.2 * (middle + near) and clear)


def _refuse_mixture(survey: Survey, field_name: str, full: Sequence[int], rest: set[int]) -> None:
    """255 as void stands beside values in a mask; in masks of its own it may be the foreground in other masks."""
    for value in full:
        if not survey.together[value] and survey.alone[value] and sum(survey.alone[v] for v in rest):
            raise PromptingError(
                f"{survey.alone[value]} of {survey.masks} masks of {field_name!r} hold {value} and 0 alone, and others"
                f" {listed(rest)}: whether {value} is void or the class can't be told; set"
                f" dataset.mask_targets[{field_name!r}], or pass ignore_values."
            )


def ignored_values(given: str | int | Sequence | None) -> tuple[int, ...] | None:
    """What a person wrote for ``ignore_values``: numbers, colours as ``#rrggbb``, a list or text with commas of them.

    Returns:
        the values; none at all for ``"none"`` and an empty list; None for what nobody wrote, which is automatic

    Raises:
        PromptingError: what is no value
    """
    if given is None or (isinstance(given, str) and not given.strip()):
        return None
    try:
        parts = given.split(",") if isinstance(given, str) else list(given) if np.iterable(given) else [given]
        parts = [part.strip() if isinstance(part, str) else part for part in parts]
        if parts == ["none"]:
            return ()
        return tuple(_value(part) for part in parts if not (isinstance(part, str) and part == ""))
    except (TypeError, ValueError, OverflowError) as error:
        raise PromptingError(
            f"ignore_values are mask values such as 255, colours such as #ff0000, or 'none', not {given!r}.",
            "ignore_values",
        ) from error


def _value(part) -> int:
    if _is_colour(part):
        return int(part[1:], 16)
    if isinstance(part, (bool, np.bool_)) or int(part) != (int(part) if isinstance(part, str) else part):
        raise ValueError("no whole number")
    return int(part)


def listed(values: Sequence[int] | set[int], colours: bool = False) -> str:
    """Values for reading, the lowest first, colours as #rrggbb."""
    ordered = sorted(values)
    shown = [f"#{value:06x}" if colours else str(value) for value in ordered[:SHOWN]]
    return ", ".join(shown) + (f" … ({len(ordered)} in all)" if len(ordered) > SHOWN else "")
