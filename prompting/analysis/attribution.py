"""Whose fault a loss is: 1 − IoU of one picture and one strategy, split into parts that add up.

The parts are the steps of a ladder from the strategy's mask to a perfect one.
Every rung is the picture's IoU with one more thing put right:

    s0  the strategy's mask
    s1  where SAM 2 offered three masks for a prompt: the one that serves the picture best, not the one it preferred
    s2  … and without the masks of prompts that hit nothing
    s3  the masks that SAM 2 makes of the truth's boxes, of the instances that a prompt hit
    s4  the masks that SAM 2 makes of the truth's boxes, of all instances
    1   the truth

    choice = s1 − s0    stray = s2 − s1    prompt = s3 − s2    miss = s4 − s3    segmenter = 1 − s4

so that choice + stray + prompt + miss + segmenter = 1 − s0, exactly. A part is
negative where the strategy did better than what should have been right (a
prompt better than the truth's box, say).

A prompt hits an instance of its class if a positive point lies on it, if the
box holds at least half of it, if it fills at least half of the box, or if the
mask that came of the prompt covers at least half of it: an instance is missed
where nothing was said about it.

The idea of replacing one stage at a time by an oracle is that of TIDE (Bolya
et al., 2020); there the gains overlap, and a ladder's do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..pixels.masks import Window, intersection, paint
from ..pixels.regions import Region
from ..segmentation.prompt import POSITIVE, Prompt
from .metrics import Target
from .painting import Layer, Painting

PARTS = ("miss", "stray", "prompt", "choice", "segmenter")
"""In the order in which they are shown: from where nothing was looked for to what nothing could help."""

NONE = "none"
"""What costs nothing at all, rounding aside."""

HALF = 0.5


def largest_part(parts: Mapping[str, float]) -> str:
    """The part of a picture's loss that costs most; ``none`` where none costs anything."""
    name = max(PARTS, key=lambda part: parts[part])
    return name if parts[name] > np.finfo(np.float32).eps else NONE


@dataclass(frozen=True)
class Attempt:
    """What a strategy made of one prompt.

    Attributes:
        prompt: what SAM 2 was told
        value: its class's value in label maps
        mask: (H, W) bool, the mask that was kept
        predicted_iou: SAM 2's guess
        offered: the masks that it had to choose from, with their predicted IoU; empty where there was no choice
    """

    prompt: Prompt
    value: int
    mask: np.ndarray
    predicted_iou: float
    offered: tuple[tuple[np.ndarray, float], ...] = field(default=())


@dataclass(frozen=True)
class Ceiling:
    """An instance of the truth and what SAM 2 makes of its box: (H, W) bool masks, the class's value, a guess."""

    region: Region
    value: int
    mask: np.ndarray
    predicted_iou: float


def attribute(
    mask: np.ndarray,
    truth: np.ndarray,
    attempts: Sequence[Attempt],
    ceilings: Sequence[Ceiling],
    values: Sequence[int],
) -> dict[str, float]:
    """The parts of one picture's loss; see the module's docstring.

    Args:
        mask: (H, W) uint8, the strategy's label map
        truth: (H, W) uint8, the truth's, 255 where nothing counts
        attempts: one a prompt
        ceilings: one an instance of the truth
        values: the classes' values

    Returns:
        part -> its share of 1 − IoU
    """
    hits = [hit(attempt, [c.region for c in ceilings]) for attempt in attempts]
    found = {i for rows in hits for i in rows}

    target = Target(truth, values)

    def score(parts: Sequence[Attempt | Ceiling]) -> float:
        painted = paint([p.mask for p in parts], [p.predicted_iou for p in parts], [p.value for p in parts], mask.shape)
        return target.iou(painted)

    s0 = target.iou(mask)
    best, s1 = _best_offered(attempts, hits, truth, values, s0)
    s2 = s1 if all(hits) else score([attempt for attempt, rows in zip(best, hits) if rows])
    s3 = score([ceilings[i] for i in sorted(found)])
    s4 = s3 if len(found) == len(ceilings) else score(ceilings)
    return {"miss": s4 - s3, "stray": s2 - s1, "prompt": s3 - s2, "choice": s1 - s0, "segmenter": 1 - s4}


def attribute_masks(
    mask: np.ndarray,
    truth: np.ndarray,
    attempts: Sequence[Attempt],
    regions: Sequence[tuple[Region, int]],
    values: Sequence[int],
) -> dict[str, float]:
    """The parts of a picture's loss where masks were there and nobody prompted: there is no prompt and no choice.

    The ladder has two rungs: the masks without those that cover half of nobody, and then with the true masks of
    everybody whom none covers half of. What is still missing is the masks' own, and stands under ``segmenter``.

    Args:
        mask, truth, values: as of :func:`attribute`
        attempts: one an instance, with prompts that say its class alone
        regions: of the truth's instances, each with its class's value
    """
    hits = [hit(attempt, [region for region, _ in regions]) for attempt in attempts]
    found = {i for rows in hits for i in rows}
    target = Target(truth, values)
    kept = [(a.mask, a.predicted_iou, a.value) for a, rows in zip(attempts, hits) if rows]
    surest = 1 + max((sure for _, sure, _ in kept), default=0.0)
    missed = [(region.mask, surest, value) for i, (region, value) in enumerate(regions) if i not in found]

    def score(layers: Sequence[tuple]) -> float:
        masks, sure, of = zip(*layers) if layers else ((), (), ())
        return target.iou(paint(masks, sure, of, mask.shape))

    s0 = target.iou(mask)
    s1 = s0 if all(hits) else score(kept)
    s2 = score([*kept, *missed]) if missed else s1
    return {"miss": s2 - s1, "stray": s1 - s0, "prompt": 0.0, "choice": 0.0, "segmenter": 1 - s2}


def hit(attempt: Attempt, regions: Sequence[Region]) -> list[int]:
    """The numbers of the regions that an attempt hits; see the module's docstring."""
    prompt = attempt.prompt
    return [
        i
        for i, region in enumerate(regions)
        if region.label == prompt.label and (_hits(prompt, region.mask) or _covers(attempt.mask, region.mask))
    ]


def _covers(mask: Window | np.ndarray, instance: Window) -> bool:
    return intersection(Window.of(mask), instance) >= max(1, HALF * instance.area)


def _hits(prompt: Prompt, mask: Window) -> bool:
    height, width = mask.shape
    for x, y in np.asarray(prompt.point_coords)[np.asarray(prompt.point_labels) == POSITIVE]:
        row, column = min(int(y), height - 1), min(int(x), width - 1)
        if mask.part(row, column, row + 1, column + 1).any():
            return True
    if prompt.box is None:
        return False
    x1, y1, x2, y2 = (round(float(value)) for value in prompt.box)
    inside = np.count_nonzero(mask.part(y1, x1, y2, x2))
    area = max(1, (x2 - x1) * (y2 - y1))
    return inside > 0 and (inside >= HALF * mask.area or inside >= HALF * area)


def _best_offered(
    attempts: Sequence[Attempt],
    hits: Sequence[Sequence[int]],
    truth: np.ndarray,
    values: Sequence[int],
    reached: float,
) -> tuple[list[Attempt], float]:
    """The attempts with the masks that should have been kept, chosen one prompt after the other, and their score."""
    best = list(attempts)
    if not any(attempt.offered and rows for attempt, rows in zip(attempts, hits)):
        return best, reached
    painting = Painting([_layer(attempt) for attempt in attempts], truth, values)
    for i, attempt in enumerate(attempts):
        for mask, predicted_iou in attempt.offered if hits[i] else ():
            tried = replace(attempt, mask=mask, predicted_iou=predicted_iou)
            now = painting.exchange(i, _layer(tried))
            if now > reached:
                best[i], reached = tried, now
        painting.exchange(i, _layer(best[i]))
    return best, reached


def _layer(attempt: Attempt) -> Layer:
    return Layer(Window.of(attempt.mask), attempt.predicted_iou, attempt.value)
