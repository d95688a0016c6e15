"""A strategy's result in a sample, written as a run writes it."""

import fiftyone as fo

from prompting.dataset import storage
from prompting.dataset.saving import writing
from prompting.plan import Plan
from prompting.results import StrategyResult


def write(sample: fo.Sample, result: StrategyResult, plan: Plan) -> None:
    """Write one into a sample of a dataset that has the plan's fields."""
    with writing(sample.dataset) as writer:
        writer.write(sample.id, storage.values(sample, result, plan))
