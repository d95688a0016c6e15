"""The ground truth in the strategies' own values, whatever the dataset has it in."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace

import fiftyone as fo
import numpy as np

from ..errors import PromptingError
from ..labels.encoding import Encoding
from ..labels.instances import instance_mask, is_crowd
from ..labels.reading import Reading
from ..labels.targets import ignored_values
from ..pixels.masks import IGNORED
from ..pixels.regions import Region, count_parts
from ..priors.fields import FieldPrior
from ..spelling import spelled
from .label_fields import label_type_of
from .lock import editing
from .names import StrategyFields, count_field, size_field, truth_field
from .pages import samples_by_page
from .reading import read, read_steps
from .saving import nearly_full, saving


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

    def label_map(self, label: fo.Label, height: int, width: int) -> np.ndarray:
        """(H, W) uint8: 0 background, i + 1 class i, 255 crowds and void."""
        if self.has_instances:
            return paint_instances(label, height, width, self._value_of)
        return self._encoding.label_map(label, height, width, self._value_of)

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
    """Instance masks painted over ignored crowds, (H, W) uint8."""
    truth = np.zeros((height, width), np.uint8)
    named = [(detection, spelled(detection.label, tuple(value_of))) for detection in label.detections]
    wanted = [(detection, name) for detection, name in named if name is not None]
    for crowd in (True, False):
        for detection, name in wanted:
            if is_crowd(detection) == crowd:
                mask = instance_mask(detection, height, width)
                if mask is not None:
                    truth[mask] = IGNORED if crowd else value_of[name]
    return truth


def render_truth(view, truth: Truth, strategy: str, prefix: str) -> Generator[None, None, tuple[int, list[str]]]:
    """Write the truth's fields at the size of the strategies' masks, which is the picture's own.

    Yields:
        after each picture

    Returns:
        how many instances there are, and the ids of samples whose documents have no room for it: they have none
    """
    dataset, field, predicted = view._dataset, truth_field(prefix), StrategyFields.of(prefix, strategy).mask
    with editing(dataset):
        dataset.add_sample_field(field, fo.EmbeddedDocumentField, embedded_doc_type=fo.Segmentation)
        dataset.add_sample_field(count_field(prefix), fo.IntField)
        dataset.add_sample_field(size_field(prefix), fo.FloatField)
        # the App draws no value without a name: crowds, which count for nothing, don't look missed
        dataset.mask_targets[field] = {i + 1: name for i, name in enumerate(truth.classes)}
        dataset.save()
    written = [field, count_field(prefix), size_field(prefix)]
    chosen = view.select_fields([truth.field, predicted, *written])
    instances: dict[str, int] = {}
    with saving(chosen) as saver:
        for sample in samples_by_page(chosen, view.values("id")):
            height, width = sample[predicted].get_mask().shape
            areas = [int(region.mask.sum()) for region in truth.regions(sample[truth.field], height, width)]
            sample[field] = fo.Segmentation(mask=truth.label_map(sample[truth.field], height, width))
            sample[count_field(prefix)] = instances[sample.id] = len(areas)
            sample[size_field(prefix)] = max(areas, default=0) / (height * width)
            saver.save(sample)
            yield
    full = list(dict.fromkeys([*saver.refused, *nearly_full(view)]))
    if full:
        dataset.set_values(field, dict.fromkeys(full), key_field="id", progress=False)
    return sum(count for sample_id, count in instances.items() if sample_id not in full), full
