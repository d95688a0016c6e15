"""Boxes of one field and keypoints of another: whose points are whose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..pixels.regions import Region
from ..segmentation.prompt import no_points


def with_points(regions: Sequence[Region], points: Sequence[Region]) -> list[Region]:
    """The regions, each with the points that are its own; those without get none, and keypoints without a box are left.

    Keypoints belong to the box of their class that holds most of them, more than half, and each box has one set: the
    assignment with the largest sum of shares.

    Args:
        regions: with boxes
        points: with points
    """
    shares = np.array([[_share(region, one) for one in points] for region in regions]).reshape(
        len(regions), len(points)
    )
    rows, columns = linear_sum_assignment(shares, maximize=True)
    own = {row: points[column] for row, column in zip(rows, columns) if shares[row, column] > 0.5}
    return [
        replace(region, point_coords=own[i].point_coords, point_labels=own[i].point_labels)
        if i in own
        else replace(region, point_coords=no_points(), point_labels=np.zeros(0, np.int64))
        for i, region in enumerate(regions)
    ]


def _share(region: Region, points: Region) -> float:
    if region.label != points.label or not len(points.point_coords):
        return 0.0
    x1, y1, x2, y2 = region.box
    x, y = points.point_coords.T
    return float(((x >= x1) & (x <= x2) & (y >= y1) & (y <= y2)).mean())
