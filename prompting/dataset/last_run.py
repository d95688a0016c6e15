"""What was asked for last: of this dataset, else by this person anywhere. Forms begin with it.

A dataset remembers by its registered runs; a person, by FiftyOne's execution store in the same database, which every
server and notebook on it shares.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path

import fiftyone as fo
from fiftyone.operators.store import ExecutionStore

from ..errors import PromptingError
from ..plan import AUTO, Plan
from ..prompts.strategies import find
from ..prompts.strategy import FIELD, REFERENCE
from .names import RECORD, StrategyFields
from .records import recorded
from .references import reference_ids

STORE, ANYBODY = "sam2_prompting.last_run", "anybody"
PARAMETERS = tuple(field.name for field in fields(Plan))
NOT_KEPT = ("existing", "phrases")
"""What to do with results is decided anew for each run; phrases have no field in the form."""
FOLDERS = ("mask_dir", "rel_dir")
"""Where a dataset's masks go and its pictures lie is nothing to another one."""


def as_asked(plan: Plan) -> dict:
    """A plan before its ``auto`` is resolved, as plain JSON."""
    return json.loads(json.dumps(asdict(plan)))


def remember(plan: Plan, person: str | None = None) -> None:
    """Keep what a person asked for.

    Args:
        plan: before its ``auto`` is resolved
        person: as the App knows them; None where it has no log-in, and from Python
    """
    ExecutionStore.create(STORE).set(person or ANYBODY, as_asked(plan))


def last_asked(dataset: fo.Dataset | None, person: str | None = None) -> dict:
    """The parameters of the dataset's last run, else of the person's, as far as they still make sense; else none."""
    asked = _of_dataset(dataset) if dataset is not None else None
    if asked is None:
        asked = ExecutionStore.create(STORE).get(person or ANYBODY) or {}
        asked = {name: value for name, value in asked.items() if name not in FOLDERS}
    return _sensible({name: value for name, value in asked.items() if name in PARAMETERS}, dataset)


def _of_dataset(dataset: fo.Dataset) -> dict | None:
    runs = []
    for key in dataset.list_runs(method=RECORD):
        config = dataset.get_run_info(key).config
        if not hasattr(config, "masks_of") and dataset.has_sample_field(
            StrategyFields.of(config.prefix, config.strategy).status
        ):
            runs.append(recorded(dataset, config.prefix, config.strategy))
    if not runs:
        return None
    latest = max(runs, key=lambda run: run.get("applied") or "")
    return latest.get("asked") or _of_earlier_version(latest, runs)


def _of_earlier_version(latest: dict, runs: list[dict]) -> dict:
    """Earlier versions recorded what ``auto`` had meant, and each strategy by itself."""
    same = [run["strategy"] for run in runs if run.get("prefix") == latest.get("prefix")]
    return {**latest, "strategies": same, "device": AUTO, "encoder_precision": AUTO}


def _sensible(asked: dict, dataset: fo.Dataset | None) -> dict:
    """Without what is no longer there: strategies, fields, files, and values that a plan refuses."""
    kept = {name: value for name, value in asked.items() if name not in NOT_KEPT and value is not None}
    there = dataset is not None and dataset.has_sample_field(kept.get("prompt_field") or "")
    if not there:
        kept.pop("prompt_field", None)
    if not there or not dataset.has_sample_field(kept.get("points_field") or ""):
        kept.pop("points_field", None)
    taught = _are_there(kept, dataset)
    if not taught:
        kept.pop("references", None)
        kept.pop("reference_field", None)
    known = {name: found for name in kept.get("strategies", ()) if (found := find(name))}
    usable = {FIELD: there, REFERENCE: taught}
    kept["strategies"] = [name for name, strategy in known.items() if usable.get(strategy.prior, True)]
    if not kept["strategies"]:
        kept.pop("strategies")
        kept.pop("heatmap", None)
    for name in ("sam2_model", "yolo_model"):
        if "/" in kept.get(name, "") and not Path(kept[name]).expanduser().is_file():
            kept.pop(name)
    with suppress(PromptingError, TypeError):
        Plan(**kept)
        return kept
    return {}


def _are_there(kept: dict, dataset: fo.Dataset | None) -> bool:
    """Whether a dataset has the reference pictures, and the field with their masks."""
    if dataset is None or not kept.get("references") or not dataset.has_sample_field(kept.get("reference_field") or ""):
        return False
    with suppress(PromptingError):
        return bool(reference_ids(dataset, kept["references"]))
    return False
