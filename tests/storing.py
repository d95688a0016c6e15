"""A strategy's fields and its result in a sample, written as a run writes them."""

import fiftyone as fo

from prompting.dataset import storage
from prompting.dataset.lock import editing
from prompting.dataset.saving import writing
from prompting.plan import Plan
from prompting.results import StrategyResult


def declare(dataset: fo.Dataset, plan: Plan) -> None:
    """Declare the fields that a plan writes."""
    with editing(dataset):
        storage.declare_fields(dataset, plan)


def write(sample: fo.Sample, result: StrategyResult, plan: Plan) -> None:
    """Write one into a sample of a dataset that has the plan's fields."""
    with writing(sample.dataset) as writer:
        writer.write(sample.id, storage.values(sample, result, plan))


CHANGES = {"last_modified_at", "last_loaded_at", "last_deletion_at", "created_at", "_id", "_dataset_id"}


def timeless(value):
    """Without ids and time stamps."""
    if isinstance(value, dict):
        return {key: timeless(part) for key, part in value.items() if key not in CHANGES}
    return [timeless(part) for part in value] if isinstance(value, list) else value
