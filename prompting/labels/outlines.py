"""An instance's mask as one polygon, for formats that know nothing else: holes and parts are joined to it by cuts.

The points are the outermost pixels themselves, as OpenCV's ``findContours`` gives them and as its ``fillPoly``, with
which FiftyOne and Ultralytics fill polygons, takes them: what is filled is the mask again, but for the cuts.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..pixels.masks import Window


def outline(mask: Window) -> np.ndarray:
    """One closed polygon round a mask: round its largest part, into each hole and to each other part and back.

    Args:
        mask: of a picture; it shows something

    Returns:
        (N, 2) int x and y, in pixels of the picture
    """
    rings, _ = cv2.findContours(mask.crop.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    rings = sorted((ring[:, 0] for ring in rings), key=len, reverse=True)
    joined, left = rings[0], rings[1:]
    while left:
        distances = [_nearest(joined, ring) for ring in left]
        i = int(np.argmin([distance for distance, _, _ in distances]))
        _, here, there = distances[i]
        ring = left.pop(i)
        turned = np.concatenate([ring[there:], ring[: there + 1]])
        joined = np.concatenate([joined[: here + 1], turned, joined[here:]])
    return joined + np.array([mask.left, mask.top])


def _nearest(a: np.ndarray, b: np.ndarray) -> tuple[float, int, int]:
    """The least distance between two rings' points, and which these are."""
    from scipy.spatial import cKDTree

    distances, places = cKDTree(b).query(a)
    here = int(np.argmin(distances))
    return float(distances[here]), here, int(places[here])
