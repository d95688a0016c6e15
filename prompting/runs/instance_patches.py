"""FiftyOne's own evaluation of instances, with masks, for its patches of true and false positives and of misses.

It is kept beside the evaluation of pixels, and takes longer: FiftyOne compares masks pair by pair at the picture's
size, twice. The truth's instances are copied into a field of ours, in the strategies' words: FiftyOne marks every label
that it evaluates, and a person's own stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import eta.core.utils as etau
import fiftyone as fo
import fiftyone.core.evaluation as foe
import fiftyone.utils.eval.coco as fouc

from ..dataset.declaring import add_fields
from ..dataset.lock import Hold, editing
from ..dataset.mask_files import MaskFiles
from ..dataset.names import StrategyFields, objects_field, patches_key, truth_field
from ..dataset.pages import samples_by_page
from ..dataset.saving import writing
from ..dataset.truth import Truth, truth_objects
from ..labels.stored import label_map_of
from .scoring import sureness


class SurenessEvaluationConfig(fouc.COCOEvaluationConfig):
    """The configuration of FiftyOne's COCO evaluation, under whose name it is stored, of instances that are ranked by
    their predicted IoU times the prior's confidence."""

    @property
    def cls(self) -> str:
        return etau.get_class_name(fouc.COCOEvaluationConfig)

    def build(self) -> fouc.COCOEvaluation:
        return SurenessEvaluation(self)


class SurenessEvaluation(fouc.COCOEvaluation):
    """FiftyOne's COCO evaluation: for as long as it looks at a picture, an instance's confidence is our score."""

    def evaluate(self, sample, eval_key=None):
        with _ranked(sample[self.pred_field]):
            return super().evaluate(sample, eval_key=eval_key)

    def generate_results(self, samples, matches, **settings):
        pred_field = f"{self.pred_field}.detections"
        sure = fo.ViewField("prior_confidence")  # 0 is one too
        score = fo.ViewField("confidence") * (sure == None).if_else(1, sure)  # noqa: E711
        results = super().generate_results(samples.set_field(f"{pred_field}.confidence", score), matches, **settings)
        results._samples = samples
        return results


class _ranked:
    """Detections with their score as confidence, and afterwards with their own."""

    def __init__(self, detections: fo.Detections | None):
        self._detections = detections.detections if detections else []

    def __enter__(self) -> None:
        self._before = [detection.confidence for detection in self._detections]
        for detection in self._detections:
            detection.confidence = sureness(detection)

    def __exit__(self, *_) -> None:
        for detection, confidence in zip(self._detections, self._before):
            detection.confidence = confidence


def evaluate_patches(
    view, strategies: Sequence[str], prefix: str, truth: Truth, hold: Hold, files: MaskFiles | None = None
) -> Iterator[tuple[int, int, str]]:
    """Register each strategy's evaluation as ``<prefix>_coco_<strategy>``; a generator of (done, total, what is done).

    Args:
        view: the samples that were scored, with the truth rendered
        strategies: whose instances
        prefix: of the fields
        truth: with instances
        hold: the run's lock
        files: where masks go; None: into the samples' documents

    Raises:
        Stopped: somebody asked for it; the evaluations that are there stay
    """
    dataset, field, total = view._dataset, objects_field(prefix), len(view) * (1 + len(strategies))
    with editing(dataset):
        add_fields(dataset, {field: (fo.EmbeddedDocumentField, fo.Detections)})
    done = 0
    with writing(dataset, parts=[[field]], files=files) as writer:
        fields = list(dict.fromkeys([truth.field, truth_field(prefix)]))
        for sample in samples_by_page(view.select_fields(fields), view.values("id")):
            hold.check()
            shape = label_map_of(sample[truth_field(prefix)]).shape
            writer.write(sample.id, {field: truth_objects(sample[truth.field], truth.classes, *shape)}, sample.filepath)
            done += 1
            yield done, total, "copying the truth's instances"
    for name in strategies:
        hold.check()
        yield done, total, f"FiftyOne's evaluation of {name}'s instances"
        key = patches_key(prefix, name)
        with editing(dataset):
            if key in dataset.list_evaluations():
                foe.EvaluationMethod.delete_run(dataset, key)
        view.evaluate_detections(
            StrategyFields.of(prefix, name).instances,
            gt_field=field,
            eval_key=key,
            classes=list(truth.classes),
            method=SurenessEvaluationConfig,
            use_masks=True,
            compute_mAP=True,
            progress=False,
        )
        done += len(view)
    yield total, total, "FiftyOne's evaluation of instances is done"
