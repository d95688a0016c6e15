"""What a call from Python gives as references: a tag, a view, samples or their ids become text, which requests hold."""

from __future__ import annotations

from collections.abc import Iterable

import fiftyone as fo
import fiftyone.core.collections as foc
import fiftyone.core.patches as fop
import fiftyone.core.sample as fos
from bson import ObjectId

from ..errors import PromptingError
from .checks import with_all_fields
from .label_fields import CHOOSING
from .references import pictures


def as_references(given, samples: foc.SampleCollection, field: str | None = None) -> str | list[str] | None:
    """A view, samples and whatever goes through ids become a list of ids; text and None stay.

    Args:
        given: by a person
        samples: that strategies are applied to
        field: with the references' masks

    Raises:
        PromptingError: something else; nothing at all; a view of another dataset than the samples', or one that shows
            other labels than the dataset has
    """
    if given is None or isinstance(given, str):
        return given
    if isinstance(given, foc.SampleCollection):
        ids = _of_view(given, samples, field)
    else:
        one = isinstance(given, (ObjectId, fos.Sample, fos.SampleView)) or not isinstance(given, Iterable)
        ids = [_id_of(said) for said in ([given] if one else given)]
    if not ids:
        raise PromptingError(
            "There are no pictures in what is given as references; give a tag, a view or ids of a few labelled"
            " pictures.",
            "references",
        )
    return list(dict.fromkeys(ids))


def _id_of(said) -> str:
    if isinstance(said, (fos.Sample, fos.SampleView)) and not isinstance(said, fop.PatchView):
        if said.id is None:
            raise PromptingError(
                "A sample among the references is in no dataset yet; add it to this one.", "references"
            )
        return said.id
    if not isinstance(said, (str, ObjectId)):
        raise PromptingError(
            f"references are a tag, a view, or samples or their ids, and {type(said).__name__} is none of these.",
            "references",
        )
    return str(said)


def _of_view(given: foc.SampleCollection, samples: foc.SampleCollection, field: str | None) -> list[str]:
    patches = isinstance(given, fop.PatchesView)
    dataset = given._source_collection._dataset if patches else given._dataset
    if dataset is not getattr(samples, "_dataset", None):
        raise PromptingError(
            f"The references are of the dataset {dataset.name!r}, and strategies are applied to another; add them to"
            " that one.",
            "references",
        )
    ids = list(dict.fromkeys(given.values("sample_id" if patches else "id")))
    if ids and field and dataset.has_sample_field(field) and not shows_all(given, field):
        raise PromptingError(
            f"The view given as references shows other labels in {field!r} than the dataset has there, and pictures"
            f" teach all of these: keep what it shows with view.clone_sample_field({field!r}, 'shown'), and give"
            " reference_field='shown'.",
            "references",
        )
    return ids


def shows_all(view: foc.SampleCollection, field: str) -> bool:
    """Whether a view shows of its samples' labels in a field what the dataset has there."""
    if isinstance(view, fop.PatchesView):
        return _patches_alike(view, view._source_collection._dataset, field)
    harmless = (*CHOOSING, fo.SelectFields, fo.ExcludeFields, fo.SelectGroupSlices)
    if all(isinstance(stage, harmless) for stage in view.view()._stages):
        return True
    shown = with_all_fields(view).select_fields(field)
    stored = pictures(view._dataset).select(view.values("id"), ordered=True).select_fields(field)
    return all(_plain(one[field]) == _plain(other[field]) for one, other in zip(shown, stored, strict=True))


def _plain(label) -> dict | None:
    return None if label is None else label.to_dict()


def _patches_alike(patches: fop.PatchesView, dataset: fo.Dataset, field: str) -> bool:
    if patches._patches_stage.field != field:
        return True
    shown = dict(zip(*patches.values(["id", f"{field}.label"])))
    stored = pictures(dataset).select(list(set(patches.values("sample_id"))))
    where = next(iter({"detections", "polylines", "keypoints"} & set(dataset.get_field(field).document_type._fields)))
    return shown == dict(zip(*stored.values([f"{field}.{where}.id", f"{field}.{where}.label"], unwind=True)))
