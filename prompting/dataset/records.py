"""What made a strategy's results: a run registered in the dataset, with every parameter and what it cost."""

from __future__ import annotations

import json
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from types import MappingProxyType

import fiftyone as fo
from bson import DBRef

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
LEARNED_FROM = "learned_from"
"""What is recorded of the pictures that a strategy learned from, by itself or by its prompts: their samples' ids, None
where nobody knows, and their files' paths."""
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
    learned_from: Mapping | None = None,
) -> None:
    """Record a strategy's parameters and its models' weights, and that it was applied now, before there are results.

    Args:
        dataset: of the results
        plan: without ``auto``
        strategy: one of the plan's
        asked: the plan as a person asked for it, which the next form begins with
        adds_only: no result that was scored is replaced
        weights: the SHA-256 of the strategy's models, by the names in :data:`HASH_OF`
        learned_from: see :data:`LEARNED_FROM`; None of a strategy that learns from no picture
    """
    key, now = run_key(plan.prefix, strategy), datetime.now(timezone.utc).isoformat()
    record = {**_plain(plan.record()), **weights, "asked": _plain(asdict(asked or plan))}
    if learned_from is not None:
        record[LEARNED_FROM] = dict(learned_from)
    before = recorded(dataset, plan.prefix, strategy) if adds_only else None
    record["replaced"] = (before.get("replaced") or before.get("applied") or now) if before else now
    earlier = mask_dirs(dataset, [key])
    if plan.mask_dir:
        record["mask_dirs"], record["unswept"] = sorted({*earlier, plan.mask_dir}), True
    elif earlier:
        record["mask_dirs"], record["unswept"] = earlier, is_unswept(dataset, key)
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


def mask_dirs(dataset: fo.Dataset, keys: Iterable[str]) -> list[str]:
    """The folders into which runs of these keys ever wrote masks, as their records have it."""
    configs = (_config(dataset, key) for key in keys)
    return sorted({folder for config in configs for folder in getattr(config, "mask_dirs", None) or ()})


def is_recorded(dataset: fo.Dataset, key: str) -> bool:
    """Whether a registered run is there, as a whole."""
    return _config(dataset, key) is not None


def _config(dataset: fo.Dataset, key: str) -> fo.RunConfig | None:
    """A registered run's; None where there is none, or FiftyOne was killed while it deleted it."""
    reference = dataset._doc.runs.get(key)
    return None if reference is None or isinstance(reference, DBRef) else dataset.get_run_info(key).config


def is_unswept(dataset: fo.Dataset, key: str) -> bool:
    """Whether a run that wrote masks to files didn't come to its end: there may be some that no document names."""
    return bool(getattr(_config(dataset, key), "unswept", False))


def note_swept(dataset: fo.Dataset, key: str) -> None:
    """Such files are gone; the caller holds the dataset's document."""
    if is_unswept(dataset, key):
        config = dataset.get_run_info(key).config
        config.unswept = False
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
            alike = same_references if HASH_OF[name] == REFERENCES else operator.eq
            if not alike(was, now):
                return HASH_OF[name], was, now
        elif before != value:
            return name, before, value
    return None


def same_references(was: str | None, now: str | None) -> bool:
    """Whether two digests are of the same reference pictures: that of their names and masks, a plus, and that of their
    files. Earlier versions recorded the first alone, which is all that can be compared then."""
    return bool(was and now) and (was == now or now.startswith(f"{was}+"))


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
