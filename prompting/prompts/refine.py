"""Refinement: click where the mask and the evidence disagree, feed the mask back, keep the better one.

The click is the one of RITM (Sofiiuk et al., 2021), SimpleClick and SAM 2's own
evaluation: the centre of the larger error. All earlier clicks are kept, and
the previous low-res logits are given as ``mask_input``. A strategy has no
ground truth, so "error" means disagreement with the prior's region, at the size
that the region has; what is kept is drawn at the picture's.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch

from ..pixels.masks import Window, intersection_over_union
from ..pixels.regions import stretched
from ..segmentation.prompt import NEGATIVE, POSITIVE, Prompt
from ..segmentation.segmenter import Decoded, EncodedImage, Segmenter
from .sampling import deepest_point, most_depth

TOLERANCE = 0.10
AT_ONCE = 64
"""The logits of so many prompts are held, 256 kB each, until their masks are drawn."""


@dataclass(frozen=True)
class Round:
    """The mask that an instance had after so many corrective clicks.

    Attributes:
        instance: the number of its prompt
        number: 0 is before the first click; rounds that were taken back don't appear
        mask: of the picture's size, a window, or a (H, W) bool array that becomes one
    """

    instance: int
    number: int
    mask: Window

    def __post_init__(self) -> None:
        object.__setattr__(self, "mask", Window.of(self.mask))


@dataclass(frozen=True)
class Task:
    """What one strategy asks of a picture.

    Attributes:
        prompts: the N first prompts, N >= 1
        targets: N masks, what the prior believes, of the picture's or a smaller size; read just where there are rounds
        rounds: how many clicks an instance may get
    """

    prompts: Sequence[Prompt]
    targets: Sequence[Window | None]
    rounds: int = 0


@dataclass(frozen=True)
class Refined:
    """What came out: the masks kept, the prompts that made them, what it cost, and each round's masks.

    Attributes:
        masks: N of the picture's size
        predicted_iou: (N,) float32
        prompts: of the N instances
        rounds: their masks on the way, of the picture's size, where they were asked for
        decoder_calls: how often any of its prompts were decoded: once a round, and a kind of prompt
        seconds: the time of those, shared out by prompts where other strategies' were in them, and of the clicks
    """

    masks: list[Window]
    predicted_iou: np.ndarray
    prompts: list[Prompt]
    decoder_calls: int
    rounds: tuple[Round, ...] = ()
    seconds: float = 0.0


def refine(
    segmenter: Segmenter,
    encoded: EncodedImage,
    prompts: Sequence[Prompt],
    targets: Sequence[Window | None],
    rounds: int,
) -> Refined:
    """:func:`refine_all` for one strategy, with its rounds."""
    return refine_all(segmenter, encoded, [Task(prompts, targets, rounds)])[0]


def refine_all(
    segmenter: Segmenter, encoded: EncodedImage, tasks: Sequence[Task], keep_rounds: bool = True
) -> list[Refined]:
    """Decode, then up to each task's ``rounds`` times click and decode again the instances that still disagree.

    An instance is done when less than 10 % (of its target's area) are missing
    and less than 10 % too much, when there is nothing to click on, or when a
    click made the agreement (IoU with its target) worse: then the mask before
    that click stays.

    All tasks' prompts of a round are decoded together, the same prompt once;
    what comes out of a task doesn't depend on the others. Of a crowd, so many
    are followed to their end as memory is allowed, then the next ones.

    Args:
        segmenter, encoded: the model and the picture
        tasks: one a strategy
        keep_rounds: also draw the masks on the way

    Returns:
        one a task
    """
    said: dict[tuple[bytes, ...], list[_Instance]] = {}
    for number, task in enumerate(tasks):
        for row, (prompt, target) in enumerate(zip(task.prompts, task.targets, strict=True)):
            target = Window.of(target) if task.rounds else None
            instance = _Instance(number, row, prompt, target, task.rounds)
            said.setdefault(prompt.said, []).append(instance)
    alike, costs = list(said.values()), [_Cost() for _ in tasks]
    step = max(AT_ONCE, segmenter.at_once)
    for start in range(0, len(alike), step):
        _follow(segmenter, encoded, alike[start : start + step], costs, keep_rounds)
    done: list[list[_Instance]] = [[None] * len(task.prompts) for task in tasks]
    for instance in (instance for some in alike for instance in some):
        done[instance.task][instance.row] = instance
    return [_refined(instances, cost) for instances, cost in zip(done, costs, strict=True)]


def next_click(mask: Window | np.ndarray, target: Window | np.ndarray) -> tuple[tuple[float, float], int] | None:
    """The next click as ((x, y), label), or None where mask and target agree within 10 %.

    Both errors are measured against the target's area; the click goes to the
    deepest pixel of the error that reaches deeper.
    """
    mask, target = Window.of(mask), Window.of(target)
    those = [window for window in (mask, target) if window.any()]
    if not those:
        return None
    top, left = min(window.top for window in those), min(window.left for window in those)
    place = top, left, max(window.bottom for window in those), max(window.right for window in those)
    found, wanted = mask.part(*place), target.part(*place)
    missing, excess = wanted & ~found, found & ~wanted
    area = max(1, target.area)
    if np.count_nonzero(missing) < TOLERANCE * area and np.count_nonzero(excess) < TOLERANCE * area:
        return None
    missing, excess = (Window.cut(error, top, left, target.shape) for error in (missing, excess))
    return _deeper((missing, POSITIVE), (excess, NEGATIVE))


def _deeper(one: tuple[Window, int], other: tuple[Window, int]) -> tuple[tuple[float, float], int]:
    """The deepest pixel of two masks and its mask's label, of the first where they are as deep."""
    larger, smaller = (one, other) if one[0].area >= other[0].area else (other, one)
    found = {larger[1]: deepest_point(larger[0])}
    if found[larger[1]][1] <= most_depth(smaller[0]):  # else there is no need to look
        found[smaller[1]] = deepest_point(smaller[0])
    label = max((label for _, label in (one, other) if label in found), key=lambda label: found[label][1])
    return found[label][0], label


@dataclass
class _Cost:
    """What a task took: seconds, and which decoder calls its prompts were in, a round and a kind each."""

    seconds: float = 0.0
    calls: set[tuple[int, tuple[bool, int]]] = field(default_factory=set)


@dataclass
class _Instance:
    """One instance on its way: whose it is, its best prompt and answer so far, and what is drawn of it."""

    task: int
    row: int
    prompt: Prompt
    target: Window | None
    rounds: int
    kept: _Answer | None = None
    agreement: float = 0.0
    history: list[tuple[int, _Answer]] = field(default_factory=list)
    mask: Window | None = None
    iou: float = 0.0
    drawn_rounds: tuple[Round, ...] = ()

    def take(self, number: int, answer: _Answer, prompt: Prompt) -> bool:
        """Keep an answer that agrees better than the one before, or the first; whether it did."""
        if self.target is None:
            self.kept = answer
            return False
        now = intersection_over_union(answer.drawn[self.target.shape], self.target)
        if number and now <= self.agreement:
            return False
        self.agreement, self.prompt, self.kept = now, prompt, answer
        self.history.append((number, answer))
        return True

    def click(self, known: dict[tuple[int, int], tuple | None]) -> Prompt | None:
        """The prompt with a click on what is still wrong; None where nothing is.

        Args:
            known: the clicks that were found in this round already, by the answer and the target
        """
        key = id(self.kept), id(self.target)
        if key not in known:
            known[key] = next_click(self.kept.drawn[self.target.shape], self.target)
        found = known[key]
        if found is None:
            return None
        xy, label = found
        return self.prompt.with_click(tuple(stretched([xy], self.target.shape, self.kept.decoded.shape)[0]), label)

    def finish(self, keep_rounds: bool) -> None:
        """Keep what was drawn at the picture's size, and let go of the answers."""
        size = self.kept.decoded.shape
        self.mask, self.iou = self.kept.drawn[size], self.kept.decoded.predicted_iou[self.kept.row]
        if keep_rounds:
            self.drawn_rounds = tuple(Round(self.row, number, answer.drawn[size]) for number, answer in self.history)
        self.kept, self.history = None, []


@dataclass(eq=False)
class _Answer:
    """One row of what was decoded, and its masks by the sizes that they are wanted at."""

    decoded: Decoded
    row: int
    drawn: dict[tuple[int, int], Window] = field(default_factory=dict)


def _draw(answers: Iterable[_Answer], shape: tuple[int, int]) -> None:
    """Draw answers at a size, those of one call together, and each once."""
    together: dict[int, dict[int, _Answer]] = {}
    for answer in answers:
        if shape not in answer.drawn:
            together.setdefault(id(answer.decoded), {})[answer.row] = answer
    for some in together.values():
        decoded = next(iter(some.values())).decoded
        for answer, mask in zip(some.values(), decoded.at(some).drawn(*shape), strict=True):
            answer.drawn[shape] = mask


def _follow(segmenter, encoded, alike: Sequence[list[_Instance]], costs: list[_Cost], keep_rounds: bool) -> None:
    """Decode distinct prompts, each with the instances that begin with it, and correct those to their end."""
    instances = [instance for some in alike for instance in some]
    answers = _decoded(segmenter, encoded, [some[0].prompt for some in alike], None, 0, alike, costs)
    active = []
    for answer, some in zip(answers, alike, strict=True):
        for instance in some:
            with _timed(costs[instance.task]):
                if instance.take(0, answer, instance.prompt):
                    active.append(instance)
    for number in range(1, max(instance.rounds for instance in instances) + 1):
        # strategies that differ by a number of rounds say the same until the first of them has had enough
        tried: dict[tuple, list[tuple[_Instance, Prompt]]] = {}
        clicks: dict[tuple[int, int], tuple | None] = {}
        for instance in active:
            if number <= instance.rounds:
                with _timed(costs[instance.task]):
                    prompt = instance.click(clicks)
                if prompt is not None:
                    tried.setdefault((id(instance.kept), prompt.said), []).append((instance, prompt))
        if not tried:
            break
        firsts, whose = [some[0] for some in tried.values()], [[i for i, _ in some] for some in tried.values()]
        logits = torch.cat([instance.kept.decoded.at([instance.kept.row]).low_res_logits for instance, _ in firsts])
        answers = _decoded(segmenter, encoded, [prompt for _, prompt in firsts], logits, number, whose, costs)
        active = []
        for answer, some in zip(answers, tried.values(), strict=True):
            for instance, prompt in some:
                with _timed(costs[instance.task]):
                    if instance.take(number, answer, prompt):
                        active.append(instance)
    start = time.perf_counter()
    _draw([instance.kept for instance in instances], encoded.shape)
    if keep_rounds:
        _draw([answer for instance in instances for _, answer in instance.history], encoded.shape)
    seconds = (time.perf_counter() - start) / len(instances)
    for instance in instances:
        costs[instance.task].seconds += seconds
        instance.finish(keep_rounds)


def _decoded(
    segmenter: Segmenter,
    encoded: EncodedImage,
    prompts: Sequence[Prompt],
    mask_input: torch.Tensor | None,
    number: int,
    whose: Sequence[Sequence[_Instance]],
    costs: list[_Cost],
) -> list[_Answer]:
    """The answers to prompts, drawn where they are to be compared; their time is shared out among the instances."""
    start = time.perf_counter()
    decoded = segmenter.decode(encoded, prompts, mask_input, None if mask_input is None else False)
    answers = [_Answer(decoded, row) for row in range(len(decoded))]
    compared = [(answer, i.target.shape) for answer, some in zip(answers, whose) for i in some if i.target is not None]
    for shape in {shape for _, shape in compared}:
        _draw([answer for answer, wanted in compared if wanted == shape], shape)
    seconds = (time.perf_counter() - start) / sum(map(len, whose))
    for kind, instances in zip(decoded.kinds, whose, strict=True):
        for instance in instances:
            costs[instance.task].seconds += seconds
            costs[instance.task].calls.add((number, kind))
    return answers


@contextmanager
def _timed(cost: _Cost) -> Iterator[None]:
    start = time.perf_counter()
    yield
    cost.seconds += time.perf_counter() - start


def _refined(instances: Sequence[_Instance], cost: _Cost) -> Refined:
    rounds = tuple(sorted((r for i in instances for r in i.drawn_rounds), key=lambda r: (r.number, r.instance)))
    ious = np.array([instance.iou for instance in instances], np.float32)
    prompts = [instance.prompt for instance in instances]
    return Refined([instance.mask for instance in instances], ious, prompts, len(cost.calls), rounds, cost.seconds)
