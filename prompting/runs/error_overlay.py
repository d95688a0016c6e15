"""One strategy's hits, misses and excess on the pictures, as a field that the App draws."""

from __future__ import annotations

from collections.abc import Iterator

import fiftyone as fo
import fiftyone.core.collections as foc
import numpy as np
from PIL import ImageColor

from ..analysis.error_map import EXCESS, HIT, MISSED, WRONG_CLASS, error_map
from ..analysis.palette import GREEN, PURPLE, SKY, VERMILLION
from ..dataset import checks
from ..dataset.completeness import MASK, require
from ..dataset.declaring import add_fields, set_targets
from ..dataset.everywhere import all_samples
from ..dataset.lock import Hold, editing, run_lock
from ..dataset.names import StrategyFields, overlay_field, truth_field
from ..dataset.pages import samples_by_page
from ..dataset.saving import writing
from ..dataset.storage import has_result
from ..errors import PromptingError
from ..labels.stored import label_map_of
from ..pixels.masks import Window, resize_mask
from .progress import Pace, Progress

WORDS = {HIT: "hit", MISSED: "missed", EXCESS: "excess", WRONG_CLASS: "wrong class"}
COLOURS = {HIT: GREEN, MISSED: VERMILLION, EXCESS: SKY, WRONG_CLASS: PURPLE}
"""The masks are in these colours themselves: by field, the App gives all values of a mask of numbers the same one."""
_RGB = np.array([(0, 0, 0), *(ImageColor.getrgb(COLOURS[value]) for value in sorted(COLOURS))], np.uint8)


def show_errors(samples: foc.SampleCollection, strategy: str, prefix: str = "sam2") -> Iterator[Progress]:
    """Write a strategy's error maps, for some pictures, into the one field that there is for them.

    Any other pictures lose theirs, so that what is seen is always of one strategy. Of pictures with another size than
    their truth, which were replaced since, the size of the truth counts.

    Args:
        samples: a dataset or view; samples without a truth, or without the strategy's mask, are left out
        strategy: its name
        prefix: of the strategies' fields

    Yields:
        progress after each picture

    Raises:
        PromptingError: before anything is written: no such results, nothing was evaluated, none of the samples has
            both, or a field of that name that holds something else
    """
    checks.check_collection(samples)
    samples = checks.with_all_fields(samples)
    with run_lock(samples._dataset, prefix, "showing errors") as hold:
        yield from _show(samples, strategy, prefix, hold)


def showable(samples: foc.SampleCollection, strategy: str, prefix: str = "sam2") -> foc.SampleCollection:
    """The samples that have both a truth and a strategy's mask.

    Raises:
        PromptingError: no such results, nothing was evaluated, or none of the samples has both
    """
    strategy = checks.check_applied(samples._dataset, prefix, strategy)
    checks.check_type(samples._dataset, overlay_field(prefix), fo.EmbeddedDocumentField, fo.Segmentation)
    truth, fields = truth_field(prefix), StrategyFields.of(prefix, strategy)
    if not samples.has_sample_field(truth):
        raise PromptingError(
            f"Errors can only be shown against a ground truth, and nothing was evaluated with the prefix {prefix!r};"
            " evaluate strategies first."
        )
    view = samples.exists(truth).match(has_result(fields)).exists(fields.mask)
    if not len(view):
        raise PromptingError(
            f"None of these {len(samples)} samples has both a mask of {strategy!r} and an evaluated truth; choose"
            " others, or evaluate them first."
        )
    require(view, prefix, [strategy], [MASK])
    return view


def _show(samples: foc.SampleCollection, strategy: str, prefix: str, hold: Hold) -> Iterator[Progress]:
    view, dataset, field = showable(samples, strategy, prefix), samples._dataset, overlay_field(prefix)
    mask, truth, ids = StrategyFields.of(prefix, strategy).mask, truth_field(prefix), view.values("id")
    with editing(dataset):
        _declare(dataset, field, strategy, classes=len(dataset.mask_targets.get(mask) or {}))
    all_samples(dataset).exists(field).clear_sample_field(field)
    yield Progress(0, len(ids), 0)
    pace = Pace(len(ids))
    with writing(dataset) as writer:
        for done, sample in enumerate(samples_by_page(view.select_fields([mask, truth]), ids), start=1):
            target = label_map_of(sample[truth])
            found = resize_mask(label_map_of(sample[mask]), *target.shape)
            writer.write(sample.id, {field: fo.Segmentation(mask=_coloured(error_map(found, target)))})
            progress = Progress(done, len(ids), 0, pace.left(done))
            hold.tell(done, len(ids), progress.seconds_left)
            yield progress
            hold.check()


def _coloured(errors: np.ndarray) -> np.ndarray:
    """An error map in its colours, (H, W, 3) uint8."""
    picture, place = np.zeros((*errors.shape, 3), np.uint8), Window.of(errors > 0).place
    picture[place] = _RGB[errors[place]]
    return picture


def _declare(dataset: fo.Dataset, field: str, strategy: str, classes: int) -> None:
    """The field, and what its colours mean."""
    words = {value: word for value, word in WORDS.items() if value != WRONG_CLASS or classes > 1}
    add_fields(dataset, {field: (fo.EmbeddedDocumentField, fo.Segmentation)})
    set_targets(dataset, field, {COLOURS[value].lower(): word for value, word in words.items()})
    dataset.save()  # or FiftyOne would read the fields again before it saves the description of one
    declared = dataset.get_field(field)
    declared.description = f"Where {strategy} is right and wrong: {', '.join(words.values())}"
    declared.save()
