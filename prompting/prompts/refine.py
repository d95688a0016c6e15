"""Refinement: click where the mask and the evidence disagree, feed the mask back, keep the better one.

The click is the one of RITM (Sofiiuk et al., 2021), SimpleClick and SAM 2's own
evaluation: the centre of the larger error. All earlier clicks are kept, and
the previous low-res logits are given as ``mask_input``. A strategy has no
ground truth, so "error" means disagreement with the prior's region.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..pixels.masks import intersection_over_union
from ..segmentation.prompt import NEGATIVE, POSITIVE, Prompt
from ..segmentation.segmenter import Decoded, EncodedImage, Segmenter
from .sampling import deepest_point

TOLERANCE = 0.10


@dataclass(frozen=True)
class Round:
    """The mask that an instance had after so many corrective clicks.

    Attributes:
        instance: the number of its prompt
        number: 0 is before the first click; rounds that were taken back don't appear
        mask: (H, W) bool
    """

    instance: int
    number: int
    mask: np.ndarray


@dataclass(frozen=True)
class Task:
    """What one strategy asks of a picture.

    Attributes:
        prompts: the N first prompts, N >= 1
        targets: N (H, W) bool maps, what the prior believes; read just where there are rounds
        rounds: how many clicks an instance may get
    """

    prompts: Sequence[Prompt]
    targets: Sequence[np.ndarray | None]
    rounds: int = 0


@dataclass(frozen=True)
class Refined:
    """What came out: the masks kept, the prompts that made them, what it cost, and each round's masks.

    Attributes:
        decoded, prompts, rounds: of the N instances
        decoder_calls: how often any of its prompts were decoded: once a round, and a shape of prompt
        seconds: the time of those, shared out by prompts where other strategies' were in them, and of the clicks
    """

    decoded: Decoded
    prompts: list[Prompt]
    decoder_calls: int
    rounds: tuple[Round, ...] = ()
    seconds: float = 0.0


def refine(
    segmenter: Segmenter,
    encoded: EncodedImage,
    prompts: Sequence[Prompt],
    targets: Sequence[np.ndarray],
    rounds: int,
) -> Refined:
    """:func:`refine_all` for one strategy."""
    return refine_all(segmenter, encoded, [Task(prompts, targets, rounds)])[0]


def refine_all(segmenter: Segmenter, encoded: EncodedImage, tasks: Sequence[Task]) -> list[Refined]:
    """Decode, then up to each task's ``rounds`` times click and decode again the instances that still disagree.

    An instance is done when less than 10 % (of its target's area) are missing
    and less than 10 % too much, when there is nothing to click on, or when a
    click made the agreement (IoU with its target) worse: then the mask before
    that click stays.

    All tasks' prompts of a round are decoded together, the same prompt once;
    what comes out of a task doesn't depend on the others.

    Args:
        segmenter, encoded: the model and the picture
        tasks: one a strategy

    Returns:
        one a task
    """
    if not tasks:
        return []
    instances = [_Instances(task, decoded, seconds) for task, decoded, seconds in _first(segmenter, encoded, tasks)]
    for number in range(1, max(task.rounds for task in tasks) + 1):
        tried = [some for some in instances if number <= some.task.rounds and some.click()]
        if not tried:
            break
        start = time.perf_counter()
        prompts = [prompt for some in tried for prompt in some.tried]
        logits = torch.cat([some.logits[list(some.clicked)] for some in tried])
        decoded = segmenter.decode(encoded, prompts, mask_input=logits, multimask_output=False)
        seconds = (time.perf_counter() - start) / len(prompts)
        for some, rows in zip(tried, _consecutive(len(some.tried) for some in tried), strict=True):
            some.take(number, decoded.at(rows), seconds * len(rows))
    return [some.refined() for some in instances]


def _first(segmenter, encoded, tasks: Sequence[Task]) -> list[tuple[Task, Decoded, float]]:
    """Each task's first masks and its share of their time."""
    start = time.perf_counter()
    distinct: dict[tuple[bytes, ...], Prompt] = {}
    for task in tasks:
        distinct.update((prompt.said, prompt) for prompt in task.prompts if prompt.said not in distinct)
    decoded = segmenter.decode(encoded, list(distinct.values()))
    place = {said: i for i, said in enumerate(distinct)}
    seconds = (time.perf_counter() - start) / sum(len(task.prompts) for task in tasks)
    return [
        (task, decoded.at([place[prompt.said] for prompt in task.prompts]), seconds * len(task.prompts))
        for task in tasks
    ]


def _consecutive(counts: Iterable[int]) -> Iterator[range]:
    end = 0
    for count in counts:
        yield range(end, end + count)
        end += count


class _Instances:
    """One task's instances on their way: the best of each so far, and who still takes clicks."""

    def __init__(self, task: Task, first: Decoded, seconds: float):
        self.task, self.first, self.seconds = task, first, seconds
        self.calls = len(np.unique(first.shapes))
        self.prompts = list(task.prompts)
        if not task.rounds:
            return
        start = time.perf_counter()
        self.masks, self.ious, self.logits = list(first.masks), first.predicted_iou.copy(), first.low_res_logits.clone()
        self.agreement = [
            intersection_over_union(m, target) for m, target in zip(first.masks, task.targets, strict=True)
        ]
        self.active = list(range(len(first)))
        self.history = [Round(i, 0, mask) for i, mask in enumerate(first.masks)]
        self.seconds += time.perf_counter() - start

    def click(self) -> bool:
        """Find the next click of those that still disagree; whether there is any."""
        start = time.perf_counter()
        clicks = ((i, next_click(self.masks[i], self.task.targets[i])) for i in self.active)
        self.clicked = {i: self.prompts[i].with_click(*click) for i, click in clicks if click is not None}
        self.active = []
        self.seconds += time.perf_counter() - start
        return bool(self.clicked)

    @property
    def tried(self) -> list[Prompt]:
        return list(self.clicked.values())

    def take(self, number: int, decoded: Decoded, seconds: float) -> None:
        """Keep what a click made better; the others are done."""
        start = time.perf_counter()
        self.calls += len(np.unique(decoded.shapes))
        for row, (i, prompt) in enumerate(self.clicked.items()):
            now = intersection_over_union(decoded.masks[row], self.task.targets[i])
            if now > self.agreement[i]:
                self.agreement[i], self.prompts[i] = now, prompt
                self.masks[i], self.ious[i] = decoded.masks[row], decoded.predicted_iou[row]
                self.logits[i] = decoded.low_res_logits[row]
                self.active.append(i)
                self.history.append(Round(i, number, decoded.masks[row]))
        self.seconds += seconds + time.perf_counter() - start

    def refined(self) -> Refined:
        if not self.task.rounds:
            return Refined(self.first, self.prompts, self.calls, seconds=self.seconds)
        decoded = Decoded(np.stack(self.masks), self.ious, self.logits, self.first.shapes)
        return Refined(decoded, self.prompts, self.calls, tuple(self.history), self.seconds)


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
