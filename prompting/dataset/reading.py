"""Looking at a field's labels, once, to say what they are understood as: then they are used everywhere alike."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

import fiftyone as fo
import fiftyone.core.collections as foc

from ..errors import PromptingError
from ..labels.encoding import Encoding
from ..labels.instances import is_crowd
from ..labels.problems import NO_BOX, NO_PIXELS
from ..labels.reading import Reading, of_instances, of_masks
from ..labels.stored import label_map_of
from ..labels.survey import Survey
from ..labels.targets import Targets
from ..labels.understanding import understand
from ..pixels.images import upright_size
from ..spelling import spelled
from ..steps import ended
from .everywhere import these_samples
from .label_fields import altered_alike, check_names, check_relative, has_instance_masks, label_type_of, mask_targets

GLANCE = 20
"""So many samples are looked at where a form asks, at each keystroke."""
TELL_EVERY = 100
BESIDE = 200
"""So many masks outside of a view are looked at where its own leave in doubt what 255 means."""


def read_steps(
    samples: foc.SampleCollection,
    name: str,
    classes: Sequence[str],
    ignore_values: Sequence[int] | None = None,
    size_field: str | None = None,
    strict: bool = True,
    most: int | None = None,
    known: Encoding | None = None,
) -> Iterator[tuple[int, int]]:
    """Look at a label field, and say what it was understood as.

    Every mask is decoded once (of ``most`` samples at most): whether 255 is void, say, shows only in all of them.

    Args:
        samples: a dataset or view; the labels are taken as it shows them
        name: a field of Segmentations, Detections or Keypoints
        classes: that are wanted
        ignore_values: mask values that count for nothing, see :func:`prompting.labels.understanding.understand`
        size_field: a Segmentation field whose masks have the pictures' sizes, for pictures whose files are gone
        strict: refuse labels that have no mask or whose file can't be read; else they are left to their samples
        most: look at the first so many samples with a label
        known: how a Segmentation's masks were found to be encoded before, among more samples

    Yields:
        (samples done, samples) now and then; the generator returns the :class:`Reading`

    Raises:
        PromptingError: labels that can't be understood: how many, and the first of them
    """
    kind = label_type_of(samples, name)
    labelled = samples.exists(name)
    count = len(labelled)
    looked = labelled if most is None or count <= most else labelled.limit(most)
    total = min(count, most or count)
    targets = Targets(mask_targets(samples, name), classes) if kind is fo.Segmentation else None
    if kind is fo.Segmentation and targets.names:
        targets.values_of(name, classes)  # what can be known without a look at the masks
    elif kind is not fo.Segmentation:
        check_names(samples, name, kind, classes, strict)
        check_relative(looked, name, kind, classes, truth=strict)
    survey, tally = Survey(), dict.fromkeys(("people", "crowds", "boxes"), 0)
    if kind is fo.Keypoints or (kind is fo.Detections and not strict and not has_instance_masks(looked, name)):
        total = 0  # no masks to look at
    else:
        sizes = _sizes(samples, size_field)
        for done, sample in enumerate(looked.select_fields(name).iter_samples(), start=1):
            _look(survey, sample, name, classes, sizes, targets, tally)
            if done % TELL_EVERY == 0:
                yield done, total
    _refuse_missing(survey, name, kind, strict)
    looked_at = total or count
    if kind is not fo.Segmentation:
        return of_instances(survey, name, kind.__name__, classes, tally, (looked_at, count), strict)
    if not known and ignore_values is None and looked_at == count and survey.is_doubtful(targets):
        _look_beside(survey, samples, name, targets)
    encoding = known or understand(survey, name, classes, targets, ignore_values, looked_at == count)
    return of_masks(survey, name, classes, targets, encoding, (looked_at, count))


def read(samples: foc.SampleCollection, name: str, classes: Sequence[str], **settings) -> Reading:
    """:func:`read_steps` in one go."""
    return ended(read_steps(samples, name, classes, **settings))


def _sizes(samples: foc.SampleCollection, size_field: str | None) -> Callable[[fo.Sample], tuple[int, int] | None]:
    """Where to ask for a picture's (height, width): its file's first bytes; where that is gone, a mask of its size."""

    def of_mask(sample: fo.Sample) -> tuple[int, int] | None:
        label = these_samples(samples._dataset, sample.id).select_fields(size_field).first()[size_field]
        return None if label is None else label_map_of(label).shape

    return lambda sample: upright_size(sample.filepath) or (of_mask(sample) if size_field else None)


def _look(survey: Survey, sample, name: str, classes, sizes, targets: Targets | None, tally: dict[str, int]) -> None:
    label, file = sample[name], os.path.basename(sample.filepath)
    if targets is not None:
        survey.add_segmentation(label, file, sizes(sample), targets)
        return
    picture = None
    for detection in label.detections:
        if spelled(detection.label, classes) is None:
            continue
        tally["crowds" if is_crowd(detection) else "people"] += 1
        picture = picture or sizes(sample)
        survey.add_detection(detection, file, picture)


def _look_beside(survey: Survey, samples: foc.SampleCollection, name: str, targets: Targets) -> None:
    """A view of few pictures, with nobody on them and void around, say, means by 255 what its dataset means."""
    own, alike = set(samples.values("id")), altered_alike(samples).exists(name)
    others = alike.select([one for one in alike.values("id") if one not in own][:BESIDE])
    other = Survey()
    for sample in others.select_fields(name).iter_samples():
        other.add_segmentation(sample[name], os.path.basename(sample.filepath), None, targets)
    survey.look_beside(other)


def _refuse_missing(survey: Survey, name: str, kind: type, strict: bool) -> None:
    if not strict:
        survey.refuse(name, but=(NO_PIXELS, NO_BOX))
        return
    if survey.without.count:
        told = f"{survey.without.count} of {survey.masks}"
        if kind is fo.Segmentation:
            raise PromptingError(f"{told} labels in {name!r} have no mask (the first: {survey.without.first}).")
        raise PromptingError(
            f"{told} detections in {name!r} have no instance mask (the first: {survey.without.first}), so masks can't"
            " be scored."
        )
    if survey.unreadable.count:
        raise PromptingError(
            f"{survey.unreadable.count} of {survey.masks} masks of {name!r} can't be read, the first of them"
            f" {survey.gone}; put them back, or leave their samples out."
        )
    survey.refuse(name)
