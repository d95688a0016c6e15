"""Keeping a sweep's study in the dataset: its scores alone, so that it can be read, and taken up again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import bson
import fiftyone as fo

from ..analysis.study import Study
from .names import STUDY, study_key
from .registering import is_of, put_run


def save_study(
    dataset: fo.Dataset, prefix: str, study: Study, asked: Mapping, sample_ids: Sequence[str], seen: Sequence[str] = ()
) -> None:
    """Keep a study in place of the last one; the caller holds the dataset's document (``editing``).

    Args:
        dataset: of the pictures
        prefix: under whose name
        study: finished, or as far as it is
        asked: what decides its scores, as plain JSON: with the same it can be taken up again
        sample_ids: of all pictures, in the order in which they are looked at
        seen: the fingerprints of those that were
    """
    key = study_key(prefix)
    config = dataset.init_run(method=STUDY, prefix=prefix, asked=dict(asked))
    put_run(dataset, key, config)
    results = dataset.init_run_results(key, study=study.to_dict(), sample_ids=list(sample_ids), seen=list(seen))
    dataset.save_run_results(key, results, overwrite=True)


def load_study(dataset: fo.Dataset, prefix: str = "sam2") -> Study | None:
    """The last sweep's study, or None."""
    key = study_key(prefix)
    results = dataset.load_run_results(key) if is_of(dataset, key, STUDY) else None
    return Study.from_dict(results.study) if results else None


def what_was_asked(dataset: fo.Dataset, prefix: str) -> dict:
    """The parameters of the last sweep, as :func:`save_study` was given them; none where there was no sweep."""
    key = study_key(prefix)
    return dict(dataset.get_run_info(key).config.asked) if is_of(dataset, key, STUDY) else {}


@dataclass(frozen=True)
class Begun:
    """A sweep that can be taken up.

    Attributes:
        study: as far as it is
        sample_ids: of the study's pictures
        seen: their fingerprints
    """

    study: Study
    sample_ids: tuple[str, ...]
    seen: tuple[str, ...]


def begun(dataset: fo.Dataset, prefix: str, asked: Mapping) -> Begun | None:
    """The last sweep, finished or not, if it was asked for the same."""
    key = study_key(prefix)
    if not is_of(dataset, key, STUDY) or dataset.get_run_info(key).config.asked != dict(asked):
        return None
    results = dataset.load_run_results(key)
    seen = getattr(results, "seen", None)
    if not seen:  # killed between the two, or of an earlier version
        return None
    study = Study.from_dict(results.study)
    return Begun(study, tuple(results.sample_ids[: len(study.files)]), tuple(seen))


def fingerprint(sample: fo.Sample, fields: Iterable[str]) -> str:
    """What a picture and its labels were when they were scored: it changes when one of them does.

    Args:
        sample: with these fields
        fields: of labels
    """
    made = hashlib.sha256(_file(sample.filepath))
    for name in fields:
        label = sample[name]
        if label is not None:
            made.update(bson.encode(label.to_mongo().to_dict()))
            for one in getattr(label, "detections", None) or [label]:
                made.update(_file(getattr(one, "mask_path", None)))
    return made.hexdigest()


def _file(path: str | None) -> bytes:
    """Which file, and when it was written; nothing where there is none."""
    try:
        found = os.stat(path) if path else None
    except OSError:
        found = None
    return f"{path} {found.st_size} {found.st_mtime_ns}".encode() if found else b""
