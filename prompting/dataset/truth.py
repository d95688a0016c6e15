"""The ground truth in the strategies' own values, whatever the dataset has it in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import fiftyone as fo
import numpy as np

from ..errors import PromptingError
from ..labels.encoding import Encoding
from ..labels.instances import clipped_box, instance_window, is_crowd
from ..labels.reading import Reading
from ..labels.targets import ignored_values
from ..pixels.masks import IGNORED, Window
from ..pixels.regions import Region, components, count_parts
from ..priors.fields import FieldPrior
from ..spelling import spelled
from .declaring import add_fields, set_targets
from .everywhere import all_samples
from .label_fields import label_type_of
from .names import count_field, size_field, truth_field
from .reading import read, read_steps
from .saving import nearly_full


@dataclass(frozen=True)
class Drawn:
    """A picture's truth.

    Attributes:
        label_map: (H, W) uint8: 0 background, i + 1 class i, 255 crowds and void
        instances: (class, mask) of each instance; of a Segmentation its connected parts. No crowds.
        crowds: (class, mask) of each crowd, whole: people may stand before it
    """

    label_map: np.ndarray
    instances: tuple[tuple[str, Window], ...]
    crowds: tuple[tuple[str, Window], ...] = ()

    @property
    def size(self) -> float:
        """The share of the picture that the largest instance covers."""
        return max((mask.area for _, mask in self.instances), default=0) / self.label_map.size


class Truth:
    """A field's labels of some classes, as a label map and as instances.

    Args:
        reading: what the labels were understood as; :func:`prompting.dataset.reading.read_steps` refuses what can't be
    """

    def __init__(self, reading: Reading):
        self.reading, self.field, self.classes = reading, reading.field, reading.classes
        self.has_instances = reading.kind == fo.Detections.__name__
        self._encoding = reading.encoding or Encoding()
        self._value_of = {label: i + 1 for i, label in enumerate(self.classes)}
        self._prior = FieldPrior(self.classes, self._encoding)

    def drawn(self, label: fo.Label, height: int, width: int) -> Drawn:
        """A label at a picture's size; each of its masks is decoded once."""
        if self.has_instances:
            return draw_instances(label, height, width, self._value_of)
        label_map = self._encoding.label_map(label, height, width, self._value_of)
        parts = ((name, components(label_map == value, 0.0)) for name, value in self._value_of.items())
        return Drawn(label_map, tuple((name, Window.of(part)) for name, found in parts for part in found))

    def label_map(self, label: fo.Label, height: int, width: int) -> np.ndarray:
        """(H, W) uint8: 0 background, i + 1 class i, 255 crowds and void."""
        return self.drawn(label, height, width).label_map

    def regions(self, label: fo.Label, height: int, width: int) -> list[Region]:
        """The instances, each with its box and its mask; of a Segmentation its connected parts. No crowds."""
        return [region for region in self._prior.regions(label, height, width) if region.mask is not None]


def read_truth(
    view,
    field: str,
    classes: Sequence[str],
    ignore_values: Sequence[int] | None = None,
    size_field: str | None = None,
    known: Encoding | None = None,
) -> Iterator[tuple[int, int]]:
    """Understand a truth or refuse it, before anything is scored; a generator of (samples done, samples).

    Args:
        view: the samples, all with a label
        field: a Segmentation, or Detections with instance masks
        classes: class i has the value i + 1
        ignore_values: mask values that count for nothing; by default those that are void by name or custom
        size_field: a Segmentation field whose masks have the pictures' sizes
        known: how a Segmentation's masks were found to be encoded before, among more samples

    Returns:
        the :class:`Truth`

    Raises:
        PromptingError: labels without masks, with masks in files that are gone, of another type, or not understood
    """
    _check_type(view, field)
    return Truth((yield from read_steps(view, field, classes, ignore_values, size_field, known=known)))


def inspect_truth(
    samples,
    field: str,
    classes: Sequence[str],
    ignore_values: str | int | Sequence | None = None,
    most: int | None = None,
) -> Reading:
    """What a truth is understood as, without scoring anything; ``print`` it.

    Args:
        samples: a dataset or view
        field: a Segmentation, or Detections with instance masks
        classes: that are wanted
        ignore_values: see :func:`prompting.runs.evaluation.evaluate`
        most: look at the first so many samples with a label; by default at all

    Raises:
        PromptingError: what evaluating would refuse
    """
    _check_type(samples, field)
    reading = read(samples, field, classes, ignore_values=ignored_values(ignore_values), most=most)
    if reading.encoding is None:
        return reading
    value_of = {name: i + 1 for i, name in enumerate(classes)}
    parts = 0
    for sample in samples.exists(field).select_fields(field).limit(reading.looked_at).iter_samples():
        label_map = reading.encoding.label_map(sample[field], None, None, value_of)
        parts += count_parts(label_map, value_of.values())
    return replace(reading, instances=parts)


def _check_type(samples, field: str) -> None:
    if label_type_of(samples, field) not in (fo.Segmentation, fo.Detections):
        raise PromptingError(f"The truth {field!r} must be a Segmentation or Detections with instance masks.")


def paint_instances(label: fo.Detections, height: int, width: int, value_of: Mapping[str, int]) -> np.ndarray:
    """The label map of :func:`draw_instances`, (H, W) uint8."""
    return draw_instances(label, height, width, value_of).label_map


def draw_instances(label: fo.Detections, height: int, width: int, value_of: Mapping[str, int]) -> Drawn:
    """Instance masks painted over ignored crowds; those whose boxes are thinner than a pixel are no instances."""
    label_map, instances, crowds = np.zeros((height, width), np.uint8), [], []
    named = [(detection, spelled(detection.label, tuple(value_of))) for detection in label.detections]
    wanted = [(detection, name) for detection, name in named if name is not None]
    for crowd in (True, False):
        for detection, name in wanted:
            if is_crowd(detection) == crowd:
                mask = instance_window(detection, height, width)
                if mask is not None and mask.any():
                    label_map[mask.place][mask.crop] = IGNORED if crowd else value_of[name]
                    if crowd:
                        crowds.append((name, mask))
                    elif clipped_box(detection, height, width) is not None:
                        instances.append((name, mask))
    return Drawn(label_map, tuple(instances), tuple(crowds))


def truth_objects(label: fo.Detections, classes: Sequence[str], height: int, width: int) -> fo.Detections:
    """The instances of :func:`draw_instances`, crowds too, as Detections whose names are the strategies'."""
    objects = []
    for detection in label.detections:
        name = spelled(detection.label, tuple(classes))
        mask = None if name is None else instance_window(detection, height, width)
        if (
            mask is not None
            and mask.any()
            and (crowd := is_crowd(detection)) | (clipped_box(detection, height, width) is not None)
        ):
            x1, y1, x2, y2 = (float(value) for value in mask.box)
            box = [x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height]
            objects.append(fo.Detection(label=name, bounding_box=box, mask=mask.crop, iscrowd=crowd))
    return fo.Detections(detections=objects)


def declare_truth(dataset: fo.Dataset, truth: Truth, prefix: str) -> None:
    """Add the truth's fields, before the first is written; the caller holds the dataset's document."""
    types = {
        truth_field(prefix): (fo.EmbeddedDocumentField, fo.Segmentation),
        count_field(prefix): (fo.IntField, None),
        size_field(prefix): (fo.FloatField, None),
    }
    add_fields(dataset, types)
    # the App draws no value without a name: crowds, which count for nothing, don't look missed
    set_targets(dataset, truth_field(prefix), {i + 1: name for i, name in enumerate(truth.classes)})


def without_room(view, prefix: str, refused: Iterable[str]) -> list[str]:
    """The ids of samples whose documents have no room for the truth and what is written of it: they lose the truth.

    Args:
        view: whose truth was written
        prefix: of the fields
        refused: those whose truth could not be written
    """
    full = list(dict.fromkeys([*refused, *nearly_full(view)]))
    if full:
        all_samples(view._dataset).set_values(truth_field(prefix), dict.fromkeys(full), key_field="id", progress=False)
    return full
