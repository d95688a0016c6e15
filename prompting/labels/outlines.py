"""An instance's mask as one polygon, for formats that know nothing else: holes and parts are joined to it by cuts.

The points are the outermost pixels themselves, as OpenCV's ``findContours`` gives them and as its ``fillPoly``, with
which FiftyOne and Ultralytics fill polygons, takes them: what is filled is the mask again, but for the cuts.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from scipy import sparse, spatial

from ..pixels.masks import Window


def outline(mask: Window) -> np.ndarray:
    """One closed polygon round a mask: round its largest part, into each hole and to each other part and back.

    Cuts are the shortest that join all of them, the edges of a minimum spanning tree, which are among those of
    Delaunay's triangulation.

    Args:
        mask: of a picture; it shows something

    Returns:
        (N, 2) int x and y, in pixels of the picture
    """
    found, _ = cv2.findContours(mask.crop.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    rings = sorted((ring[:, 0] for ring in found), key=len, reverse=True)
    joined = _tour(rings, _cuts(rings)) if len(rings) > 1 else rings[0]
    return joined + np.array([mask.left, mask.top])


def _cuts(rings: Sequence[np.ndarray]) -> dict[int, list[tuple[int, int, int]]]:
    """Each ring's cuts: (its point, the other ring, that one's point)."""
    owner = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    place = np.concatenate([np.arange(len(ring)) for ring in rings])
    points, first, where = np.unique(np.concatenate(rings), axis=0, return_index=True, return_inverse=True)
    where = where.ravel()
    # rings that share a point are joined there; else at the ends of an edge between two points
    ends = np.concatenate([np.stack([first[where], np.arange(len(owner))], axis=1), first[_neighbours(points)]])
    ends = ends[owner[ends[:, 0]] != owner[ends[:, 1]]]
    ends = np.where((owner[ends[:, 0]] < owner[ends[:, 1]])[:, None], ends, ends[:, ::-1])
    here = points[where]
    length = np.linalg.norm(here[ends[:, 0]] - here[ends[:, 1]], axis=1) + 1  # none is 0, which would be no edge
    shortest = ends[np.argsort(length, kind="stable")]
    pairs, which = np.unique(owner[shortest], axis=0, return_index=True)
    graph = sparse.coo_array((np.sort(length, kind="stable")[which], pairs.T), shape=(len(rings),) * 2)
    of_pair = dict(zip(map(tuple, pairs.tolist()), shortest[which].tolist()))
    cuts: dict[int, list[tuple[int, int, int]]] = {}
    for a, b in zip(*(ends.tolist() for ends in sparse.csgraph.minimum_spanning_tree(graph.tocsr()).nonzero())):
        one, other = (int(place[end]) for end in of_pair[a, b])
        cuts.setdefault(a, []).append((one, b, other))
        cuts.setdefault(b, []).append((other, a, one))
    return cuts


def _neighbours(points: np.ndarray) -> np.ndarray:
    """(E, 2) edges between points that join all of them, the shortest that do among them."""
    one_by_one = np.stack([np.arange(len(points) - 1), np.arange(1, len(points))], axis=1)
    try:
        corners = spatial.Delaunay(points).simplices
    except (spatial.QhullError, ValueError):  # too few, or all in a line, in which np.unique has put them
        return one_by_one
    return np.concatenate([one_by_one, *(corners[:, pair] for pair in ([0, 1], [1, 2], [2, 0]))])


def _tour(rings: Sequence[np.ndarray], cuts: dict[int, list[tuple[int, int, int]]]) -> np.ndarray:
    """Round the first ring, and at each cut round the other one, with all that is behind it, and back."""
    ahead = {ring: {} for ring in range(len(rings))}
    for ring, those in cuts.items():
        for point, other, there in those:
            ahead[ring].setdefault(point, []).append((other, there))
    tour, seen = [], {0}
    open_ = [(0, iter(range(len(rings[0]))), None)]
    while open_:
        ring, places, back = open_[-1]
        point = next(places, None)
        if point is None:
            open_.pop()
            tour += [] if back is None else [back]
            continue
        here = rings[ring][point]
        tour.append(here)
        for other, there in ahead[ring].pop(point, ()):
            if other not in seen:
                seen.add(other)
                count = len(rings[other])
                open_.append((other, iter([*range(there, count), *range(there + 1)]), here))
    return np.array(tour)
