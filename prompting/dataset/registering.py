"""Registering a run under a key, in place of what was registered under it before."""

from __future__ import annotations

import fiftyone as fo

from ..errors import PromptingError


def put_run(dataset: fo.Dataset, key: str, config: fo.RunConfig) -> None:
    """Register a run, or replace what one says in place; its results, if it has any, stay.

    FiftyOne's ``register_run(overwrite=True)`` would delete the record first, and a kill may come in between.

    Args:
        dataset: whose document nobody else changes meanwhile (:func:`prompting.dataset.lock.editing`)
        key: under which it is known
        config: what ``dataset.init_run()`` makes

    Raises:
        PromptingError: a run of another method has that key: it is somebody else's
    """
    if key in dataset.list_runs():
        check_key(dataset, key, config.method)
        dataset.update_run_config(key, config)
    else:
        dataset.register_run(key, config)


def check_key(dataset: fo.Dataset, key: str, method: str) -> None:
    """Refuse a key that another method's run has.

    Raises:
        PromptingError: it is somebody else's
    """
    if key in dataset.list_runs() and not is_of(dataset, key, method):
        raise PromptingError(
            f"The dataset has a run {key!r} that isn't this plugin's; rename it"
            f" (dataset.rename_run({key!r}, 'another')), or choose another prefix.",
            "prefix",
        )


def is_of(dataset: fo.Dataset, key: str, method: str) -> bool:
    """Whether a dataset has a run of that key which this method registered."""
    return key in dataset.list_runs() and dataset.get_run_info(key).config.method == method
