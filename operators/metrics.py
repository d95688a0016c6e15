"""IoU as an evaluation metric of FiftyOne, which ships none."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np


class IoU(foo.EvaluationMetric):
    """Mean IoU over images; each image's own goes to the field ``<eval_key>_iou``."""

    @property
    def config(self) -> foo.EvaluationMetricConfig:
        config = foo.EvaluationMetricConfig(
            name="iou",
            label="Mean IoU over images",
            description="Intersection over union of each image, averaged over images",
            eval_types=["segmentation"],
            aggregate_key="mean_iou",
            unlisted=True,
        )
        # FiftyOne reads it here, and drops the constructor's argument of this name
        config.kwargs["lower_is_better"] = False
        return config

    def compute(self, samples, results, values=(1,)) -> float | None:
        """The mean over images of :func:`prompting.metrics.image_iou`; None without images.

        Args:
            samples: the evaluated collection
            results: FiftyOne's segmentation results
            values: the classes' mask values
        """
        from ..prompting.metrics import image_iou
        from ..prompting.priors.fields import resize_mask

        predicted, truth = results.config.pred_field, results.config.gt_field
        scores = {}
        for sample in samples.select_fields([predicted, truth]).iter_samples():
            if sample[predicted] is None or sample[truth] is None:
                continue
            target = sample[truth].get_mask()
            scores[sample.id] = image_iou(resize_mask(sample[predicted].get_mask(), *target.shape), target, values)
        if results.key is not None:
            for field in self.get_fields(samples, results.config, results.key):
                samples._dataset.add_sample_field(field, fo.FloatField)
                samples._dataset.set_values(field, scores, key_field="id")
        return float(np.mean(list(scores.values()))) if scores else None

    def get_fields(self, samples, config, eval_key) -> list[str]:
        return [f"{eval_key}_iou"]
