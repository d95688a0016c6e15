"""What made a strategy's results: a run registered in the dataset, with every parameter and what it cost."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timezone

import fiftyone as fo

from .plan import Plan
from .strategies import CLIP, FIELD, STRATEGIES, YOLO

METHOD = "sam2_prompting"
"""What FiftyOne's list of runs calls them."""
PARAMETERS_OF = {
    CLIP: {"clip_model", "phrases", "background"},
    YOLO: {"yolo_model", "yolo_confidence"},
    FIELD: {"prompt_field", "field_rounds"},
}
"""Parameters that concern one prior alone: to the others' strategies they make no difference."""


def run_key(prefix: str, strategy: str) -> str:
    """The key of the registered run that describes a strategy's fields."""
    return f"{prefix}_{strategy}"


def register(dataset: fo.Dataset, plan: Plan, strategy: str, asked: Plan | None = None) -> None:
    """Record the parameters of a strategy's results, and that they were applied now, before there are any.

    Args:
        dataset: of the results
        plan: without ``auto``
        strategy: one of the plan's
        asked: the plan as a person asked for it, which the next form begins with
    """
    key, now = run_key(plan.prefix, strategy), datetime.now(timezone.utc).isoformat()
    record = _plain({**plan.record(), "asked": asdict(asked or plan)})
    config = dataset.init_run(method=METHOD, strategy=strategy, applied=now, **record)
    if key in dataset.list_runs():  # in place: register_run() would delete the record first, and a kill come in between
        dataset.update_run_config(key, config)
    else:
        dataset.register_run(key, config)


def add_cost(dataset: fo.Dataset, prefix: str, strategy: str, cost: dict) -> None:
    """Record what the registered run cost an image, once that is known."""
    key = run_key(prefix, strategy)
    config = dataset.get_run_info(key).config
    for name, value in cost.items():
        setattr(config, name, value)
    dataset.update_run_config(key, config)


def applied_at(dataset: fo.Dataset, prefix: str, strategy: str) -> datetime | None:
    """When a strategy was last applied to any sample, None where that isn't recorded."""
    applied = (recorded(dataset, prefix, strategy) or {}).get("applied")  # earlier versions recorded none
    return datetime.fromisoformat(applied) if applied else None


def recorded(dataset: fo.Dataset, prefix: str, strategy: str) -> dict | None:
    """What :func:`register` and :func:`add_cost` recorded, or None."""
    key = run_key(prefix, strategy)
    return dataset.get_run_info(key).config.serialize() if key in dataset.list_runs() else None


def first_difference(dataset: fo.Dataset, plan: Plan, strategy: str) -> tuple[str, object, object] | None:
    """The first recorded parameter that differs from the plan's, as (name, old, new)."""
    old = recorded(dataset, plan.prefix, strategy)
    if old is None:
        return None
    new = _plain(plan.record())
    others = [names for prior, names in PARAMETERS_OF.items() if prior != STRATEGIES[strategy].prior]
    ignored = {"versions", "device"}.union(*others)
    for name, value in new.items():
        if name not in ignored and old.get(name) != value:
            return name, old.get(name), value
    return None


def _plain(record: dict) -> dict:
    """JSON only: tuples to lists, for what comes back from the database is compared with it."""
    return json.loads(json.dumps(record))
