"""Bringing masks that were there already into an evaluation: understood, and rendered beside the strategies'."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

from ..dataset.finals import final_names
from ..dataset.lock import Hold, editing
from ..dataset.mask_files import MaskFiles
from ..dataset.masks_there import MasksThere, declare, fields_written, values
from ..dataset.names import FinalFields, StrategyFields
from ..dataset.pages import samples_by_page
from ..dataset.reading import read_steps
from ..dataset.saving import writing
from ..labels.stored import label_map_of


def bring_in(
    view,
    fields: Sequence[str],
    classes: Sequence[str],
    beside: str,
    prefix: str,
    hold: Hold,
    files: MaskFiles | None = None,
) -> Iterator[tuple[int, int, str]]:
    """Render fields' masks in the strategies' values and at their size; a generator of (done, total, what is done).

    All fields are understood before the first is rendered. A sample without a label has no mask there, which counts as
    nothing found.

    Args:
        view: the samples that will be scored
        fields: of Segmentations, or Detections with masks, checked by their types
        classes: class i has the value i + 1
        beside: a strategy whose masks have the pictures' sizes
        prefix: of what is written
        hold: the run's lock
        files: where masks go; None: into the samples' documents

    Returns:
        ids of samples whose documents had no room for the masks

    Raises:
        PromptingError: labels that can't be understood
        Stopped: somebody asked for it
    """
    size_field, brought = StrategyFields.of(prefix, beside).mask, []
    finished = final_names(view._dataset)
    for field in fields:
        steps = read_steps(view, field, classes, size_field=size_field)
        while True:
            try:
                done, total = next(steps)
            except StopIteration as stop:
                brought.append(MasksThere(stop.value, FinalFields.of(field) if field in finished else None))
                break
            hold.check()
            yield done, max(1, total), f"reading {field}, {done} of {total} samples"
    with editing(view._dataset):
        for masks in brought:
            declare(view._dataset, prefix, masks)
    count, without = len(view), dict.fromkeys(fields, 0)
    parts = [tuple(fields_written(prefix, masks.field, masks.finished is not None)) for masks in brought]
    read = [size_field, *dict.fromkeys(name for masks in brought for name in masks.fields_read)]
    with writing(view._dataset, parts=parts, files=files) as writer:
        samples = samples_by_page(view.select_fields(read), view.values("id"))
        for done, sample in enumerate(samples, start=1):
            hold.check()
            height, width = label_map_of(sample[size_field]).shape
            written = {}
            for masks in brought:
                without[masks.field] += sample[masks.field] is None
                written |= values(masks.of(sample, height, width), prefix, masks.finished is not None)
            writer.write(sample.id, written, sample.filepath)
            yield done, count, f"rendering masks that are there, {done} of {count} samples"
    _tell_missing(without, count)
    return list(writer.refused)


def _tell_missing(without: dict[str, int], count: int) -> None:
    for field, missing in without.items():
        if missing:
            told = f"{missing} of {count} samples have no label in {field!r}: there it found nothing."
            warnings.warn(told, stacklevel=2)
