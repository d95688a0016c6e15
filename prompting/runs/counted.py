"""FiftyOne's evaluation of masks whose pixels have been counted already.

FiftyOne reads each mask again to count its pixels, by sorting all of them: on a photograph of twelve megapixels most of
an evaluation's time. Everything else of its evaluation stays its own: what it registers, stores and shows in the App,
under its own names. The counts are those that it would make, which is a test of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import eta.core.utils as etau
import fiftyone.utils.eval.segmentation as fous
import numpy as np


@dataclass(frozen=True)
class Count:
    """One picture's pixels.

    Attributes:
        confusion: (1 + C, 1 + C) int, rows truth, columns prediction, the background first
        truth_id, predicted_id: the Segmentations' ids
    """

    confusion: np.ndarray
    truth_id: str
    predicted_id: str


class CountedEvaluationConfig(fous.SimpleEvaluationConfig):
    """The configuration of FiftyOne's simple evaluation, under whose name it is stored.

    Args:
        pred_field, gt_field: the Segmentations
        counts: of each picture
        **kwargs: FiftyOne's own
    """

    def __init__(self, pred_field: str, gt_field: str, counts: Sequence[Count] = (), **kwargs):
        super().__init__(pred_field, gt_field, **kwargs)
        self._counts = counts

    @property
    def cls(self) -> str:
        return etau.get_class_name(fous.SimpleEvaluationConfig)

    def build(self) -> CountedEvaluation:
        return CountedEvaluation(self)


class CountedEvaluation(fous.SimpleEvaluation):
    """FiftyOne's simple evaluation with the counts that it was given; each picture's scores are stored before."""

    def register_samples(self, samples, eval_key) -> None:
        """The fields are declared already."""

    def add_fields_to_sidebar_group(self, samples, eval_key, omit_fields=None) -> None:
        """They come into the strategy's group (:func:`prompting.dataset.appearance.arrange`)."""

    def evaluate_samples(self, samples, eval_key=None, mask_targets: Mapping | None = None, progress=None):
        values, classes = zip(*sorted(mask_targets.items()), strict=True)
        counts, matches = self.config._counts, []
        for count in counts:
            for i, j in zip(*np.nonzero(count.confusion)):
                pixels = int(count.confusion[i, j])
                matches.append((classes[i], classes[j], pixels, count.truth_id, count.predicted_id))
        confusion = sum((count.confusion for count in counts), np.zeros((len(values), len(values)), int))
        return fous.SegmentationResults(
            samples, self.config, eval_key, confusion, classes, matches=matches, missing=classes[0], backend=self
        )


def scores_of(confusion: np.ndarray) -> dict[str, float | None]:
    """FiftyOne's accuracy, precision and recall of one picture; None where nothing of the classes is in the truth."""
    values = list(range(len(confusion)))
    metrics = fous.SegmentationResults(None, None, None, confusion, values, missing=0).metrics(average="micro")
    return {name: metrics[name] if metrics["support"] else None for name in ("accuracy", "precision", "recall")}
