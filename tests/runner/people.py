"""Labels of the people on the pictures, and results by name."""

import fiftyone as fo
import numpy as np

ASTRONAUT = [0.03, 0.04, 0.66, 0.96]
BUS = [[0.06, 0.37, 0.24, 0.47], [0.27, 0.37, 0.16, 0.43], [0.82, 0.36, 0.17, 0.46]]


def people(*boxes, with_masks: bool = True) -> fo.Detections:
    """Labels as a person may have drawn them: boxes with an oval in each."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    mask = {"mask": x**2 + y**2 < 1} if with_masks else {}
    return fo.Detections(detections=[fo.Detection(label="person", bounding_box=list(b), **mask) for b in boxes])


def by_name(results) -> dict[str, dict]:
    return {result.key: {r.strategy: r for r in result.results} for result in results}
