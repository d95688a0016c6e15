"""How wrong a prompt may be: SAM 2 is told where people are, a little beside the truth.

The undisturbed prompts are those of the strategies, made from the truth's
masks. Boxes are jittered as SAM 2's own training does it (each edge by a
uniform draw within 10 % of the side; ``sample_box_points`` of its code).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..pixels.masks import Window, intersection_over_union, union
from ..pixels.regions import Region
from ..prompts.prompters import prompt_of
from ..prompts.strategy import BOX, BOX_POINTS, FIELD, POINT, POINTS, Strategy
from ..segmentation.prompt import Prompt
from .statistics import mean_interval
from .tables import Table

if TYPE_CHECKING:
    from ..segmentation.segmenter import EncodedImage, Segmenter

PROMPTS = {
    "box": Strategy(FIELD, BOX),
    "point": Strategy(FIELD, POINT),
    "points": Strategy(FIELD, POINTS),
    "box_points": Strategy(FIELD, BOX_POINTS),
}
JITTER, SCALE, SHIFT = CHANGES = ("jitter", "scale", "shift")
SEVERITIES = {
    JITTER: (0.05, 0.10, 0.20),
    SCALE: (-0.2, -0.1, -0.05, 0.05, 0.1, 0.2),
    SHIFT: (0.05, 0.10, 0.20),
}
AT_ONCE = 32
PIXELS_AT_ONCE = 64_000_000
"""Masks of at most so many prompts and pixels are held at once (64 MB)."""


@dataclass(frozen=True)
class Trial:
    """One person, prompted once.

    Attributes:
        prompt: which type, one of PROMPTS
        change: what was disturbed, one of CHANGES; None for the undisturbed prompt
        severity: by how much, as a share; 0 for the undisturbed prompt
        iou: of the answer with the person's own mask
        area: of that mask, in pixels
    """

    prompt: str
    change: str | None
    severity: float
    iou: float
    area: int


@dataclass(frozen=True)
class Curve:
    """How the IoU falls as one type of prompt is disturbed in one way.

    Attributes:
        prompt: one of PROMPTS
        change: one of CHANGES
        severity: shares in ascending order, 0 among them
        mean_iou: over people, one for each severity
        low, high: the means' 95 % bootstrap intervals; the mean itself where there is a single person
        count: of people
    """

    prompt: str
    change: str
    severity: tuple[float, ...]
    mean_iou: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    count: int

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Curve:
        """Undo :meth:`to_dict`."""
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()})


def probe(
    segmenter: Segmenter, encoded: EncodedImage, people: Sequence[Region], rng: np.random.Generator
) -> list[Trial]:
    """Prompt every person of one picture in all ways, undisturbed and disturbed: 31 prompts a person.

    - ``jitter``: each edge of the box is moved by a uniform draw of ± severity times the side.
    - ``scale``: the box's sides grow (or shrink) by severity, about its centre.
    - ``shift``: every point moves in a direction of its own by severity times the square root of the mask's area.

    A person's directions are drawn once for each type of prompt and kept for all
    severities, so that along a curve just the distance changes.

    Args:
        segmenter: SAM 2
        encoded: the picture
        people: their (H, W) masks are the truth; those without a mask, or with an empty one, are left out
        rng: draws clicks and directions

    Returns:
        31 trials a person
    """
    people = [person for person in people if person.mask is not None and person.mask.any()]
    if not people:
        return []
    everybody = union([person.mask for person in people])
    trials = []
    for name, strategy in PROMPTS.items():
        attempts = [
            (person, *disturbed)
            for person in people
            for disturbed in _disturbed(prompt_of(strategy, person, everybody, rng), person.mask, rng)
        ]
        answers = _answers(segmenter, encoded, [prompt for *_, prompt in attempts])
        for (person, change, severity, _), mask in zip(attempts, answers, strict=True):
            iou = float(intersection_over_union(mask, person.mask))
            trials.append(Trial(name, change, severity, iou, person.mask.area))
    return trials


def curves(trials: Sequence[Trial], seed: int = 0) -> tuple[Curve, ...]:
    """Mean IoU over people, of all pictures, against severity.

    The intervals resample people as if they were independent, which those of one picture aren't quite.

    Args:
        trials: of any number of pictures
        seed: of the bootstrap

    Returns:
        a curve for each type of prompt and change that was tried, in the order of PROMPTS and CHANGES
    """
    scores: dict[tuple[str, str | None], dict[float, list[float]]] = {}
    for trial in trials:
        by_severity = scores.setdefault((trial.prompt, trial.change), {})
        by_severity.setdefault(trial.severity, []).append(trial.iou)
    return tuple(
        _curve(prompt, change, {**scores[prompt, None], **scores[prompt, change]}, seed)
        for prompt in PROMPTS
        for change in CHANGES
        if (prompt, change) in scores
    )


def as_table(measured: Sequence[Curve]) -> Table:
    """A line for each curve: mean IoU at each severity, and in brackets the difference to the undisturbed prompt."""
    severities = sorted({severity for curve in measured for severity in curve.severity})
    return Table(
        f"How wrong a prompt may be ({measured[0].count if measured else 0} people)",
        "Mean IoU with each person's own mask. jitter: each edge of the box moved by up to so much of its side. scale:"
        " the box's sides longer or shorter by so much. shift: points moved by so much of the square root of the area.",
        ("prompt", "change", *(f"{severity:+.0%}" if severity else "undisturbed" for severity in severities)),
        tuple((curve.prompt, curve.change, *_cells(curve, severities)) for curve in measured),
    )


def _cells(curve: Curve, severities: Sequence[float]) -> Iterator[str]:
    means = dict(zip(curve.severity, curve.mean_iou, strict=True))
    for severity in severities:
        if severity not in means:
            yield ""
        elif severity:
            yield f"{means[severity]:.3f} ({means[severity] - means[0.0]:+.3f})"
        else:
            yield f"{means[severity]:.3f}"


def _curve(prompt: str, change: str, scores: dict[float, list[float]], seed: int) -> Curve:
    severity = tuple(sorted(scores))
    means = tuple(float(np.mean(scores[s])) for s in severity)
    intervals = [mean_interval(scores[s], seed=seed) or (mean, mean) for s, mean in zip(severity, means, strict=True)]
    low, high = zip(*intervals, strict=True)
    return Curve(prompt, change, severity, means, low, high, len(scores[0.0]))


def _disturbed(prompt: Prompt, mask: Window, rng: np.random.Generator) -> Iterator[tuple[str | None, float, Prompt]]:
    """(change, severity, prompt): the prompt itself, and in every way that applies to it."""
    yield None, 0.0, prompt
    ways: dict[str, Callable[[float], Prompt]] = {}
    if prompt.box is not None:
        draws = rng.uniform(-1, 1, 4)
        ways[JITTER] = lambda severity: replace(prompt, box=jittered(prompt.box, severity * draws, *mask.shape))
        ways[SCALE] = lambda severity: replace(prompt, box=scaled(prompt.box, severity, *mask.shape))
    if len(prompt.point_labels):
        angles, size = rng.uniform(0, 2 * np.pi, len(prompt.point_labels)), np.sqrt(mask.area)
        ways[SHIFT] = lambda severity: replace(
            prompt, point_coords=shifted(prompt.point_coords, severity * size, angles, *mask.shape)
        )
    for change, disturb in ways.items():
        for severity in SEVERITIES[change]:
            yield change, severity, disturb(severity)


def jittered(box: np.ndarray, draws: np.ndarray, height: int, width: int) -> np.ndarray:
    """A box (4,) xyxy whose edges are moved by ``draws`` (4,), shares of its sides; within the picture."""
    sides = np.tile([box[2] - box[0], box[3] - box[1]], 2)
    return _within(box + draws * sides, height, width)


def scaled(box: np.ndarray, share: float, height: int, width: int) -> np.ndarray:
    """A box (4,) xyxy whose sides are longer by ``share`` about its centre; within the picture."""
    return jittered(box, np.array([-share, -share, share, share]) / 2, height, width)


def shifted(coords: np.ndarray, distance: float, angles: np.ndarray, height: int, width: int) -> np.ndarray:
    """Points (P, 2) moved by ``distance`` pixels, each in its direction (P,); kept on the picture's pixels."""
    moved = coords + distance * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.clip(moved, 0, (width - 1, height - 1)).astype(np.float32)


def _within(box: np.ndarray, height: int, width: int) -> np.ndarray:
    """The part of a box in the picture, at least a pixel wide and high."""
    limits = np.array([width, height])
    low, high = np.clip(box[:2], 0, limits - 1), np.clip(box[2:], 1, limits)
    return np.concatenate([low, np.maximum(high, low + 1)]).astype(np.float32)


def _answers(segmenter: Segmenter, encoded: EncodedImage, prompts: Sequence[Prompt]) -> Iterator[np.ndarray]:
    """(H, W) bool, one a prompt, decoded so many at a time as memory is allowed."""
    step = max(1, min(AT_ONCE, PIXELS_AT_ONCE // (encoded.height * encoded.width)))
    for start in range(0, len(prompts), step):
        yield from segmenter.decode(encoded, prompts[start : start + step]).masks
