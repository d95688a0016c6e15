"""A strategy's result as FiftyOne's labels: coordinates relative, masks cropped to their boxes.

Every label's ``index`` is the number of its prompt, so that the box, the
points and the mask of one instance can be told to belong together.
"""

from __future__ import annotations

from collections.abc import Iterator

import fiftyone as fo
import numpy as np

from ..pixels.masks import Window
from ..results import StrategyResult
from ..segmentation.prompt import NEGATIVE, POSITIVE, Prompt

PRIOR_CONFIDENCE = "prior_confidence"


def instances(result: StrategyResult) -> Iterator[fo.Detection]:
    """One Detection a prompt that gave a mask; its ``confidence`` is the predicted IoU, beside the prior's own.

    One by one, as :func:`rounds`: a crowd's masks are held as bits, and as a Detection's they take eight times as much.
    """
    found = zip(result.prompts, result.masks, result.predicted_iou, strict=True) if result.masks else ()
    return (
        _cut_out(mask, prompt.label, i, confidence=float(iou), **_sure(result, i))
        for i, (prompt, mask, iou) in enumerate(found)
        if mask.any()
    )


def rounds(result: StrategyResult) -> Iterator[fo.Detection]:
    """The masks on the way, labelled ``round 0`` (before the first click), ``round 1``, …"""
    return (_cut_out(r.mask, f"round {r.number}", r.instance) for r in result.rounds if r.mask.any())


def boxes(result: StrategyResult) -> fo.Detections:
    """The prompts' boxes."""
    height, width = result.shape
    return fo.Detections(
        detections=[
            fo.Detection(
                label=prompt.label,
                bounding_box=_relative(prompt.box, height, width),
                index=i,
                predicted_iou=float(iou),
                **_sure(result, i),
            )
            for i, (prompt, iou) in enumerate(zip(result.prompts, result.predicted_iou, strict=True))
            if prompt.box is not None
        ]
    )


def clicks(result: StrategyResult) -> tuple[fo.Keypoints, fo.Keypoints]:
    """The positive and the negative points, one Keypoint for each prompt and round, labelled ``round 0``, …

    ``sam_labels`` says of which kind they are, as FiftyOne's own SAM 2 wants it, ``places`` where in the prompt's list
    of points each stood.
    """
    return _clicks(result, POSITIVE), _clicks(result, NEGATIVE)


def _clicks(result: StrategyResult, polarity: int) -> fo.Keypoints:
    keypoints = []
    for i, (prompt, iou) in enumerate(zip(result.prompts, result.predicted_iou, strict=True)):
        wanted = np.asarray(prompt.point_labels) == polarity
        for number in np.unique(prompt.point_rounds[wanted]):
            places = np.flatnonzero(wanted & (prompt.point_rounds == number))
            keypoints.append(
                fo.Keypoint(
                    label=f"round {number}",
                    points=_relative_points(np.asarray(prompt.point_coords)[places], result.shape),
                    index=i,
                    sam_labels=[int(polarity)] * len(places),
                    places=places.tolist(),
                    prompt_label=prompt.label,
                    predicted_iou=float(iou),
                    **_sure(result, i),
                )
            )
    return fo.Keypoints(keypoints=keypoints)


def _sure(result: StrategyResult, instance: int) -> dict[str, float]:
    """How sure the prior was, where it said so."""
    sure = result.prior_confidence[instance] if result.prior_confidence else None
    return {} if sure is None else {PRIOR_CONFIDENCE: sure}


def joined(positive: fo.Keypoints | None, negative: fo.Keypoints | None) -> fo.Keypoints:
    """Undo :func:`clicks`: one Keypoint a prompt, labelled with its class, the points in the prompt's own order."""
    parts: dict[int, list[fo.Keypoint]] = {}
    for keypoints in (positive, negative):
        for keypoint in keypoints.keypoints if keypoints else ():
            parts.setdefault(keypoint.index, []).append(keypoint)
    return fo.Keypoints(keypoints=[_joined(parts[index]) for index in sorted(parts)])


def _joined(parts: list[fo.Keypoint]) -> fo.Keypoint:
    places = [place for part in parts for place in part["places"]]
    xy = [point for part in parts for point in part.points]
    kinds = [kind for part in parts for kind in part["sam_labels"]]
    order = np.argsort(places)
    first = parts[0]
    return fo.Keypoint(
        label=first["prompt_label"],
        points=[xy[i] for i in order],
        sam_labels=[kinds[i] for i in order],
        index=first.index,
        predicted_iou=first["predicted_iou"],
    )


def prompts_of(boxes: fo.Detections | None, points: fo.Keypoints | None, height: int, width: int) -> dict[int, Prompt]:
    """Undo :func:`boxes` and :func:`joined`: the prompt of each index, in pixels."""
    prompts: dict[int, Prompt] = {}
    size = np.array([width, height])
    for detection in boxes.detections if boxes else ():
        x, y, w, h = detection.bounding_box
        corners = (np.array([[x, y], [x + w, y + h]]) * size).ravel()
        box = np.clip(corners, 0, (width, height, width, height)).astype(np.float32)
        prompts[detection.index] = Prompt(detection.label, box=box)
    for keypoint in points.keypoints if points else ():
        coords = np.clip(np.asarray(keypoint.points, float).reshape(-1, 2) * size, 0, size).astype(np.float32)
        box = prompts[keypoint.index].box if keypoint.index in prompts else None
        prompts[keypoint.index] = Prompt(keypoint.label, coords, np.asarray(keypoint["sam_labels"], np.int64), box)
    return dict(sorted(prompts.items()))


def _cut_out(mask: Window, label: str, index: int, **attributes) -> fo.Detection:
    """A mask as a Detection; :func:`prompting.labels.instances.instance_window` undoes it exactly."""
    return fo.Detection(
        label=label, bounding_box=_relative(mask.box, *mask.shape), mask=mask.crop, index=index, **attributes
    )


def _relative(box: np.ndarray, height: int, width: int) -> list[float]:
    """xyxy pixels -> relative xywh."""
    x1, y1, x2, y2 = (float(value) for value in box)
    return [x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height]


def _relative_points(coords: np.ndarray, shape: tuple[int, int]) -> list[list[float]]:
    return (np.asarray(coords, float) / (shape[1], shape[0])).tolist()
