"""What the same SAM 2 says once more of a picture: to the truth's boxes, and to a strategy's prompts."""

from __future__ import annotations

from collections.abc import Sequence

import fiftyone as fo
import numpy as np

from ..analysis.attribution import Attempt, Ceiling
from ..dataset.names import StrategyFields
from ..dataset.storage import prompts_in
from ..errors import PromptingError
from ..labels.instances import instance_window
from ..pixels.images import read_bounded
from ..pixels.masks import Window
from ..prompts.prompters import prompt_of
from ..prompts.strategies import STRATEGIES
from ..segmentation.prompt import Prompt


def image_of(sample: fo.Sample, shape: tuple[int, int]) -> np.ndarray | None:
    """The picture as it was segmented, or None where it is gone or no longer the one that the masks were made of."""
    try:
        image, size = read_bounded(sample.filepath)
    except PromptingError:
        return None
    return image if size == shape else None


def ceilings_of(segmenter, encoded, regions, classes: Sequence[str]) -> list[Ceiling]:
    """What SAM 2 makes of the truth's boxes, as ``field_box`` gives them."""
    if not regions:
        return []
    nothing_drawn = np.random.default_rng(0)  # a box has nothing random
    boxes = [prompt_of(STRATEGIES["field_box"], region, None, nothing_drawn) for region in regions]
    decoded = segmenter.decode(encoded, boxes)
    return [
        Ceiling(region, classes.index(region.label) + 1, mask, float(iou))
        for region, mask, iou in zip(regions, decoded.masks, decoded.predicted_iou, strict=True)
    ]


def attempts_there(
    sample: fo.Sample, of: StrategyFields, shape: tuple[int, int], classes: Sequence[str]
) -> list[Attempt]:
    """The instances of masks that were there already, which nobody prompted: their classes are all that was said."""
    return [
        Attempt(Prompt(d.label), classes.index(d.label) + 1, instance_window(d, *shape), d.confidence)
        for d in sample[of.instances].detections
    ]


def attempts_of(sample: fo.Sample, of: StrategyFields, segmenter, encoded, classes: Sequence[str]) -> list[Attempt]:
    """A strategy's prompts and masks as they were stored, with the masks that SAM 2 had offered for lone clicks."""
    height, width = encoded.height, encoded.width
    prompts = prompts_in(sample, of, height, width)
    stored = {detection.index: detection for detection in sample[of.instances].detections}
    lone = [i for i, prompt in prompts.items() if prompt.is_lone_click]
    offered = {}
    if lone:
        masks, ious = segmenter.candidates(encoded, [prompts[i] for i in lone])
        offered = {i: tuple(zip(masks[row], map(float, ious[row]))) for row, i in enumerate(lone)}
    attempts = []
    for i, prompt in prompts.items():
        detection = stored.get(i)  # an empty mask has no Detection
        mask = Window.empty(encoded.shape) if detection is None else instance_window(detection, height, width)
        iou = 0.0 if detection is None else detection.confidence
        attempts.append(Attempt(prompt, classes.index(prompt.label) + 1, mask, iou, offered.get(i, ())))
    return attempts
