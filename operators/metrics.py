"""Scores of single images as evaluation metrics of FiftyOne, which ships none of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np


class ImageScore(foo.EvaluationMetric, ABC):
    """A score's mean over images; each image's own goes to the field ``<eval_key>_<name>``."""

    name_of_score: str
    label: str
    description: str

    @property
    def config(self) -> foo.EvaluationMetricConfig:
        config = foo.EvaluationMetricConfig(
            name=self.name_of_score,
            label=self.label,
            description=self.description,
            eval_types=["segmentation"],
            aggregate_key=f"mean_{self.name_of_score}",
            unlisted=True,
        )
        # FiftyOne reads it here, and drops the constructor's argument of this name
        config.kwargs["lower_is_better"] = False
        return config

    @abstractmethod
    def score(self, predicted: np.ndarray, truth: np.ndarray, values: Sequence[int]) -> float:
        """One image's score, of two (H, W) label maps."""

    def compute(self, samples, results, values=(1,), stored=False) -> float | None:
        """The mean over images of :meth:`score`; None without images.

        Args:
            samples: the evaluated collection
            results: FiftyOne's segmentation results
            values: the classes' mask values
            stored: the images' scores are in their field already, and aren't computed again
        """
        if stored:
            scores = samples.values(f"{results.key}_{self.name_of_score}")
            return float(np.mean(scores)) if scores else None
        from ..prompting.dataset.everywhere import all_samples
        from ..prompting.labels.stored import label_map_of
        from ..prompting.pixels.masks import resize_mask

        predicted, truth = results.config.pred_field, results.config.gt_field
        scores = {}
        for sample in samples.select_fields([predicted, truth]).iter_samples():
            if sample[predicted] is None or sample[truth] is None:
                continue
            target = label_map_of(sample[truth])
            scores[sample.id] = self.score(resize_mask(label_map_of(sample[predicted]), *target.shape), target, values)
        if results.key is not None:
            for field in self.get_fields(samples, results.config, results.key):
                samples._dataset.add_sample_field(field, fo.FloatField)
                all_samples(samples._dataset).set_values(field, scores, key_field="id")
        return float(np.mean(list(scores.values()))) if scores else None

    def get_fields(self, samples, config, eval_key) -> list[str]:
        return [f"{eval_key}_{self.name}"]


class IoU(ImageScore):
    """Mean IoU over images."""

    name_of_score = "iou"
    label = "Mean IoU over images"
    description = "Intersection over union of each image, averaged over images"

    def score(self, predicted: np.ndarray, truth: np.ndarray, values: Sequence[int]) -> float:
        """See :func:`prompting.analysis.metrics.image_iou`."""
        from ..prompting.analysis.metrics import image_iou

        return image_iou(predicted, truth, values)


class BoundaryIoU(ImageScore):
    """Mean boundary IoU over images."""

    name_of_score = "boundary_iou"
    label = "Mean boundary IoU over images"
    description = "IoU of the pixels within 2 % of the diagonal of the outlines, averaged over images"

    def score(self, predicted: np.ndarray, truth: np.ndarray, values: Sequence[int]) -> float:
        """See :func:`prompting.analysis.metrics.boundary_iou`."""
        from ..prompting.analysis.metrics import boundary_iou

        return boundary_iou(predicted, truth, values)
