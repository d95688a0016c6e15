"""Keeping a sweep's study in the dataset: its scores alone, so that it can be read, and taken up again."""

from __future__ import annotations

from collections.abc import Mapping

import fiftyone as fo

from ..analysis.study import Study
from .names import STUDY, study_key


def save_study(dataset: fo.Dataset, prefix: str, study: Study, asked: Mapping, sample_ids: list[str]) -> None:
    """Keep a study in place of the last one; the caller holds the dataset's document (``editing``).

    Args:
        dataset: of the pictures
        prefix: under whose name
        study: finished, or as far as it is
        asked: what decides its scores, as plain JSON: with the same it can be taken up again
        sample_ids: of all pictures, in the order in which they are looked at
    """
    key = study_key(prefix)
    config = dataset.init_run(method=STUDY, prefix=prefix, asked=dict(asked))
    if key in dataset.list_runs():
        dataset.update_run_config(key, config)
    else:
        dataset.register_run(key, config)
    results = dataset.init_run_results(key, study=study.to_dict(), sample_ids=sample_ids)
    dataset.save_run_results(key, results, overwrite=True)


def load_study(dataset: fo.Dataset, prefix: str = "sam2") -> Study | None:
    """The last sweep's study, or None."""
    key = study_key(prefix)
    results = dataset.load_run_results(key) if key in dataset.list_runs() else None
    return Study.from_dict(results.study) if results else None


def what_was_asked(dataset: fo.Dataset, prefix: str) -> dict:
    """The parameters of the last sweep, as :func:`save_study` was given them; none where there was no sweep."""
    key = study_key(prefix)
    return dict(dataset.get_run_info(key).config.asked) if key in dataset.list_runs() else {}


def begun(dataset: fo.Dataset, prefix: str, asked: Mapping) -> tuple[Study, list[str]] | None:
    """The last sweep, if it was asked for the same and didn't come to its end: its study, and its pictures' order."""
    key = study_key(prefix)
    if key not in dataset.list_runs() or dataset.get_run_info(key).config.asked != dict(asked):
        return None
    results = dataset.load_run_results(key)
    if results is None:
        return None
    study = Study.from_dict(results.study)
    return (study, list(results.sample_ids)) if len(study.files) < study.total else None
