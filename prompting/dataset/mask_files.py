"""Masks as PNG files, by FiftyOne's convention of ``mask_path``, where the database is not to hold them.

A file is ``<mask_dir>/<dataset's id>/<field>/<place>/<sample's id>_<label's id>.png``. The place is the last two digits
of the sample's id, or, with ``rel_dir``, the folder of its picture below that, as FiftyOne's exporters have it.

No file is written twice: a label that takes another's place has an id, and so a file, of its own. A process may
therefore end at any moment between the file and the document that names it: the document names the earlier file or the
later one, and either is whole. What no document names is taken away later (:mod:`prompting.dataset.mask_sweep`). Two
datasets never share a folder, clones neither: what one of them writes or removes is not the other's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import cv2
import fiftyone.core.collections as foc
import numpy as np
from fiftyone import ViewField as F

from ..errors import PromptingError, concerning, first_line
from ..folders import check_folder

QUICK = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_DEFAULT]
"""A mask of 12 megapixels is written in 13 ms and read in 6. With more effort, or as runs, it has a third of the 74 kB
and is read in 25; with filters, which are for photographs, it takes twice to four times as long to write."""
if hasattr(cv2, "IMWRITE_PNG_FILTER"):  # since OpenCV 4.12
    QUICK += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE]


@dataclass(frozen=True)
class MaskFiles:
    """Where a dataset's masks go.

    Attributes:
        folder: ``<mask_dir>/<dataset's id>``, absolute
        rel_dir: the folder below which the pictures lie whose own folders are made again here, absolute; None: none are
    """

    folder: str
    rel_dir: str | None = None

    @classmethod
    def of(cls, samples: foc.SampleCollection, mask_dir: str | None, rel_dir: str | None) -> MaskFiles | None:
        """Where masks of these samples go; None: to the database.

        Args:
            samples: a dataset or view
            mask_dir, rel_dir: absolute, as :class:`prompting.plan.Plan` has them

        Raises:
            PromptingError: nothing can be written there, or pictures that aren't below ``rel_dir``
        """
        if mask_dir is None:
            return None
        with concerning("mask_dir"):
            folder = check_folder(mask_dir, "masks")
            own = folder / str(samples._dataset._doc.id)
            if folder.exists():
                check_folder(own, "masks")
        if rel_dir is not None:
            _check_rel_dir(samples, rel_dir)
        return cls(str(own), rel_dir)

    def made(self) -> str:
        """The folder, which is made if it isn't there: who shares it sees it."""
        os.makedirs(self.folder, exist_ok=True)
        return self.folder

    def write(self, field: str, sample_id: str, filepath: str, label_id: str, mask: np.ndarray) -> str:
        """Write a label's mask, whole or not at all.

        Args:
            field: that holds the label
            sample_id: of its sample
            filepath: of that sample's picture
            label_id: an id that no other label has
            mask: (H, W) bool or whole numbers, as FiftyOne's own exporters write it: True is 1

        Returns:
            the file's path

        Raises:
            PromptingError: it can't be written
        """
        folder, name = os.path.join(self.folder, field, self._place(sample_id, filepath)), f"{sample_id}_{label_id}"
        path, part = os.path.join(folder, f"{name}.png"), os.path.join(folder, f".{name}.part")
        data = _as_png(mask)
        try:
            try:
                _put(part, data)
            except FileNotFoundError:
                os.makedirs(folder, exist_ok=True)
                _put(part, data)
            os.replace(part, path)
        except OSError as error:
            with suppress(OSError):
                os.unlink(part)
            raise PromptingError(
                f"Masks can't be written to {folder} ({first_line(error)}). Every sample is as it was or complete: see"
                " that the folder is there and has space, and run again with existing='skip'.",
                "mask_dir",
            ) from error
        return path

    def _place(self, sample_id: str, filepath: str) -> str:
        """Below the field's folder: a folder of hundreds of thousands of files is slow on many file systems."""
        if self.rel_dir is None:
            return sample_id[-2:]
        place = os.path.relpath(os.path.dirname(filepath), self.rel_dir)
        return "" if place == os.curdir or place.startswith(os.pardir) else place


def _put(path: str, data: np.ndarray) -> None:
    with open(path, "xb") as file:
        file.write(data)


def _as_png(mask: np.ndarray) -> np.ndarray:
    if mask.dtype == bool:
        mask = mask.view(np.uint8)
    elif mask.dtype not in (np.uint8, np.uint16):
        lowest, highest = (int(mask.min()), int(mask.max())) if mask.size else (0, 0)
        if mask.dtype.kind not in "iu" or lowest < 0 or highest > 65535:
            raise PromptingError("A PNG holds values from 0 to 65535, and a mask has others; keep it in the database.")
        mask = mask.astype(np.uint8 if highest <= 255 else np.uint16)
    return cv2.imencode(".png", mask, QUICK)[1]


def _check_rel_dir(samples: foc.SampleCollection, rel_dir: str) -> None:
    elsewhere = samples.match(~F("filepath").starts_with(rel_dir.rstrip(os.sep) + os.sep))
    if first := elsewhere.limit(1).values("filepath"):
        raise PromptingError(
            f"rel_dir={rel_dir!r} is no folder of {first[0]}, nor of {len(elsewhere) - 1} others of {len(samples)}"
            " pictures; name one that all of them are below, or leave it out.",
            "rel_dir",
        )


def paths_in(document: Mapping | Sequence) -> Iterator[str]:
    """All ``mask_path`` in a document as the database has it."""
    parts = document.items() if isinstance(document, Mapping) else ((None, part) for part in document)
    for name, part in parts:
        if name == "mask_path" and isinstance(part, str):
            yield part
        elif isinstance(part, (Mapping, list)):
            yield from paths_in(part)
