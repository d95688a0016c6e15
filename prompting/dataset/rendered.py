"""Where masks go that an evaluation renders beside strategies' own, the truth's and other models': into files, where
those are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import fiftyone as fo
import fiftyone.core.collections as foc

from ..errors import PromptingError
from .mask_files import MaskFiles
from .mask_sweep import dir_named, folders_there, strategy_paths
from .names import objects_field, overlay_field, run_key, truth_field
from .present import known_strategies
from .records import is_recorded, mask_dirs, recorded


def files_beside(samples: foc.SampleCollection, prefix: str, strategies: Sequence[str]) -> MaskFiles | None:
    """The folder for which the strategy that was applied last was asked; None: the database.

    That is so where it was asked for none, or nothing can be written there: results that were moved, or that somebody
    else keeps, can be evaluated all the same.

    Args:
        samples: that are evaluated
        prefix: of the strategies
        strategies: their names
    """
    records = [record for name in strategies if (record := recorded(samples._dataset, prefix, name))]
    asked = max(records, key=lambda record: record.get("applied") or "", default={}).get("asked") or {}
    if not os.path.isdir(asked.get("mask_dir") or ""):
        return None
    with suppress(PromptingError):  # pictures that aren't below rel_dir have no place of their own
        return replace(MaskFiles.of(samples, asked["mask_dir"], None), rel_dir=asked.get("rel_dir"))
    return None


def shared_paths(prefix: str) -> list[str]:
    """The fields of all strategies together whose labels may have files."""
    return [truth_field(prefix), objects_field(prefix), overlay_field(prefix)]


def folders_of(dataset: fo.Dataset, prefix: str, names: Sequence[str], shared: bool = True) -> list[str]:
    """The folders of a prefix's fields, below those that its runs wrote to.

    Of what has no record any more, the one that documents name.

    Args:
        dataset: the dataset
        prefix: of the fields
        names: of strategies, or of fields whose masks stood there already
        shared: with the fields of all of them together
    """
    known = known_strategies(dataset, prefix)
    recorded_ones = {name for name in {*known, *names} if is_recorded(dataset, run_key(prefix, name))}
    of = {path: name in recorded_ones for name in names for path in strategy_paths(prefix, name)}
    if shared:
        of |= dict.fromkeys(shared_paths(prefix), not recorded_ones.isdisjoint(known))
    there = folders_there(dataset, mask_dirs(dataset, [run_key(prefix, name) for name in known]), list(of))
    for path in (path for path, is_known in of.items() if not is_known):
        if named := dir_named(dataset, path):
            there += folders_there(dataset, [named], [path])
    return list(dict.fromkeys(there))
