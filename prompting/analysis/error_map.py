"""Where a mask is right and wrong, pixel by pixel."""

from __future__ import annotations

import numpy as np

from ..pixels.masks import IGNORED, Window

HIT, MISSED, EXCESS, WRONG_CLASS = 1, 2, 3, 4

_FOUND, _THERE, _SAME = (np.uint8(flag) for flag in (1, 2, 4))
_KINDS = np.zeros(8, np.uint8)
_KINDS[[_FOUND, _THERE, _FOUND + _THERE, _FOUND + _THERE + _SAME]] = EXCESS, MISSED, WRONG_CLASS, HIT


def error_map(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Hit, missed or excess.

    Args:
        predicted: (H, W) label map, 0 background, i + 1 class i
        truth: the same, and 255 where pixels count for nothing (crowds)

    Returns:
        (H, W) uint8: 1 hit, 2 missed (in the truth alone), 3 excess (in the mask alone), 4 in both, as different
        classes; 0 background, and where pixels count for nothing

    Example:
        >>> error_map(np.array([[1, 0, 1, 2, 1, 0]]), np.array([[1, 1, 0, 1, 255, 0]]))
        array([[1, 2, 3, 4, 0, 0]], dtype=uint8)
    """
    errors = np.zeros(truth.shape, np.uint8)
    place = Window.of((predicted > 0) | (truth > 0)).place
    predicted, truth = predicted[place], truth[place]
    which = _FOUND * (predicted > 0) + _THERE * (truth > 0) + _SAME * (predicted == truth)
    errors[place] = _KINDS[which]
    errors[place][truth == IGNORED] = 0
    return errors
