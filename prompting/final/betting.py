"""What drawn pictures say of the mean of all, however often and whenever that is looked at.

A gambler bets on each drawn picture that the mean is higher than somebody says. Where that is true he can't expect to
win, and his capital passes 1 / p at any time with a probability of p at most (Ville, 1939): so a mean against which it
did is ruled out, for good. Nothing is asked of the numbers but that they have bounds: rare great losses that weren't
seen yet are reckoned with. That is Waudby-Smith and Ramdas' (2024) confidence sequence by betting, without
replacement; stakes are mixed, so that one is right (Cover's universal portfolio, 1991). Pictures that are drawn with
chances in proportion to their bounds are the same to it: a number by its bound is a draw whose mean is known.
"""

from __future__ import annotations

import numpy as np
from scipy import special, stats

ERROR_RATE = 0.05
STAKES = 0.98 * 0.5 ** np.arange(8)
"""Shares of what he may stake, all played at once with an eighth of the capital each."""
HALVINGS = 24
"""Of the span in which the end of an interval is sought."""
POWER = float(stats.norm.ppf(0.8))
"""So many standard deviations more, to win with a probability of 0.8."""


def total_between(ratios: np.ndarray, reaches: np.ndarray) -> tuple[float, float]:
    """A 95 % interval for the sum of numbers some of which were drawn, one after the other, that holds at all looks.

    Args:
        ratios: (n,) each drawn number by its bound, -1 to 1, in the order in which they were drawn
        reaches: (n + 1,) the sum of the bounds of those that weren't drawn yet, before each draw and after the last;
            each is drawn with a chance in proportion to its bound

    Returns:
        low and high, both within what is sure: the sum of the drawn and no more than all bounds of the others
    """
    low, high = _at_least(ratios, reaches), -_at_least(-ratios, reaches)
    return min(low, high), max(low, high)


def estimate(ratios: np.ndarray, reaches: np.ndarray) -> float:
    """That sum, right on average: Des Raj's (1956) estimates after each draw, by how sure they are."""
    drawn = ratios * (reaches[:-1] - reaches[1:])
    if reaches[-1] <= 1e-12 * reaches[0]:
        return float(drawn.sum())
    each = np.cumsum(drawn) - drawn + ratios * reaches[:-1]
    return float(np.average(each, weights=(reaches[0] / reaches[:-1]) ** 2))


def draws_to_win(ratios: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """After how many draws out of very many he wins against zero, with a probability of 0.8.

    Args:
        ratios: (n,) what was drawn
        counts: (R, n) how often each is in each of R samples

    Returns:
        (R,) infinite where he doesn't
    """
    gains = np.log1p(np.outer(ratios, STAKES))
    share = counts / counts.sum(axis=1, keepdims=True)
    mean = share @ gains
    spread = np.sqrt(np.maximum(share @ gains**2 - mean**2, 0))
    wanted = np.log(2 * len(STAKES) / ERROR_RATE)
    root = POWER * spread + np.sqrt((POWER * spread) ** 2 + 4 * np.maximum(mean, 0) * wanted)
    root = np.divide(root, 2 * mean, out=np.full_like(mean, np.inf), where=mean > 0)
    return (root**2).min(axis=1)


def _at_least(ratios: np.ndarray, reaches: np.ndarray) -> float:
    """The least sum that isn't ruled out from below."""
    drawn = np.cumsum(ratios * (reaches[:-1] - reaches[1:]))
    sum_drawn = float(drawn[-1]) if len(drawn) else 0.0
    before = np.concatenate([[0.0], drawn[:-1]])
    low, high = sum_drawn - float(reaches[-1]), sum_drawn + float(reaches[-1])
    if not len(ratios) or not _ruled_out(low + 1e-9 * (high - low), ratios, reaches, before):
        return low
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _ruled_out(middle, ratios, reaches, before) else (low, middle)
    return high


def _ruled_out(total: float, ratios: np.ndarray, reaches: np.ndarray, before: np.ndarray) -> bool:
    """Whether who bets on more than this total ever had 2 / ERROR_RATE times what he began with."""
    means = (total - before) / reaches[:-1]  # of the next ratio, if this is the total
    if (means <= -1).any():
        return True
    gains = np.log1p(np.outer((ratios + 1) / (means + 1) - 1, STAKES))
    capital = special.logsumexp(np.cumsum(gains, axis=0), axis=1) - np.log(len(STAKES))
    return bool(capital.max() >= np.log(2 / ERROR_RATE))
