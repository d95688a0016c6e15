"""Masks that nobody prompted lose by whom they miss, by strays, and by themselves; the parts add up."""

import numpy as np
import pytest

from prompting.analysis.attribution import PARTS, Attempt, attribute_masks
from prompting.analysis.metrics import Target
from prompting.pixels.masks import Window, paint
from prompting.pixels.regions import Region
from prompting.segmentation.prompt import Prompt

SHAPE = (100, 300)


def box(x1: int, x2: int, y2: int = 100) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[:y2, x1:x2] = True
    return mask


def parts_of(found: list[np.ndarray], there: list[np.ndarray]) -> tuple[dict[str, float], float]:
    truth = paint([Window.of(mask) for mask in there], [1] * len(there), [1] * len(there), SHAPE)
    mask = paint([Window.of(mask) for mask in found], [0.9] * len(found), [1] * len(found), SHAPE)
    attempts = [Attempt(Prompt("person"), 1, one, 0.9) for one in found]
    regions = [(Region("person", mask=one), 1) for one in there]
    return attribute_masks(mask, truth, attempts, regions, [1]), Target(truth, [1]).iou(mask)


def test_each_fault_is_told_for_itself():
    """One person found but for a fifth, one missed, and one found who isn't there: worked by hand."""
    parts, iou = parts_of([box(0, 100, 80), box(250, 300)], [box(0, 100), box(100, 150)])
    assert iou == pytest.approx(8000 / 20000)
    assert parts["stray"] == pytest.approx(8000 / 15000 - 8000 / 20000)
    assert parts["miss"] == pytest.approx(13000 / 15000 - 8000 / 15000)
    assert parts["segmenter"] == pytest.approx(1 - 13000 / 15000)
    assert parts["prompt"] == parts["choice"] == 0
    assert sum(parts[part] for part in PARTS) == pytest.approx(1 - iou)


@pytest.mark.parametrize(
    ("found", "there", "whose"),
    [([], [box(0, 50)], "miss"), ([box(0, 50)], [], "stray"), ([box(0, 50, 60)], [box(0, 50)], "segmenter")],
)
def test_a_single_fault_is_the_whole_loss(found, there, whose):
    parts, iou = parts_of(found, there)
    assert parts[whose] == pytest.approx(1 - iou)
    assert sum(abs(value) for value in parts.values()) == pytest.approx(1 - iou)


def test_nothing_there_and_nothing_found_costs_nothing():
    parts, iou = parts_of([], [])
    assert iou == 1 and not any(parts.values())
