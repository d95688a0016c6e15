"""Taking away files of masks that no document names any more: of results that were replaced or removed, and of runs
that were killed between a file and its document.

Only files that :mod:`prompting.dataset.mask_files` may have written are looked at: below the dataset's own folder, in
its fields' folders, with names of two ids. A file that any dataset of this database names stays, in whatever field: a
clone names the files of the dataset that it was made of.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import fiftyone as fo
import fiftyone.core.collections as foc
import fiftyone.core.odm as odm

from ..errors import PromptingError, first_line
from ..plan import Plan
from .decisions import Decisions
from .lock import editing
from .mask_files import paths_in
from .names import FinalFields, StrategyFields, labels_key, run_key
from .records import is_unswept, mask_dirs, note_swept

_ID = "[0-9a-f]{24}"
OURS = re.compile(rf"{_ID}_{_ID}\.png|\.{_ID}_{_ID}\.part")
ONE, SEVERAL = "Segmentation", "Detections"


@dataclass(frozen=True)
class Swept:
    """What was done.

    Attributes:
        removed: how many files are gone
        named_by: dataset's name -> how many files stay, for it names them
    """

    removed: int = 0
    named_by: Mapping[str, int] = field(default_factory=dict)


def leftovers(samples: foc.SampleCollection, plan: Plan, todo: Mapping[str, Collection[str]]) -> list[str]:
    """The strategies of which a plan leaves files that no document names, or an earlier run left some.

    Args:
        samples: a dataset or view
        plan: what is to be done
        todo: sample ids, each with the strategies that it skips
    """
    dataset, found = samples._dataset, []
    for strategy in plan.strategies:
        key = run_key(plan.prefix, strategy)
        if is_unswept(dataset, key) or (
            mask_dirs(dataset, [key])
            and any(
                sample_id in todo and strategy not in todo[sample_id]
                for name in strategy_paths(plan.prefix, strategy)
                if dataset.has_sample_field(name)
                for sample_id in _on_disk(samples, name)
            )
        ):
            found.append(strategy)
    return found


def _on_disk(samples: foc.SampleCollection, field: str) -> list[str]:
    """The ids of samples with a mask in a file."""
    either = [{f"{field}.{end}": {"$type": "string"}} for end in ("mask_path", "detections.mask_path")]
    return samples.mongo([{"$match": {"$or": either}}]).values("id")


def sweep_strategies(dataset: fo.Dataset, prefix: str, strategies: Iterable[str]) -> None:
    """:func:`sweep` all folders of some strategies."""
    for strategy in strategies:
        dirs = mask_dirs(dataset, [run_key(prefix, strategy)])
        sweep(dataset, folders_there(dataset, dirs, strategy_paths(prefix, strategy)))


def sweep_labels(dataset: fo.Dataset, name: str) -> None:
    """:func:`sweep` the folders of finished labels; what a review's *Undo* would name again stays."""
    folders = folders_there(dataset, mask_dirs(dataset, [labels_key(name)]), label_paths(name))
    if folders:
        sweep(dataset, folders, Decisions(dataset, name).mask_files())


def after_strategies(dataset: fo.Dataset, prefix: str, strategies: Sequence[str], some: bool) -> None:
    """What a run does that came to its end: :func:`sweep_strategies` if there may be ``some`` files, and note it."""
    if some:
        sweep_strategies(dataset, prefix, strategies)
    _note(dataset, [run_key(prefix, strategy) for strategy in strategies])


def after_labels(dataset: fo.Dataset, name: str, some: bool) -> None:
    """The same of finished labels."""
    if some:
        sweep_labels(dataset, name)
    _note(dataset, [labels_key(name)])


def _note(dataset: fo.Dataset, keys: Iterable[str]) -> None:
    with editing(dataset):
        for key in keys:
            note_swept(dataset, key)


def strategy_paths(prefix: str, strategy: str) -> list[str]:
    """The fields of a strategy whose labels may have files."""
    fields = StrategyFields.of(prefix, strategy)
    return [fields.mask, fields.instances, fields.rounds]


def label_paths(name: str) -> list[str]:
    """The fields of finished labels that may have files."""
    fields = FinalFields.of(name)
    return [fields.mask, fields.instances]


def folders_there(dataset: fo.Dataset, dirs: Iterable[str], fields: Iterable[str]) -> list[str]:
    """Those folders of a dataset's fields that are there."""
    own = str(dataset._doc.id)
    folders = (os.path.join(one, own, field) for one in dirs for field in fields)
    return [folder for folder in folders if os.path.isdir(folder)]


def dir_named(dataset: fo.Dataset, field: str) -> str | None:
    """The folder for masks into which a field's own went, by the first document that names one; None: none does.

    It goes through all documents where none has a file: for where no record says it.
    """
    own = f"{os.sep}{dataset._doc.id}{os.sep}{field}{os.sep}"
    if not dataset.has_sample_field(field):
        return None
    named = {"$or": [{f"{field}.{end}": {"$regex": re.escape(own)}} for end in ("mask_path", "detections.mask_path")]}
    sample = dataset._sample_collection.find_one(named, {field: 1})
    return next((path.partition(own)[0] for path in paths_in(sample or {}) if own in path), None)


def sweep(dataset: fo.Dataset, folders: Sequence[str], keep: Iterable[str] = ()) -> Swept:
    """Remove the files that no document names, and the folders that are empty then.

    The caller holds the lock of all who write into these folders.

    Args:
        dataset: whose folders they are
        folders: as :func:`folders_there` gives them
        keep: paths of files that are needed all the same: what a review's *Undo* would name again

    Raises:
        PromptingError: a file can't be removed
    """
    if next(_files(folders), None) is None:
        named = {}
    else:
        named = _named(folders) | {os.path.basename(path): dataset.name for path in keep}
    removed, stay = 0, {}
    for path in _files(folders):
        if by := named.get(os.path.basename(path)):
            stay[by] = stay.get(by, 0) + 1
            continue
        try:
            os.unlink(path)
            removed += 1
        except FileNotFoundError:
            pass
        except OSError as error:
            raise PromptingError(
                f"{path} can't be removed ({first_line(error)}); see who may write there, and run this again."
            ) from error
    for folder in folders:
        _remove_empty(folder)
    return Swept(removed, stay)


def _files(folders: Iterable[str]) -> Iterator[str]:
    """Files that may be ours; links are somebody else's, and aren't followed."""
    for folder in folders:
        for place, _, names in os.walk(folder):
            yield from (os.path.join(place, name) for name in names if OURS.fullmatch(name))


def _remove_empty(folder: str) -> None:
    """A folder with those in it, and the dataset's own above it, as far as nothing is in them."""
    for place, _, _ in os.walk(folder, topdown=False):
        with suppress(OSError):
            os.rmdir(place)
    with suppress(OSError):
        os.rmdir(os.path.dirname(folder))


def _named(folders: Sequence[str]) -> dict[str, str]:
    """Of the files in these folders those that a document names: name without folders -> the dataset's name."""
    database, found = odm.get_db_conn(), {}
    begins = {"$regex": f"^(?:{'|'.join(re.escape(folder + os.sep) for folder in folders)})"}
    asked = {"name": 1, "sample_collection_name": 1, "sample_fields.name": 1, "sample_fields.embedded_doc_type": 1}
    for dataset in database["datasets"].find({}, asked):
        collection = dataset.get("sample_collection_name") or ""
        paths = _paths(dataset.get("sample_fields") or ())
        if not paths or not collection.startswith("samples."):  # others are patches of these, made for a view
            continue
        there = database[collection].find({"$or": [{path: begins} for path in paths]}, dict.fromkeys(paths, 1))
        for sample in there:
            found.update((os.path.basename(path), dataset["name"]) for path in paths_in(sample))
    return found


def _paths(fields: Iterable[Mapping]) -> list[str]:
    """Where documents of a dataset may name masks."""
    kinds = {field["name"]: (field.get("embedded_doc_type") or "").rpartition(".")[2] for field in fields}
    ends = {ONE: "mask_path", "Detection": "mask_path", SEVERAL: "detections.mask_path"}
    return [f"{name}.{ends[kind]}" for name, kind in kinds.items() if kind in ends]
