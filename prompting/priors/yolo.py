"""Detections of any Ultralytics model: boxes, with a segmentation model masks, with a pose model keypoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from ..errors import PromptingError
from ..pixels.regions import WORKING_PIXELS, Region
from ..plan import Plan
from ..prompts.strategy import YOLO, Strategy
from ..segmentation.cpu_threads import threads_kept
from ..spelling import same_name
from .base import Given, Picture
from .detections import regions_of
from .vocabulary import SYNONYMS

UNKNOWN_SIZE = 640
"""Of a checkpoint that doesn't say at which size it was trained: Ultralytics' own default."""

MOST = 3000
"""Detections of a picture, of all classes: Ultralytics' 300 would lose people in a crowd, and say nothing."""


class YoloPrior:
    """One region for each detection of the classes.

    Args:
        model: an ``ultralytics.YOLO``
        classes: class names, the model's own or synonyms of them (``aeroplane`` for ``airplane``)
        confidence: detections below it are dropped
        device: where the model runs
        imgsz: the side that pictures are letterboxed to, rounded up to what the model takes; None: at which it was
            trained, for it finds things of the sizes that it saw there
        masks: whether the masks of a segmentation model are wanted

    Attributes:
        imgsz: the side that is used

    Raises:
        PromptingError: not a detector, a class that it doesn't know, or one class under two names
    """

    def __init__(
        self,
        model,
        classes: Sequence[str],
        confidence: float = 0.25,
        device="cpu",
        imgsz: int | None = None,
        masks: bool = True,
    ):
        self.model, self.confidence, self.device, self.masks = model, confidence, str(device), masks
        if model.task not in ("detect", "segment", "pose"):
            raise PromptingError(f"yolo_box needs a detector, and this Ultralytics model is for {model.task!r}.")
        self.labels: dict[int, str] = {}
        for name in classes:
            indices = _indices(name, model.names)
            if not indices:
                known = list(dict.fromkeys(model.names.values()))
                more = ", …" if len(known) > 10 else ""
                raise PromptingError(
                    f"The detector doesn't know the class {name!r}; leave out yolo_box or choose from its"
                    f" {len(known)} classes: {', '.join(known[:10])}{more}."
                )
            for index in indices:
                if index in self.labels:
                    raise PromptingError(
                        f"{self.labels[index]!r} and {name!r} are one class to the detector; ask for one of them."
                    )
                self.labels[index] = name
        self.imgsz = whole_strides(model, imgsz) if imgsz else training_size(model)
        # the first call computes with as many threads as Ultralytics sets, and its boxes differ in their last bits
        self._predict([np.zeros((self.imgsz, self.imgsz, 3), np.uint8)])

    def refuse(self, strategies: Sequence[Strategy]) -> None:
        """Refuse, before any work, what a detector's boxes can't say.

        Raises:
            PromptingError: positive clicks or corrections are asked for, and it finds nothing to make them of
        """
        for strategy in strategies:
            if strategy.has_clicks and strategy.positives != 0 and self.model.task == "detect":
                what = "clicks on masks or keypoints"
            elif strategy.rounds and self.model.task != "segment":
                what = "corrects masks by the detector's own"
            else:
                continue
            raise PromptingError(
                f"{strategy.spelling} {what}, and this Ultralytics model, for {self.model.task!r}, finds none; choose"
                " one for 'segment', as yolo26n-seg.pt, which is bundled.",
                "yolo_model",
            )

    def find(self, pictures: Sequence[Picture]) -> list[list[Region]]:
        """The detections of each picture, the most confident first."""
        given = [self._given(picture.image) for picture in pictures]
        results = self._predict(given)
        return [
            regions_of(result, self.labels, image.shape[:2], picture.shape, self.masks)
            for picture, image, result in zip(pictures, given, results, strict=True)
        ]

    def _predict(self, images: list[np.ndarray]) -> list:
        with threads_kept():
            # rect=False: every picture is letterboxed to the same square, whatever else is in the batch
            return self.model.predict(
                images,
                conf=self.confidence,
                classes=sorted(self.labels),
                imgsz=self.imgsz,
                max_det=MOST,
                device=self.device,
                rect=False,
                verbose=False,
            )

    def _given(self, image: np.ndarray) -> np.ndarray:
        """A picture in BGR, as Ultralytics reads it; a large one as small as Ultralytics would make it, in its way."""
        height, width = image.shape[:2]
        scale = self.imgsz / max(height, width)
        if scale < 1 and image.size > 3 * WORKING_PIXELS:
            size = max(1, round(width * scale)), max(1, round(height * scale))
            image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
        return cv2.cvtColor(image, cv2.COLOR_RGB2BGR)


def _indices(name: str, names: Mapping[int, str]) -> list[int]:
    """A class's numbers in a model: those of its name, else of what it is a synonym of, else of its own synonyms."""
    plain, theirs = same_name(name), {index: same_name(known) for index, known in names.items()}
    meant = (
        [index for index, known in theirs.items() if known == plain],
        [index for index, known in theirs.items() if known == SYNONYMS.get(plain)],
        [index for index, known in theirs.items() if SYNONYMS.get(known) == plain],
    )
    return next(filter(None, meant), [])


def training_size(model) -> int:
    """The side in pixels at which a detector was trained, in whole strides: it finds things of the sizes it saw there.

    Args:
        model: an ``ultralytics.YOLO``
    """
    given = model.overrides.get("imgsz") or UNKNOWN_SIZE
    side = max(given) if isinstance(given, (list, tuple)) else int(given)
    return whole_strides(model, side)


def whole_strides(model, side: int) -> int:
    """The next side that a detector takes: a multiple of its largest stride."""
    strides = getattr(getattr(model, "model", None), "stride", None)
    stride = 32 if strides is None else int(max(strides))
    return -(-side // stride) * stride


def build(plan: Plan, models, given: Given) -> YoloPrior:
    """The detector of a plan without ``auto``; see :class:`prompting.priors.base.Build`."""
    detector = models.load_yolo(plan.yolo_model)
    asking = [strategy for strategy in plan.chosen if strategy.prior == YOLO]
    masks = any(strategy.needs_masks for strategy in asking)
    prior = YoloPrior(detector, plan.classes, plan.least_confidence, plan.device, plan.yolo_imgsz, masks)
    prior.refuse(asking)
    return prior
