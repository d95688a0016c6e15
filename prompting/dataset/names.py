"""All names that the plugin gives: of fields, of registered runs, of evaluations. Nothing else makes one up.

What is written under a name, and what type it has, stays as it is from version to version: datasets outlive us.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import fiftyone as fo

from ..prompts.strategies import find

RECORD, COMPARISON, ROBUSTNESS, LABELS = "sam2_prompting", "sam2_comparison", "sam2_robustness", "sam2_labels"
STUDY, NEXT = "sam2_study", "sam2_next"
"""What FiftyOne's list of runs calls what we register: how results were made, the table, the curves, labels, a sweep's
study, and in which order pictures are to be labelled."""

SCORES = ("accuracy", "precision", "recall", "iou", "boundary_iou")
"""Of each picture: FiftyOne's own three, and the two metrics; each in ``<eval_key>_<score>``."""

COUNTS = ("tp", "fp", "fn")
"""Of each picture's instances, where FiftyOne evaluated them."""

TO_REVIEW, ACCEPTED, EDITED = "to review", "accepted", "edited"
"""What became of a final label: nobody looked at it yet; it is good as it is; a person changed it."""

SENT = "sent to annotation"
"""The tag of a picture that a review sent to annotation: no tag that is given for anything else."""

_ENDINGS = ("_instances", "_prompt_boxes", "_positive", "_negative", "_rounds", "_status", "_score", "_error")


@dataclass(frozen=True)
class StrategyFields:
    """The names of the fields that one strategy may write; which of them it does write, :func:`written_fields` says.

    The App gets slower with every field, so that one that would always be empty isn't there.

    The boxes' field says ``prompt``, for ``clip_box`` + ``_points`` would be
    the mask field of ``clip_box_points``.

    Attributes:
        mask: the Segmentation, all instances together
        instances: Detections with masks, one a prompt
        boxes: Detections, the prompts' boxes
        positive, negative: Keypoints, the clicks of each kind, in two fields so that the App gives them two colours;
            with ``sam_labels``, as FiftyOne's own SAM 2 takes them, and ``places``, their places in the prompt
        rounds: Detections with masks, each instance before the first and after each corrective click
        status, score: ``ok``, ``no_prompt`` or ``error: …``, and the mean predicted IoU
        points: Keypoints, all clicks of a prompt in one, which earlier versions wrote too and which is still read
    """

    mask: str
    instances: str
    boxes: str
    positive: str
    negative: str
    rounds: str
    status: str
    score: str
    points: str

    @classmethod
    def of(cls, prefix: str, strategy: str) -> StrategyFields:
        stem = f"{prefix}_{strategy}"
        return cls(
            mask=stem,
            instances=f"{stem}_instances",
            boxes=f"{stem}_prompt_boxes",
            positive=f"{stem}_positive",
            negative=f"{stem}_negative",
            rounds=f"{stem}_rounds",
            status=f"{stem}_status",
            score=f"{stem}_score",
            points=f"{stem}_prompt_points",
        )

    @property
    def prompts(self) -> tuple[str, ...]:
        """All that prompts are read from, some of which a dataset lacks."""
        return self.boxes, self.positive, self.negative, self.points

    @property
    def everything(self) -> tuple[str, ...]:
        """All that this and earlier versions write, masks first."""
        return astuple(self)

    def types(self) -> dict[str, tuple]:
        """All that this and earlier versions write: field name -> (field type, embedded document type or None)."""
        labelled = {
            self.mask: fo.Segmentation,
            **dict.fromkeys((self.instances, self.boxes, self.rounds), fo.Detections),
            **dict.fromkeys((self.positive, self.negative, self.points), fo.Keypoints),
        }
        return {
            **{name: (fo.EmbeddedDocumentField, kind) for name, kind in labelled.items()},
            self.status: (fo.StringField, None),
            self.score: (fo.FloatField, None),
        }


def error_field(prefix: str, strategy: str) -> str:
    """The parts of a strategy's loss, ``<path>.miss`` and so on, with the largest part's name as their label.

    A Classification (a DynamicEmbeddedDocument without a label in earlier versions): the App looks at every field of a
    document that isn't a label for each field that there is whenever a page opens.
    Not one document for all strategies: the App's annotation can't read documents within documents.
    """
    return f"{prefix}_{strategy}_error"


def heatmap_field(prefix: str) -> str:
    """The field of CLIP's maps."""
    return f"{prefix}_clip_map"


def truth_field(prefix: str) -> str:
    """The field into which the truth is rendered."""
    return f"{prefix}_truth"


def count_field(prefix: str) -> str:
    """How many instances the truth has (of a Segmentation: connected parts)."""
    return f"{prefix}_truth_instances"


def size_field(prefix: str) -> str:
    """The share of the picture that the largest of them covers."""
    return f"{prefix}_truth_size"


def objects_field(prefix: str) -> str:
    """The truth's instances in the strategies' words, where FiftyOne evaluated instances."""
    return f"{prefix}_truth_objects"


def agreement_field(prefix: str) -> str:
    """The field with each picture's agreement, 0 to 1."""
    return f"{prefix}_agreement"


def overlay_field(prefix: str) -> str:
    """The field with the overlay of the strategy that was asked for last."""
    return f"{prefix}_overlay"


def evaluation_key(prefix: str, strategy: str) -> str:
    """The eval_key of a strategy; per-image scores are in ``<key>_iou`` and ``<key>_boundary_iou``."""
    return f"{prefix}_eval_{strategy}"


def patches_key(prefix: str, strategy: str) -> str:
    """The eval_key of FiftyOne's evaluation of a strategy's instances; counts are in ``<key>_tp``, ``_fp``, ``_fn``."""
    return f"{prefix}_coco_{strategy}"


def run_key(prefix: str, strategy: str) -> str:
    """The key of the registered run that describes a strategy's fields."""
    return f"{prefix}_{strategy}"


def comparison_key(prefix: str) -> str:
    """The key of the registered run that keeps the table."""
    return f"{prefix}_comparison"


def robustness_key(prefix: str) -> str:
    """The key of the registered run that keeps the robustness curves."""
    return f"{prefix}_robustness"


def strategies_named_by(path: str, prefix: str) -> set[str]:
    """The strategies that a field's path, or a key, can be of: what its prefix and its ending leave."""
    field = path.partition(".")[0]
    stem = field.removeprefix(f"{prefix}_")
    if stem == field:
        return set()
    evaluated = stem.removeprefix("eval_").removeprefix("coco_")
    endings = _ENDINGS if evaluated == stem else tuple(f"_{score}" for score in (*SCORES, *COUNTS))
    return {name for ending in ("", *endings) if find(name := evaluated.removesuffix(ending))}


def study_key(prefix: str) -> str:
    """The key of the registered run that keeps the last sweep's study."""
    return f"{prefix}_study"


def next_key(prefix: str) -> str:
    """The key of the registered run that keeps the order in which pictures are to be labelled."""
    return f"{prefix}_next"


def instances_field(name: str) -> str:
    """The field with the single instances of the labels in ``name``."""
    return f"{name}_instances"


def outlines_field(name: str) -> str:
    """The field with a polygon round each instance of the labels in ``name``, for formats that know nothing else."""
    return f"{name}_outlines"


def labels_key(name: str) -> str:
    """The key of the registered run that says what the labels in a field came from."""
    return f"{name}_labels"


@dataclass(frozen=True)
class FinalFields:
    """The names of the fields of finished labels.

    Attributes:
        mask: the Segmentation, all instances together
        instances: Detections with masks; each has its ``source``, the strategy that it is of
        source: the strategy that they are of; of several, all with commas between them
        expected_iou: what IoU the mask is expected to have, 0 to 1
        status: :data:`TO_REVIEW`, :data:`ACCEPTED` or :data:`EDITED`
    """

    mask: str
    instances: str
    source: str
    expected_iou: str
    status: str

    @classmethod
    def of(cls, name: str) -> FinalFields:
        return cls(name, instances_field(name), f"{name}_source", f"{name}_expected_iou", f"{name}_status")

    @property
    def everything(self) -> tuple[str, ...]:
        """All of them, the mask first."""
        return astuple(self)

    def types(self) -> dict[str, tuple]:
        """Field name -> (field type, embedded document type or None)."""
        return {
            self.mask: (fo.EmbeddedDocumentField, fo.Segmentation),
            self.instances: (fo.EmbeddedDocumentField, fo.Detections),
            self.source: (fo.StringField, None),
            self.expected_iou: (fo.FloatField, None),
            self.status: (fo.StringField, None),
        }
