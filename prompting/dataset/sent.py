"""A collection that travels: whoever it is sent to opens it anew, from the database that all share."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import fiftyone as fo
import fiftyone.core.collections as foc
import fiftyone.core.view as fov

MOST_FOLDERS, MOST_TRIED = 100, 100
"""Folders that are asked about, and files of a folder among which one is looked for that is there."""


class Sent:
    """A dataset or view that can be pickled; in the process that it comes from it stays what it was.

    Args:
        samples: a dataset or view
    """

    def __init__(self, samples: foc.SampleCollection):
        self._samples, self._name, self._stages = samples, None, None

    def __getstate__(self) -> dict:
        if self._name is not None:
            return {"name": self._name, "stages": self._stages}
        return {"name": self._samples._dataset.name, "stages": self._samples.view()._serialize()}

    def __setstate__(self, state: dict) -> None:
        self._samples, self._name, self._stages = None, state["name"], state["stages"]

    def samples(self) -> foc.SampleCollection:
        """The collection; one that came from elsewhere with all fields that its dataset has by now."""
        if self._name is None:
            return self._samples
        dataset = fo.load_dataset(self._name)
        dataset.reload()
        return fov.DatasetView._build(dataset, self._stages)


def one_of_each_folder(
    samples: foc.SampleCollection, ids: Iterable[str], fields: Sequence[str] | None = None
) -> list[str]:
    """A file out of each folder that files of some samples are in; of very many folders some.

    Of each folder a file and not the folder: one that isn't mounted is there, and empty. It is one that can be read
    here, if there is such among the first: of a file that is gone nobody could say whether its folder is seen.

    Args:
        samples: a dataset or view
        ids: of its samples
        fields: of labels, whose masks may be in files; None: the samples' pictures
    """
    wanted, found, tried = set(ids), {}, Counter()
    for where in ["filepath"] if fields is None else _places_of_masks(samples, fields):
        for one, paths in zip(*samples.values(["id", where])):
            if one in wanted:
                for path in filter(None, [paths] if isinstance(paths, str) else paths or ()):
                    folder = os.path.dirname(path)
                    if tried[folder] < MOST_TRIED:
                        there = os.access(path, os.R_OK)
                        tried[folder] += MOST_TRIED if there else 1
                        found[folder] = path if there else found.get(folder, path)
    files = list(found.values())
    return files[:: -(-len(files) // MOST_FOLDERS)] if files else []


def _places_of_masks(samples: foc.SampleCollection, fields: Sequence[str]) -> Iterator[str]:
    for name in fields:
        kind = getattr(samples.get_field(name), "document_type", None)
        if kind is fo.Segmentation:
            yield f"{name}.mask_path"
        elif kind is fo.Detections:
            yield f"{name}.detections.mask_path"
