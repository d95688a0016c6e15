"""Which classes the masks of a few pictures show, where nobody has said yet what to look for."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.core.collections as foc
import numpy as np
from fiftyone import ViewField as F

from ..errors import PromptingError
from ..labels.targets import Targets, is_void
from ..pixels.images import upright_size
from ..spelling import same_name
from .label_fields import label_type_of, mask_targets
from .pages import samples_by_page
from .references import understood

BACKGROUND = ("background", "bg")
"""What the background is called where it has a value of its own; 0 is the background whatever it is called."""
MOST = 254
"""Classes that fit into a mask of 8 bits."""


def classes_shown(view: foc.SampleCollection, field: str, most: int | None = None) -> tuple[str, ...]:
    """The names of the classes of which the pictures have masks, as their labels are read for strategies.

    Args:
        view: samples with a label; the labels are taken as it shows them
        field: a Segmentation or Detections
        most: look at the first so many pictures

    Returns:
        names, in the order of the mask targets or of the alphabet; none where a Segmentation's values have no names

    Raises:
        PromptingError: labels that can't be understood, that have no names, or that show nothing
    """
    segmented = label_type_of(view, field) is fo.Segmentation
    names = _named_values(view, field) if segmented else _named_labels(view, field)
    if not names:
        return ()
    looked = view if most is None or len(view) <= most else view.limit(most)
    truth = understood(looked, field, names)
    shown: set[int] = set()
    for sample in samples_by_page(looked.select_fields(field), looked.values("id")):
        size = upright_size(sample.filepath) or (None, None)
        if segmented or size[0]:
            shown |= set(np.unique(truth.label_map(sample[field], *size)).tolist())
    found = tuple(name for value, name in enumerate(names, start=1) if value in shown)
    if not found:
        raise PromptingError(
            f"None of these pictures has a mask in {field!r} of anything but background, crowds and void; choose some"
            " that have.",
            "field",
        )
    return found


def _named_values(view: foc.SampleCollection, field: str) -> tuple[str, ...]:
    targets = Targets(mask_targets(view, field), ())
    return _once(name for value, name in targets.names.items() if value and value not in targets.void)


def _named_labels(view: foc.SampleCollection, field: str) -> tuple[str, ...]:
    """Those that have masks; where none has, all, and reading them tells."""
    where = f"{field}.detections.label"
    labels = sorted(filter(None, view.distinct(where)))
    if not labels:
        there = view.count(f"{field}.detections")
        why = (
            f"The {there} labels in {field!r} have no names (label is None); name them first, or"
            if there
            else (f"None of these pictures has a label in {field!r};")
        )
        raise PromptingError(f"{why} choose some that have.", "field")
    boxes = view.filter_labels(field, ~F("mask").exists() & ~F("mask_path").exists()).distinct(where)
    return _once([name for name in labels if name not in boxes] or labels)


def _once(names) -> tuple[str, ...]:
    """Names of classes, each in its first spelling."""
    found: dict[str, str] = {}
    for name in names:
        if same_name(name) and same_name(name) not in BACKGROUND and not is_void(name):
            found.setdefault(same_name(name), name.strip())
    return tuple(found.values())[:MOST]
