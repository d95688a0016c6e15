"""What made a strategy's results: a run registered in the dataset, with every parameter and what it cost."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from types import MappingProxyType

import fiftyone as fo

from ..plan import Plan
from ..prompts.strategies import STRATEGIES, find, strategy_of
from ..prompts.strategy import CLIP, FIELD, REFERENCE, YOLO
from .names import RECORD, run_key
from .registering import put_run

PARAMETERS_OF = {
    CLIP: {"clip_model", "phrases", "background"},
    YOLO: {"yolo_model", "yolo_confidence", "yolo_imgsz"},
    FIELD: {"prompt_field", "points_field", "field_rounds"},
    REFERENCE: {"clip_model", "phrases", "background", "references", "reference_field"},
}
"""Parameters that concern some priors alone: to the others' strategies they make no difference."""
REFERENCES = "references_sha256"
HASH_OF = {
    "sam2_model": "sam2_sha256",
    "clip_model": "clip_sha256",
    "yolo_model": "yolo_sha256",
    "references": REFERENCES,
    "reference_field": REFERENCES,
}
"""What something is called, and what is recorded of what that is: of the file with a model's weights, of the reference
pictures and their masks."""
EARLIER = {"yolo_imgsz": 640}
"""What parameters were before there were such."""


def register(
    dataset: fo.Dataset,
    plan: Plan,
    strategy: str,
    asked: Plan | None = None,
    adds_only: bool = False,
    weights: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Record a strategy's parameters and its models' weights, and that it was applied now, before there are results.

    Args:
        dataset: of the results
        plan: without ``auto``
        strategy: one of the plan's
        asked: the plan as a person asked for it, which the next form begins with
        adds_only: no result that was scored is replaced
        weights: the SHA-256 of the strategy's models, by the names in :data:`HASH_OF`
    """
    key, now = run_key(plan.prefix, strategy), datetime.now(timezone.utc).isoformat()
    record = {**_plain(plan.record()), **weights, "asked": _plain(asdict(asked or plan))}
    before = recorded(dataset, plan.prefix, strategy) if adds_only else None
    record["replaced"] = (before.get("replaced") or before.get("applied") or now) if before else now
    spelling = strategy_of(strategy).spelling
    config = dataset.init_run(method=RECORD, strategy=strategy, spelling=spelling, applied=now, **record)
    put_run(dataset, key, config)


def add_cost(dataset: fo.Dataset, prefix: str, strategy: str, cost: dict) -> None:
    """Record what the registered run cost an image, once that is known."""
    key = run_key(prefix, strategy)
    config = dataset.get_run_info(key).config
    for name, value in cost.items():
        setattr(config, name, value)
    dataset.update_run_config(key, config)


def replaced_at(dataset: fo.Dataset, prefix: str, strategy: str) -> datetime | None:
    """When a strategy last replaced what may have been scored, None where that isn't recorded."""
    record = recorded(dataset, prefix, strategy) or {}
    when = record.get("replaced") or record.get("applied")  # earlier versions recorded the second, or neither
    return datetime.fromisoformat(when) if when else None


def recorded(dataset: fo.Dataset, prefix: str, strategy: str) -> dict | None:
    """What :func:`register` and :func:`add_cost` recorded, or None."""
    key = run_key(prefix, strategy)
    return dataset.get_run_info(key).config.serialize() if key in dataset.list_runs() else None


def own_first(dataset: fo.Dataset, names: Sequence[str], most: int) -> str:
    """A person's own fields in one line, and after them those that strategies wrote, no more of these than ``most``."""
    prefixes = tuple(f"{dataset.get_run_info(key).config.prefix}_" for key in dataset.list_runs(method=RECORD))
    own = [name for name in names if not name.startswith(prefixes)]
    ours = [name for name in names if name not in own]
    left = len(ours) - most
    return ", ".join(own + ours[:most]) + (f" and {left} more of strategies" if left > 0 else "")


def first_difference(
    dataset: fo.Dataset, plan: Plan, strategy: str, weights: Mapping[str, str] = MappingProxyType({})
) -> tuple[str, object, object] | None:
    """The first recorded parameter that differs from the plan's, as (name, old, new).

    A model is what its file holds, whatever it is called: where both hashes are known, they decide. Earlier versions
    recorded none. What only a loaded model tells (``yolo_imgsz`` of None), or references once they are
    read, is compared once it is known.
    """
    old = recorded(dataset, plan.prefix, strategy)
    if old is None:
        return None
    new = {**_plain(plan.record()), **weights}
    ignored = {"versions", "device", *HASH_OF.values()} | indifferent_to(strategy)
    for name, value in new.items():
        before = old.get(name, EARLIER.get(name))
        unread = HASH_OF.get(name) == REFERENCES and new.get(REFERENCES) is None
        unknown = unread or (name == "yolo_imgsz" and value is None)
        if name in ignored or unknown:
            continue
        was, now = old.get(HASH_OF.get(name)), new.get(HASH_OF.get(name))
        if was and now:
            if was != now:
                return HASH_OF[name], was, now
        elif before != value:
            return name, before, value
    return None


def indifferent_to(strategy: str) -> set[str]:
    """Parameters that make no difference to a strategy: other priors', and those which it says itself."""
    said = find(strategy)
    if said is None:  # masks that were there already
        return {name for names in PARAMETERS_OF.values() for name in names}
    others = [names - PARAMETERS_OF[said.prior] for prior, names in PARAMETERS_OF.items() if prior != said.prior]
    itself = set() if said.confidence is None else {"yolo_confidence"}
    if said.name not in STRATEGIES:
        itself.add("field_rounds")
    return itself.union(*others)


def _plain(record: dict) -> dict:
    """JSON only: tuples to lists, for what comes back from the database is compared with it."""
    return json.loads(json.dumps(record))
