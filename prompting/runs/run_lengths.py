"""Finished labels' instances in COCO's format with their masks as run lengths, which hold every pixel.

FiftyOne's exporter writes polygons, which know no holes and cut off corners, but for crowds. For these it writes run
lengths, wherever an attribute that it is told of is true, and takes that attribute's whole part for ``iscrowd``: a half
is true, and no crowd.
"""

from __future__ import annotations

from collections.abc import Mapping

import fiftyone as fo
import fiftyone.core.collections as foc
import fiftyone.utils.coco as fouc
from fiftyone import ViewField as F

from ..dataset import checks
from ..dataset.declaring import add_fields
from ..dataset.labelled import Labelled
from ..dataset.labels import PRIOR_CONFIDENCE
from ..dataset.lock import editing
from ..errors import PromptingError

TRUE_AND_NO_CROWD = 0.5
NUDGE = 1e-9
"""Of a picture: FiftyOne cuts off what is behind the point of a box's pixels, and 6.9999999 would lose a column."""
DECIMALS = 3
"""Of a box's pixels in the file: the nudge isn't told."""


def export_coco(samples: foc.SampleCollection, name: str, folder: str, **settings) -> None:
    """Export labels with FiftyOne's ``COCODetectionDatasetExporter``, masks as run lengths; the dataset stays as it is.

    Areas are the masks', and classes have the mask's values as their ids.

    Args:
        samples: a dataset or view
        name: of the labels
        folder: to write to
        **settings: more keywords of FiftyOne's ``export``

    Raises:
        PromptingError: there are no such labels, or the settings are those that make run lengths
    """
    checks.check_collection(samples)
    dataset = samples._dataset
    checks.check_labels(dataset, name, instances=True)
    own = {"export_dir", "dataset_type", "label_field", "iscrowd"} & set(settings)
    if own:
        raise PromptingError(f"{' and '.join(sorted(own))} can't be chosen here; use FiftyOne's own export for that.")
    labels = Labelled(dataset, name)
    field = labels.fields.instances
    marked, boxes = (f"{field}.detections.{one}" for one in (PRIOR_CONFIDENCE, "bounding_box"))
    with editing(dataset):
        add_fields(dataset, {marked: (fo.FloatField, None)})
    view = checks.with_all_fields(samples).set_field(marked, TRUE_AND_NO_CROWD)
    view = view.set_field(boxes, F("bounding_box").map(F() + NUDGE))
    view.export(
        export_dir=str(folder),
        dataset_type=_WithAreas,
        label_field=field,
        iscrowd=PRIOR_CONFIDENCE,
        **{"num_decimals": DECIMALS, **_categories(labels.targets, settings), **settings},
    )


def _categories(targets: Mapping[int, str], settings: Mapping) -> dict[str, list[dict]]:
    """The classes by the mask's values; FiftyOne would number them by the alphabet."""
    told = [{"id": value, "name": label, "supercategory": None} for value, label in sorted(targets.items()) if value]
    return {"categories": told} if told and not {"classes", "categories"} & set(settings) else {}


class _Exporter(fouc.COCODetectionDatasetExporter):
    """FiftyOne's, with the area of each mask, by which COCO tells small from large; FiftyOne takes the box's."""

    def close(self, *args) -> None:
        for one in self._annotations:
            runs = (one.get("segmentation") or {}).get("counts")
            if runs is not None:
                one["area"] = int(sum(runs[1::2]))  # background comes first
        super().close(*args)


class _WithAreas(fo.types.COCODetectionDataset):
    def get_dataset_exporter_cls(self) -> type[_Exporter]:
        return _Exporter
