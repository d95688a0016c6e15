"""Refinement: click where the mask and the evidence disagree, feed the mask back, keep the better one.

The click is the one of RITM (Sofiiuk et al., 2021), SimpleClick and SAM 2's own
evaluation: the centre of the larger error. All earlier clicks are kept, and
the previous low-res logits are given as ``mask_input``. A strategy has no
ground truth, so "error" means disagreement with the prior's region.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .masks import intersection_over_union
from .prompts import NEGATIVE, POSITIVE, Prompt
from .results import Round
from .sampling import deepest_point
from .segmenter import Decoded, EncodedImage, Segmenter

TOLERANCE = 0.10


@dataclass(frozen=True)
class Refined:
    """What came out: the masks kept, the prompts that made them, what it cost, and each round's masks."""

    decoded: Decoded
    prompts: list[Prompt]
    decoder_calls: int
    rounds: tuple[Round, ...] = ()


def refine(
    segmenter: Segmenter,
    encoded: EncodedImage,
    prompts: Sequence[Prompt],
    targets: Sequence[np.ndarray],
    rounds: int,
) -> Refined:
    """Decode, then at most ``rounds`` times click and decode again the instances that still disagree.

    An instance is done when less than 10 % (of its target's area) are missing
    and less than 10 % too much, when there is nothing to click on, or when a
    click made the agreement (IoU with its target) worse: then the mask before
    that click stays.

    Args:
        segmenter, encoded: the model and the picture
        prompts: the N first prompts
        targets: N (H, W) bool maps, what the prior believes
        rounds: how many clicks an instance may get
    """
    best = segmenter.decode(encoded, prompts)
    if rounds == 0:
        return Refined(best, list(prompts), decoder_calls=1)
    masks, ious, logits = best.masks.copy(), best.predicted_iou.copy(), best.low_res_logits.clone()
    prompts, calls = list(prompts), 1
    agreement = [intersection_over_union(mask, target) for mask, target in zip(masks, targets, strict=True)]
    active = list(range(len(prompts)))
    history = [Round(i, 0, mask) for i, mask in enumerate(best.masks)]
    for number in range(1, rounds + 1):
        clicked = {i: click for i in active if (click := next_click(masks[i], targets[i])) is not None}
        if not clicked:
            break
        rows = list(clicked)
        tried = [prompts[i].with_click(*clicked[i]) for i in rows]
        decoded = segmenter.decode(encoded, tried, mask_input=logits[rows], multimask_output=False)
        calls += 1
        active = []
        for row, i in enumerate(rows):
            now = intersection_over_union(decoded.masks[row], targets[i])
            if now > agreement[i]:
                agreement[i], prompts[i] = now, tried[row]
                masks[i], ious[i] = decoded.masks[row], decoded.predicted_iou[row]
                logits[i] = decoded.low_res_logits[row]
                active.append(i)
                history.append(Round(i, number, decoded.masks[row]))
    return Refined(Decoded(masks, ious, logits), prompts, calls, tuple(history))


def next_click(mask: np.ndarray, target: np.ndarray) -> tuple[tuple[float, float], int] | None:
    """The next click as ((x, y), label), or None where mask and target agree within 10 %.

    Both errors are measured against the target's area; the click goes to the
    deepest pixel of the error that reaches deeper.
    """
    missing, excess = target & ~mask, mask & ~target
    area = max(1, np.count_nonzero(target))
    if np.count_nonzero(missing) < TOLERANCE * area and np.count_nonzero(excess) < TOLERANCE * area:
        return None
    (miss_xy, miss_depth), (excess_xy, excess_depth) = deepest_point(missing), deepest_point(excess)
    return (miss_xy, POSITIVE) if miss_depth >= excess_depth else (excess_xy, NEGATIVE)
