"""Pictures that a review tagged go to an annotation backend of FiftyOne's, and come back as edited labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import fiftyone as fo
import fiftyone.core.collections as foc
import numpy as np

from ..dataset import checks
from ..dataset.decisions import Decisions
from ..dataset.everywhere import these_samples
from ..dataset.finals import ACCEPTED_BY
from ..dataset.labelled import Labelled
from ..dataset.names import ACCEPTED, EDITED, SENT
from ..errors import PromptingError
from ..labels.instances import instance_window
from ..labels.stored import label_map_of
from ..pixels.masks import Window, paint
from .deciding import decide

BUILT_IN = ("cvat", "labelbox", "labelstudio")
CREDENTIALS = ("api_key", "username")
"""Without one of them FiftyOne's own backends ask for it on the terminal, for which nobody in the App waits."""
HOW = "https://docs.voxel51.com/user_guide/annotation.html"


@dataclass(frozen=True)
class Fetched:
    """What came back; ``print`` it.

    Attributes:
        edited: ids of the samples whose instances the annotators changed
        accepted: of those that they left as they were
    """

    edited: tuple[str, ...]
    accepted: tuple[str, ...]

    def __str__(self) -> str:
        count = len(self.edited)
        return f"{count} label{'s' * (count != 1)} came back edited and {len(self.accepted)} as they were."


def backends() -> list[str]:
    """The annotation backends that FiftyOne is told of with a key or a user, its default first; others are known by
    their configuration alone."""
    known, default = fo.annotation_config.backends, fo.annotation_config.default_backend
    able = [name for name, of in known.items() if name not in BUILT_IN or any(of.get(one) for one in CREDENTIALS)]
    return sorted(able, key=lambda name: (name != default, name))


def tagged(samples: foc.SampleCollection, name: str, tag: str = SENT) -> fo.DatasetView:
    """The samples whose labels wait for annotation.

    Raises:
        PromptingError: there are no such labels
    """
    checks.check_collection(samples)
    checks.check_labels(samples._dataset, name, instances=True)
    return checks.with_all_fields(samples).match_tags(tag).exists(name)


def to_send(samples: foc.SampleCollection, name: str, tag: str = SENT) -> fo.DatasetView:
    """Those of :func:`tagged` that aren't in an annotation run of these labels already: what is there is fetched first.

    Raises:
        PromptingError: there are no such labels
    """
    view, dataset = tagged(samples, name, tag), samples._dataset
    there = [dataset.load_annotation_view(key).values("id") for key in runs_of(dataset, name)]
    return view.exclude([one for ids in there for one in ids])


def send(
    samples: foc.SampleCollection,
    name: str,
    anno_key: str,
    backend: str | None,
    tag: str = SENT,
    settings: Mapping | None = None,
):
    """Upload what :func:`to_send` finds, with its labels' instances: FiftyOne's ``annotate``.

    Args:
        samples: a dataset or view
        name: of the labels
        anno_key: what FiftyOne is to call the annotation run
        backend: one of :func:`backends`; None: the first
        tag: of the samples that are sent
        settings: more keywords of FiftyOne's ``annotate`` and the backend

    Returns:
        FiftyOne's ``AnnotationResults``

    Raises:
        PromptingError: no sample has the tag, or all are sent already; no such backend, or a key that is taken or
            can't be one
    """
    view, able = to_send(samples, name, tag), backends()
    if not len(view):
        if len(tagged(samples, name, tag)):
            runs = ", ".join(runs_of(samples._dataset, name))
            raise PromptingError(
                f"All samples with the tag {tag!r} are in annotation runs ({runs}); fetch those.", "tag"
            )
        raise PromptingError(f"No sample of {name!r} has the tag {tag!r}; send some there in a review first.", "tag")
    if backend is None and not able:
        raise PromptingError(f"FiftyOne knows no annotation backend with a key or a user; tell it of one: {HOW}.")
    if backend is not None and backend not in able:
        known = f"choose from {', '.join(able)}" if able else f"tell FiftyOne of one: {HOW}"
        raise PromptingError(f"There is no backend {backend!r} with a key or a user; {known}.", "backend")
    if not isinstance(anno_key, str) or not anno_key.isidentifier():
        raise PromptingError(f"An annotation key is letters, digits and _, not {anno_key!r}.", "anno_key")
    if anno_key in samples._dataset.list_annotation_runs():
        raise PromptingError(f"There is an annotation run {anno_key!r} already; choose another key.", "anno_key")
    # FiftyOne keeps the view, in which others may be tagged later
    view = these_samples(samples._dataset, view.values("id"))
    labels = Labelled(samples._dataset, name)
    asked = {"type": "instances", "classes": list(labels.targets.values()), "attributes": {}}
    settings = {"launch_editor": False, **(settings or {})}
    return view.annotate(anno_key, {labels.fields.instances: asked}, backend=backend or able[0], **settings)


def fetch(dataset: fo.Dataset, name: str, anno_key: str, tag: str = SENT, settings: Mapping | None = None) -> Fetched:
    """Load what annotators made of the instances, paint the masks anew, and take the tag away; each label's change is a
    decision of the review, which ``undo`` takes back.

    Args:
        dataset: the dataset
        name: of the labels
        anno_key: of the annotation run
        tag: of the samples that were sent
        settings: more keywords of FiftyOne's ``load_annotations``

    Raises:
        PromptingError: there are no such labels, or no such run of them
    """
    tagged(dataset, name, tag)  # refuses what isn't there
    dataset = dataset._dataset
    labels = Labelled(dataset, name)
    if anno_key not in runs_of(dataset, name):
        known = ", ".join(runs_of(dataset, name)) or "none"
        raise PromptingError(f"There is no annotation run {anno_key!r} of {name!r}; there is: {known}.", "anno_key")
    labels.declare_status()
    ids = dataset.load_annotation_view(anno_key).values("id")
    before = {one: labels.of(raw) for one in ids if (raw := labels.find(one)) and raw.get(name) is not None}
    decisions = Decisions(dataset, name)
    before = decisions.keep_before(anno_key, before)  # until the end a label may be half loaded; then it is done again
    dataset.load_annotations(anno_key, **{"unexpected": "ignore", "progress": False, **(settings or {})})
    edited = []
    for sample_id, was in before.items():
        raw = labels.find(sample_id)
        if raw is None or raw.get(name) is None:
            continue  # somebody deleted it meanwhile
        shown = labels.read(raw)
        same = raw.get(labels.fields.instances) == was.get(labels.fields.instances)
        accepted = same and raw.get(labels.fields.status) != EDITED
        changes = {labels.fields.status: ACCEPTED if accepted else EDITED}
        if ACCEPTED_BY in raw[name]:  # now it is people who did
            changes[name] = {key: value for key, value in raw[name].items() if key != ACCEPTED_BY}
        if not same:
            edited.append(sample_id)
            mask = _painted(labels.detections(shown), labels, label_map_of(shown[name]).shape[:2])
            changes[name] = {**changes.get(name, raw[name]), "mask": fo.Segmentation(mask=mask).to_mongo()["mask"]}
            changes[name].pop("mask_path", None)
            changes |= labels.stored({labels.fields.expected_iou: None})
        decide(labels, raw, "accepted in annotation" if same else "edited in annotation", changes, was, untag=tag)
        decisions.forget_before(anno_key, sample_id)
    return Fetched(tuple(edited), tuple(one for one in before if one not in edited))


def runs_of(dataset: fo.Dataset, name: str) -> list[str]:
    """The keys of the annotation runs that labels were sent in."""
    field = Labelled(dataset, name).fields.instances
    infos = {key: dataset.get_annotation_info(key) for key in dataset.list_annotation_runs()}
    return [key for key, info in infos.items() if field in (info.config.label_schema or {})]


def _painted(detections: Sequence[fo.Detection], labels: Labelled, shape: tuple[int, int]) -> np.ndarray:
    """The mask of a label's instances, the surest on top; one that annotators drew is as sure as can be."""
    value_of = {label: value for value, label in labels.targets.items()}
    windows = [instance_window(one, *shape) or Window.empty(shape) for one in detections]
    sure = [1.0 if one.confidence is None else one.confidence for one in detections]
    return paint(windows, sure, [value_of.get(one.label, 1) for one in detections], shape)
