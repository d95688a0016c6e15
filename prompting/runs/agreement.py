"""How far the strategies agree on a picture: a score for difficulty that needs no truth."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import fiftyone as fo
import fiftyone.core.collections as foc

from ..analysis.agreement import Agreement, mean_pairwise_iou
from ..dataset import checks
from ..dataset.completeness import MASK, require
from ..dataset.declaring import add_fields
from ..dataset.lock import editing, run_lock
from ..dataset.names import StrategyFields, agreement_field
from ..dataset.pages import samples_by_page
from ..dataset.present import strategies_in
from ..dataset.saving import writing
from ..dataset.storage import DONE
from ..errors import PromptingError, Stopped
from ..labels.stored import label_map_of
from ..pixels.masks import resize_mask
from ..prompts.strategies import is_automatic
from .progress import Pace, Progress

LEAST = 5
"""How many of the pictures on which strategies agree least are named."""


def comparable(samples: foc.SampleCollection, prefix: str) -> list[str]:
    """The strategies whose agreement means something: those that find their prompts themselves, if there are two.

    ``field_*`` strategies are left out: with prompts from the truth they would tell it.
    """
    there = [name for name in strategies_in(samples, prefix) if is_automatic(name)]
    return there if len(there) > 1 else []


def measure_agreement(samples: foc.SampleCollection, prefix: str = "sam2") -> Agreement:
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
    return measured_agreement(samples, prefix)


def measured_agreement(samples: foc.SampleCollection, prefix: str = "sam2") -> Agreement:
    """What :func:`measure_agreement` stored, over these samples."""
    field = agreement_field(prefix)
    values = zip(*checks.with_all_fields(samples).values(["filepath", field]), strict=True)
    known = sorted(((os.path.basename(path), v) for path, v in values if v is not None), key=lambda item: item[1])
    mean = sum(v for _, v in known) / len(known) if known else None
    return Agreement(field, tuple(comparable(samples, prefix)), len(known), mean, tuple(known[:LEAST]))


def measure_steps(samples: foc.SampleCollection, prefix: str = "sam2") -> Iterator[Progress]:
    """:func:`measure_agreement` as a generator that tells progress after each sample.

    Raises:
        PromptingError: fewer than two automatic strategies have results
        Stopped: somebody asked for it (:mod:`prompting.dataset.stopping`)
    """
    checks.check_collection(samples)
    samples = checks.with_all_fields(samples)
    names = comparable(samples, prefix)
    if not names:
        raise PromptingError(
            f"Agreement needs two strategies that find their prompts themselves, and the prefix {prefix!r} has fewer;"
            " apply another one first."
        )
    require(samples, prefix, names, [MASK])
    total, done = len(samples), 0
    pace = Pace(total)
    with run_lock(samples._dataset, prefix, "measuring agreement") as hold:
        for done, failed in enumerate(measured(samples, prefix, names), start=1):
            progress = Progress(done, total, failed, pace.left(done))
            hold.tell(done, total, progress.seconds_left)
            yield progress
            if done < total and hold.asked_to_stop.is_set():
                break
    if hold.asked_to_stop.is_set() and done < total:
        raise Stopped(f"Stopped on request: {done} of {total} samples are measured; measure again to have the others.")


def measured(samples: foc.SampleCollection, prefix: str, names: Sequence[str]) -> Iterator[int]:
    """Store each sample's agreement between some strategies; how many could not be stored so far, after each."""
    dataset, field = samples._dataset, agreement_field(prefix)
    agreement = AgreementOf(dataset, prefix, names)
    with editing(dataset):
        add_fields(dataset, {field: (fo.FloatField, None)})
    view = samples.select_fields(agreement.fields)
    with writing(dataset) as writer:
        for sample in samples_by_page(view, samples.values("id")):
            writer.write(sample.id, {field: agreement.of(sample)})
            yield len(writer.refused)


class AgreementOf:
    """The agreement between some strategies on a sample.

    Args:
        dataset: whose samples
        prefix: of the strategies' fields
        names: the strategies
    """

    def __init__(self, dataset: fo.Dataset, prefix: str, names: Sequence[str]):
        self._strategies = [StrategyFields.of(prefix, name) for name in names]
        self.fields = [name for f in self._strategies for name in (f.mask, f.status)]
        classes = (len(dataset.mask_targets.get(f.mask) or {}) for f in self._strategies)
        self._values = range(1, max(classes, default=0) + 1)

    def of(self, sample: fo.Sample) -> float | None:
        """0 to 1; None where it has masks of fewer than two."""
        masks = [label_map_of(sample[f.mask]) for f in self._strategies if sample[f.status] in DONE]
        # a picture that was replaced between two runs has masks of two sizes
        return mean_pairwise_iou([resize_mask(mask, *masks[0].shape) for mask in masks], self._values)
