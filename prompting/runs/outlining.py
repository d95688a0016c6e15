"""Finished labels' instances as polygons, in a field beside them."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.core.collections as foc
import numpy as np

from ..dataset import checks
from ..dataset.completeness import require_files
from ..dataset.declared import note
from ..dataset.declaring import add_fields
from ..dataset.labelled import Labelled
from ..dataset.lock import editing
from ..dataset.names import FinalFields, outlines_field
from ..dataset.owned import label_fields, own_label_fields
from ..dataset.pages import samples_by_page
from ..dataset.saving import writing
from ..errors import PromptingError
from ..labels.instances import instance_window
from ..labels.outlines import outline
from ..labels.stored import label_map_of

CUT_OR_ROUNDED, FAR_SIDE = 0.25, 0.95
"""Of a pixel: a place in it that stays in it, whether its coordinates are rounded or cut off, and its far side, which
rounds to the next pixel and is cut off to this one."""


def outline_labels(samples: foc.SampleCollection, name: str) -> str:
    """Write one closed polygon an instance, of its class, into ``<name>_outlines``.

    Args:
        samples: a dataset or view
        name: of the labels

    Returns:
        the field's name

    Raises:
        PromptingError: there are no such labels, or the field is somebody's
    """
    checks.check_collection(samples)
    dataset, field = samples._dataset, outlines_field(name)
    checks.check_labels(dataset, name, instances=True)
    checks.check_type(dataset, field, *label_fields(name)[field], instead="name")
    if dataset.has_sample_field(field) and field not in own_label_fields(dataset, name):
        raise PromptingError(
            f"{field!r} is a field of your own; rename or delete it, and outline the labels then.", "name"
        )
    view = checks.with_whole_labels(samples).exists(name)
    require_files(view, name, [name, FinalFields.of(name).instances])
    with editing(dataset):
        note(dataset, name, [field])
        add_fields(dataset, {field: label_fields(name)[field]})
    labels = Labelled(dataset, name)
    view = view.select_fields([labels.fields.mask, labels.fields.instances])
    with writing(dataset) as writer:
        for sample in samples_by_page(view, view.values("id")):
            height, width = label_map_of(sample[name]).shape[:2]
            drawn = [_polyline(one, height, width) for one in labels.detections(sample)]
            writer.write(sample.id, {field: fo.Polylines(polylines=[one for one in drawn if one is not None])})
    return field


def _polyline(detection: fo.Detection, height: int, width: int) -> fo.Polyline | None:
    mask = instance_window(detection, height, width)
    if mask is None or not mask.any():
        return None
    points = [(x / width, y / height) for x, y in _at_pixels(outline(mask)).tolist()]
    return fo.Polyline(label=detection.label, points=[points], closed=True, filled=True)


def _at_pixels(points: np.ndarray) -> np.ndarray:
    """An outline's points as readers understand them, in pixels: who cuts off what is behind the point, and who rounds
    it, finds the same pixel.

    FiftyOne makes a box of the outermost points, as wide as their distance, and would lose the last column and row of
    pixels. So the outline goes nearly to their far side and back, once to the right and once down; nobody
    fills more for it.
    """
    places = points + CUT_OR_ROUNDED
    for axis in (0, 1):
        last = int(np.argmax(places[:, axis]))
        far = places[last].copy()
        far[axis] += FAR_SIDE - CUT_OR_ROUNDED
        places = np.insert(places, last + 1, [far, places[last]], axis=0)
    return places
