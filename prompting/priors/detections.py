"""What Ultralytics found in a picture, as regions in the picture's pixels: boxes, and with them masks or keypoints."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..pixels.masks import Window
from ..pixels.regions import Region, stretched_box
from ..segmentation.prompt import POSITIVE

VISIBLE = 0.5
"""From which confidence on a keypoint is one that is seen (Ultralytics' own limit), and not guessed behind others."""


def regions_of(
    result, labels: Mapping[int, str], seen: tuple[int, int], shape: tuple[int, int], masks: bool = True
) -> list[Region]:
    """One region for each detection, the most confident first; boxes without area are none.

    A mask is as large as the detector saw the picture. Where one came out empty, its box is filled. Keypoints that are
    seen are positive points; a person may have none.

    Args:
        result: of ``ultralytics.YOLO.predict``
        labels: class numbers -> names
        seen: (height, width) of what Ultralytics was given
        shape: the picture's own
        masks: whether anybody asks for the masks
    """
    height, width = shape
    boxes = stretched_box(result.boxes.xyxy.cpu().numpy(), seen, shape)
    boxes = np.clip(boxes, 0, (width, height, width, height)).astype(np.float32)
    confidences = result.boxes.conf.cpu().numpy()
    whose = result.boxes.cls.int().cpu().tolist()
    cut_out = _masks(result, seen) if masks and result.masks is not None else None
    clicks = _keypoints(result, seen, shape) if result.keypoints is not None else None
    regions = []
    for i, box in enumerate(boxes):
        if box[2] - box[0] < 1 or box[3] - box[1] < 1:
            continue
        more = {}
        if cut_out is not None:
            more["mask"] = cut_out[i] if cut_out[i].any() else _filled(box, shape, cut_out[i].shape)
        if clicks is not None:
            more |= {"point_coords": clicks[i], "point_labels": np.full(len(clicks[i]), POSITIVE)}
        label, confidence = labels[whose[i]], float(confidences[i])
        regions.append(Region(label, box=box, confidence=confidence, shape=shape, box_is_given=True, **more))
    return regions


def _masks(result, seen: tuple[int, int]) -> list[Window]:
    """The masks without the grey that Ultralytics put around the picture to make it square."""
    stack = result.masks.data
    (height, width), (full_height, full_width) = seen, stack.shape[-2:]
    scale = min(full_height / height, full_width / width)
    inner = max(1, min(round(height * scale), full_height)), max(1, min(round(width * scale), full_width))
    top, left = (round((full - part) / 2 - 0.1) for full, part in zip((full_height, full_width), inner))
    stack = stack[:, top : top + inner[0], left : left + inner[1]].cpu().numpy() > 0.5
    return [Window.cut(np.ascontiguousarray(mask), 0, 0, inner) for mask in stack]


def _filled(box: np.ndarray, shape: tuple[int, int], small: tuple[int, int]) -> Window:
    x1, y1, x2, y2 = stretched_box(box, shape, small)
    left, top = min(int(x1), small[1] - 1), min(int(y1), small[0] - 1)
    right, bottom = max(left + 1, min(round(x2), small[1])), max(top + 1, min(round(y2), small[0]))
    return Window(np.ones((bottom - top, right - left), bool), top, left, small)


def _keypoints(result, seen: tuple[int, int], shape: tuple[int, int]) -> list[np.ndarray]:
    """(P, 2) float32 xy of each detection's keypoints that are seen and lie in the picture."""
    found = result.keypoints.data.cpu().numpy()
    xy = found[..., :2] * (shape[1] / seen[1], shape[0] / seen[0])
    there = ((xy >= 0) & (xy <= (shape[1], shape[0]))).all(axis=-1)
    there &= found[..., 2] >= VISIBLE if found.shape[-1] == 3 else (found[..., :2] > 0).any(axis=-1)
    return [points[is_there].astype(np.float32) for points, is_there in zip(xy, there)]
