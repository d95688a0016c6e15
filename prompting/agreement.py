"""How far the strategies agree on a picture: a score for difficulty that needs no truth."""

from __future__ import annotations

from collections.abc import Iterator

import fiftyone as fo
import fiftyone.core.collections as foc

from . import checks
from .analysis.agreement import mean_pairwise_iou
from .errors import PromptingError
from .lock import editing
from .masks import resize_mask
from .storage import DONE, StrategyFields
from .strategies import AUTOMATIC


def agreement_field(prefix: str) -> str:
    """The field with each picture's agreement, 0 to 1."""
    return f"{prefix}_agreement"


def comparable(samples: foc.SampleCollection, prefix: str) -> list[str]:
    """The strategies whose agreement means something: those that find their prompts themselves, if there are two.

    ``field_*`` strategies are left out: with prompts from the truth they would tell it.
    """
    there = [name for name in AUTOMATIC if samples.has_sample_field(StrategyFields.of(prefix, name).status)]
    return there if len(there) > 1 else []


def measure_agreement(samples: foc.SampleCollection, prefix: str = "sam2") -> None:
    """Store the mean IoU over all pairs of automatic strategies in ``<prefix>_agreement``.

    Pictures with masks of fewer than two strategies get None.

    Args:
        samples: a dataset or view with results
        prefix: of the strategies' fields

    Raises:
        PromptingError: fewer than two automatic strategies have results
    """
    for _ in measure_steps(samples, prefix):
        pass


def measure_steps(samples: foc.SampleCollection, prefix: str = "sam2") -> Iterator[tuple[int, int]]:
    """:func:`measure_agreement` as a generator of (samples done, samples)."""
    checks.check_collection(samples)
    samples = checks.with_all_fields(samples)
    fields = [StrategyFields.of(prefix, name) for name in comparable(samples, prefix)]
    if not fields:
        raise PromptingError(
            f"Agreement needs two strategies that find their prompts themselves, and the prefix {prefix!r} has fewer;"
            " apply another one first."
        )
    classes = {len(samples._dataset.mask_targets.get(f.mask) or {}) for f in fields}
    values = range(1, max(classes) + 1)
    target, total = agreement_field(prefix), len(samples)
    with editing(samples._dataset):
        samples._dataset.add_sample_field(target, fo.FloatField)
    read = [name for f in fields for name in (f.mask, f.status)]
    view = samples.select_fields([*read, target])
    for done, sample in enumerate(view.iter_samples(autosave=True), start=1):
        masks = [sample[f.mask].get_mask() for f in fields if sample[f.status] in DONE]
        # a picture that was replaced between two runs has masks of two sizes
        sample[target] = mean_pairwise_iou([resize_mask(mask, *masks[0].shape) for mask in masks], values)
        yield done, total
