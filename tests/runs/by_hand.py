"""Masks made by hand, as a truth and as strategies' results: no model runs."""

import fiftyone as fo
import numpy as np

from prompting.dataset import records
from prompting.dataset.learned_from import to_record
from prompting.plan import Plan
from prompting.results import NO_PROMPT, OK, StrategyResult
from tests.storing import declare, write

EVALUATE = "@promptlab/sam2-prompting/evaluate_strategies"


def rows(*filled: int, value: int = 1) -> np.ndarray:
    """A 4 x 6 mask with these rows filled."""
    mask = np.zeros((4, 6), np.uint8)
    mask[list(filled)] = value
    return mask


# truth and prediction of three pictures whose IoU is 1, 1/3 and 0
TRUTHS = [rows(0, 1), rows(0), rows(0)]
PREDICTIONS = [rows(0, 1), rows(0, 1, 2), rows(3)]


def add(dataset, classes=("person",), prefix="sam2", given=None, **predictions):
    """Masks of strategies, one a sample; None is a failure and "missing" is nothing at all. ``given``: of the plan."""
    given = {"prompt_field": "ground_truth", **(given or {})}
    plan = Plan(strategies=tuple(predictions), classes=classes, prefix=prefix, **given)
    declare(dataset, plan)
    for strategy, masks in predictions.items():
        records.register(dataset, plan, strategy, learned_from=to_record(dataset, plan, strategy))
        cost = {"seconds_per_image": 0.5, "decoder_calls_per_image": 2.0}
        records.add_cost(dataset, plan.prefix, strategy, cost)
        for sample, mask in zip(dataset, masks, strict=True):
            if isinstance(mask, str):
                continue
            status = "error: unreadable" if mask is None else OK if mask.any() else NO_PROMPT
            write(sample, StrategyResult(strategy, mask, (), np.zeros(0), status, 0.5, 2), plan)


def person(mask: np.ndarray, label: str = "person", **attributes) -> fo.Detection:
    """A Detection whose instance mask is this picture-sized one."""
    y, x = np.nonzero(mask)
    top, bottom, left, right = y.min(), y.max() + 1, x.min(), x.max() + 1
    height, width = mask.shape
    box = [left / width, top / height, (right - left) / width, (bottom - top) / height]
    return fo.Detection(label=label, bounding_box=box, mask=mask[top:bottom, left:right].astype(bool), **attributes)


def state(dataset) -> tuple:
    return sorted(dataset.get_field_schema()), dataset.list_runs(), dataset.list_evaluations()
