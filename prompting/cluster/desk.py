"""Where a worker works, on whatever machine: it opens what it is sent, does pages, and says what came of them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import fiftyone as fo

from ..dataset.database import in_words
from ..dataset.lock import Watch
from ..errors import PromptingError


@dataclass(frozen=True)
class Done:
    """What came of a page.

    Attributes:
        outcomes: of the samples that were done
        refused: sample id -> why it could not be stored
        left: ids of samples that weren't begun, for the run was stopped, or seemed to be
        warnings: what somebody should hear
    """

    outcomes: Sequence[Any]
    refused: Mapping[str, str]
    left: Sequence[str]
    warnings: Sequence[str]


class Desk:
    """A worker's side of a run.

    Args:
        node: the machine's name
        dataset_name: that is worked on
        dataset_id: and which of that name
        key, token: of the run's lock
    """

    def __init__(self, node: str, dataset_name: str, dataset_id: str, key: str, token: str):
        self._node = node
        if dataset_name not in fo.list_datasets() or str(fo.load_dataset(dataset_name)._doc.id) != dataset_id:
            raise PromptingError(
                f"The database that the node {node} reaches has no such dataset {dataset_name!r}: it is another one;"
                " name the machine in FIFTYONE_DATABASE_URI by an address that is the same for all."
            )
        self._watch, self._work = Watch(key, token), None

    def ask(self, function: Callable, *args) -> Any:
        """What a function says here."""
        return function(*args)

    def sees(self, paths: Sequence[str]) -> list[bool]:
        """Which of these files and folders can be read here."""
        return [os.access(path, os.R_OK) for path in paths]

    def open(self, job, paths: Sequence[str]) -> Any:
        """Load what a job takes.

        Args:
            job: see :class:`prompting.runs.crew.Job`
            paths: that have to be seen

        Raises:
            PromptingError: they aren't: Ray started this worker anew on another node, say
        """
        for path, there in zip(paths, self.sees(paths)):
            if not there:
                raise unseen(self._node, path)
        self._work = job.open(self._watch.check)
        return self._work.about

    def do(self, items: Mapping[str, Any]) -> Done:
        """Do a page."""
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always", UserWarning)
            try:
                outcomes = list(self._work.do(items))
            except Exception as error:
                if (told := in_words(error)) is error:
                    raise
                raise told from error
        done = {outcome.sample_id for outcome in outcomes}
        left = [one for one in items if one not in done] if self._watch.over else []
        told = dict.fromkeys(str(w.message) for w in heard if issubclass(w.category, UserWarning))
        return Done(outcomes, dict(self._work.refused), left, list(told))


def unseen(node: str, path: str) -> PromptingError:
    """What is said where a node doesn't see what others see."""
    return PromptingError(
        f"The node {node} can't read {path}, which this run needs; mount that folder there, under the same path.",
        "ray_address",
    )
