"""People who are discs, as a truth and as strategies find them, on pictures that nobody reads: no model runs."""

from collections.abc import Mapping, Sequence

import cv2
import fiftyone as fo
import numpy as np

from prompting.dataset import records, storage
from prompting.dataset.saving import writing
from prompting.plan import Plan
from prompting.results import NO_PROMPT, OK, StrategyResult
from prompting.segmentation.prompt import Prompt
from tests.runs.by_hand import person
from tests.storing import declare

SHAPE = 30, 40

STRATEGIES = {"yolo_box": (0.1, 0.7), "clip_box": (0.05, 1.5), "clip_point": (0.02, 3.0)}
"""Name -> how often it misses somebody, and by how many pixels it is wrong on average."""


def discs(
    count: int, labelled: int, seed: int = 0, strategies: Mapping[str, tuple[float, float]] = STRATEGIES, most: int = 2
) -> fo.Dataset:
    """A dataset of so many pictures; a truth in ``gt`` of the first, and of all in ``everyone``."""
    rng = np.random.default_rng(seed)
    people = [
        [(rng.uniform(7, 33), rng.uniform(7, 23), rng.uniform(3, 6)) for _ in range(rng.integers(1, most + 1))]
        for _ in range(count)
    ]
    truths = [fo.Detections(detections=[person(_disc(*one)) for one in of]) for of in people]
    dataset = fo.Dataset()
    dataset.add_samples(
        [
            fo.Sample(f"{i:04}.png", everyone=truth, gt=truth.copy() if i < labelled else None)
            for i, truth in enumerate(truths)
        ]
    )
    add(dataset, {name: [_found(rng, of, *how) for of in people] for name, how in strategies.items()})
    return dataset


def _found(rng: np.random.Generator, people: Sequence[tuple], misses: float, error: float) -> list[tuple]:
    """What a strategy finds of the people of a picture: each one's mask, and SAM 2's guess, which tells something."""
    found = []
    for x, y, radius in people:
        if rng.random() >= misses:
            wrong = rng.exponential(error)
            guess = float(np.clip(0.95 - 0.08 * wrong + rng.normal(0, 0.05), 0, 1))
            found.append((_disc(min(x + wrong, 36), y, radius), guess))
    return found


def _disc(x: float, y: float, radius: float) -> np.ndarray:
    return cv2.circle(np.zeros(SHAPE, np.uint8), (int(x), int(y)), int(radius), 1, -1).astype(bool)


def add(dataset: fo.Dataset, found: Mapping[str, Sequence[Sequence[tuple] | None]]) -> None:
    """Results of strategies: of each sample masks and what SAM 2 guesses of them; None where it wasn't applied."""
    plan = Plan(strategies=tuple(found), classes=("person",))
    declare(dataset, plan)
    for name in found:
        records.register(dataset, plan, name)
    with writing(dataset) as writer:
        for i, sample in enumerate(dataset):
            values = []
            for name, of in found.items():
                if of[i] is not None:
                    values += storage.values(sample, _result(name, of[i]), plan)
            writer.write(sample.id, values)
    dataset.reload()


def _result(name: str, found: Sequence[tuple]) -> StrategyResult:
    masks, guesses = [mask for mask, _ in found], np.array([guess for _, guess in found], float)
    label_map = np.any([np.zeros(SHAPE, bool), *masks], axis=0).astype(np.uint8)
    prompts = tuple(Prompt("person", box=_box(mask)) for mask in masks)
    status = OK if found else NO_PROMPT
    return StrategyResult(name, label_map, prompts, guesses, status, 0.1, 1, masks, prior_confidence=tuple(guesses))


def _box(mask: np.ndarray) -> np.ndarray:
    y, x = np.nonzero(mask)
    return np.array([x.min(), y.min(), x.max() + 1, y.max() + 1], np.float32)


def iou(sample: fo.Sample, field: str = "labels") -> float:
    """Of a label with the truth that everybody has."""
    height, width = SHAPE
    mask, truth = sample[field].get_mask() > 0, np.zeros(SHAPE, bool)
    for one in sample["everyone"].detections:
        left, top = round(one.bounding_box[0] * width), round(one.bounding_box[1] * height)
        truth[top : top + one.mask.shape[0], left : left + one.mask.shape[1]] |= one.mask
    return float((mask & truth).sum() / max(1, (mask | truth).sum()))
