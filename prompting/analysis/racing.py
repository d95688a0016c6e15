"""A race of many strategies over pictures: who is behind by more than chance stops early, so that the rest costs less.

After every batch each strategy's mean paired difference to the leader has an interval that holds at all times together,
however often one looks: an asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, 2024,
"Time-uniform central limit theory and asymptotic confidence sequences", one-sided; the mixture is Robbins', 1970).
Where its upper end lies below zero, the strategy stops. The error rate is shared among all possible leaders, so that
the strategy which is best in truth is ever stopped with no more than that probability; asymptotically, so that nobody
stops before :data:`FIRST` pictures. Races of this kind are Maron and Moore's (1994).
"""

from __future__ import annotations

import numpy as np

FIRST = 16
"""Pictures before the first stops: with fewer the sequence isn't one yet."""
ERROR_RATE = 0.05
LEAST_SPREAD = 0.01
"""A standard deviation is taken to be at least so large: few pictures may be alike by chance."""


def upper_end(differences: np.ndarray, error_rate: float) -> np.ndarray:
    """The upper ends (V,) of the sequence for the means of V rows of paired differences (V, n)."""
    count = differences.shape[1]
    spread = np.maximum(differences.std(axis=1, ddof=1), LEAST_SPREAD)
    log = -2 * np.log(2 * error_rate)
    tuned = (log + np.log(log + 1)) / FIRST  # narrowest when the first may stop
    scaled = count * tuned + 1
    width = np.sqrt(2 * scaled / (count**2 * tuned) * np.log(1 + np.sqrt(scaled) / (2 * error_rate)))
    return differences.mean(axis=1) + spread * width


def behind(ious: np.ndarray, entered: int, error_rate: float = ERROR_RATE) -> np.ndarray:
    """Which of V strategies, scored on the same n pictures, are behind the leader by more than chance, (V,) bool.

    Args:
        ious: (V, n) of the strategies that still run, on all pictures so far
        entered: how many ran at first, each of which might have been the leader
        error_rate: of ever stopping the one that is best in truth
    """
    stopped = np.zeros(len(ious), bool)
    if len(ious) < 2 or ious.shape[1] < FIRST:
        return stopped
    leader = int(np.argmax(ious.mean(axis=1)))
    others = np.arange(len(ious)) != leader
    stopped[others] = upper_end(ious[others] - ious[leader], error_rate / (entered - 1)) < 0
    return stopped
