"""Finished labels' instances as polygons, in a field beside them."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.core.collections as foc

from ..dataset import checks
from ..dataset.declaring import add_fields
from ..dataset.labelled import Labelled
from ..dataset.lock import editing
from ..dataset.names import outlines_field
from ..dataset.owned import label_fields, labels_there
from ..dataset.pages import samples_by_page
from ..dataset.saving import writing
from ..errors import PromptingError
from ..labels.instances import instance_window
from ..labels.outlines import outline


def outline_labels(samples: foc.SampleCollection, name: str) -> str:
    """Write one closed polygon an instance, of its class, into ``<name>_outlines``.

    Args:
        samples: a dataset or view
        name: of the labels

    Returns:
        the field's name

    Raises:
        PromptingError: there are no such labels, or the field is somebody's, of another type
    """
    checks.check_collection(samples)
    dataset, field = samples._dataset, outlines_field(name)
    if name not in labels_there(dataset):
        raise PromptingError(f"There are no labels {name!r}; finish some first.", "name")
    checks.check_type(dataset, field, *label_fields(name)[field], instead="name")
    with editing(dataset):
        add_fields(dataset, {field: label_fields(name)[field]})
    labels = Labelled(dataset, name)
    view = checks.with_all_fields(samples).exists(name).select_fields([labels.fields.mask, labels.fields.instances])
    with writing(dataset) as writer:
        for sample in samples_by_page(view, view.values("id")):
            height, width = sample[name].get_mask().shape[:2]
            drawn = [_polyline(one, height, width) for one in labels.detections(sample)]
            writer.write(sample.id, {field: fo.Polylines(polylines=[one for one in drawn if one is not None])})
    return field


def _polyline(detection: fo.Detection, height: int, width: int) -> fo.Polyline | None:
    mask = instance_window(detection, height, width)
    if mask is None or not mask.any():
        return None
    points = [(_share(x, width), _share(y, height)) for x, y in outline(mask).tolist()]
    return fo.Polyline(label=detection.label, points=[points], closed=True, filled=True)


def _share(place: int, size: int) -> float:
    """Of the picture; the last pixel is its edge, or who reads the polygon back would cut that row off."""
    return 1.0 if place == size - 1 else place / size
