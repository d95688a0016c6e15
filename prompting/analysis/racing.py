"""A race of many strategies over pictures: who has nothing to win any more stops, so that the rest costs less.

A strategy has nothing to win where another that costs no more is sure not to be beaten by it on all the pictures that
are to be looked at, or by no more than is worth a difference. So there is always one left at every price.

*Sure* is the upper end of an interval for the mean of paired differences, which holds for all looks and against all
others together. It is Student's, of n pictures out of N (Cochran, 1977, chapter 2: nothing is left to chance once all
are seen), with one critical value for all looks (Pocock, 1977): that which the largest of all standardised differences
along a whole race, in which nobody is better, exceeds with the probability of the error rate. How alike the strategies
are decides how many they count for, so that races are drawn with the covariance of their scores (the multiplier
bootstrap of Chernozhukov, Chetverikov and Kato, 2013, for what is a model confidence set of Hansen, Lunde and Nason,
2011). Who is kept is a subset that has the best (Gupta, 1965).

Student's interval knows nothing of pictures of a kind that wasn't seen yet. Two strategies that score most pictures
exactly alike, as those do that differ by a confidence, may differ greatly on one in thirty. Where fewer than
:data:`FIRST` pictures tell two apart, the one that would stop is therefore also taken to be ahead by 1 on as many more
as could have gone unseen but for the error rate (the rule of three of Hanley and Lippman-Hand, 1983, for n of N).

So the strategy that is best on all pictures stops, and none that costs no more and is worse by no more than ``worth``
stays, with a probability of the error rate at most: asymptotically, which is why nobody stops before :data:`FIRST`
pictures. Oftener, where two differ by a little on every picture and by nearly 1 on a few: of 80 and 320 pictures, a
spread of 0.01, and 1 on 3 % of them, in 16 and 17 of 100 races. Races of this kind are Maron and Moore's (1994).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from scipy import stats

FIRST = 16
"""Pictures before the first stops: with fewer the sequence isn't one yet."""
EVERY = 8
"""It is looked after so many pictures more, or after an eighth more."""
ERROR_RATE = 0.05
WORTH = 0.005
"""A mean IoU that is higher by no more than this is no reason to try a strategy on."""
LEAST_SPREAD = 0.01
"""A standard deviation is taken to be at least so large: few pictures may be alike by chance."""
DRAWN = 400
"""Races drawn for the critical value."""


class Race:
    """Who still runs of V strategies over N pictures.

    Args:
        prices: (V,) what each costs a picture, in decoder calls
        pictures: N, that are to be looked at
        error_rate: of stopping the best, see above
        worth: a difference of means that is none

    Attributes:
        running: the strategies that have something to win
        next_look: pictures after which it is looked again
    """

    def __init__(
        self, prices: Sequence[float], pictures: int, error_rate: float = ERROR_RATE, worth: float = WORTH
    ) -> None:
        self.prices, self.pictures = np.asarray(prices, float), pictures
        self.error_rate, self.worth = error_rate, worth
        self.running, self.next_look = list(range(len(self.prices))), FIRST
        # how much better those may be which stopped because of each, and because of those: never worth a difference
        self._owed = np.zeros(len(self.prices))

    def look(self, ious: np.ndarray) -> None:
        """Stop those that have nothing to win.

        Args:
            ious: (V, n) scores on the first n pictures; those of strategies that stopped before aren't looked at
        """
        count = ious.shape[1]
        self.next_look = count + _step(count)
        if len(self.running) < 2 or not FIRST <= count < self.pictures:
            return
        scores, prices, owed = ious[self.running], self.prices[self.running], self._owed[self.running]
        means, spread = scores.mean(axis=1), _spread(scores)
        error = spread * np.sqrt(1 / count - 1 / self.pictures)
        behind = means[:, None] - means  # of the row against the column
        order = np.lexsort((-np.arange(len(means)), means))  # of two that are alike the first stays
        better = {v: [u for u in order[:k:-1] if prices[u] <= prices[v]] for k, v in enumerate(order)}  # the best first
        least = stats.norm.isf(self.error_rate)  # no critical value is smaller
        wanted = [v for v, those in better.items() if (behind[v, those] + least * error[v, those] < self.worth).any()]
        stopped = np.zeros(len(scores), bool)
        unseen = np.where(_differing(scores) < FIRST, self._unseen(count), -1.0)
        for v, critical in self._critical(scores, spread, prices, wanted):
            those = better[v]
            ahead = behind[v, those] + np.maximum(critical * error[v, those], unseen[v, those])
            owes = np.maximum(owed[those], ahead + owed[v])
            if owes.min() <= self.worth:
                stopped[v] = True
                owed[those[owes.argmin()]] = owes.min()
        self._owed[self.running] = owed
        self.running = [i for i, stops in zip(self.running, stopped) if not stops]

    def _unseen(self, count: int) -> float:
        """How much of a mean may lie in pictures of a kind that the first so many don't show."""
        left = 1 - count / self.pictures
        return math.floor(math.log(self.error_rate) / math.log(left)) / self.pictures

    def _critical(
        self, scores: np.ndarray, spread: np.ndarray, prices: np.ndarray, wanted: Sequence[int]
    ) -> Iterator[tuple[int, float]]:
        """Of each of these: by how many errors some other, no dearer, gets ahead of it at some look by chance alone."""
        if not wanted:
            return
        looks = np.array(list(looks_at(self.pictures)))
        steps = np.diff([0, *looks, self.pictures])
        rng = np.random.default_rng(scores.shape[1])
        size = DRAWN, len(steps)
        drawn = rng.multivariate_normal(np.zeros(len(scores)), np.cov(scores), size, "ignore", method="eigh")
        sums = np.cumsum(drawn * np.sqrt(steps)[:, None], axis=1)
        means = sums[:, :-1] / looks[:, None] - sums[:, -1:] / self.pictures  # of n pictures, against those of all N
        means = (means / np.sqrt(1 / looks - 1 / self.pictures)[:, None]).astype(np.float32)
        for v in wanted:
            those = prices <= prices[v]
            ahead = (means[..., those] - means[..., v : v + 1]) / spread[v, those]
            normal = np.quantile(ahead.max(axis=(1, 2)), 1 - self.error_rate)
            yield v, float(stats.t.isf(stats.norm.sf(normal), scores.shape[1] - 1))


def looks_at(pictures: int) -> Iterator[int]:
    """After how many of N pictures it is looked who has nothing to win: not after the last."""
    count = FIRST
    while count < pictures:
        yield count
        count += _step(count)


def _step(count: int) -> int:
    return max(EVERY, count // (8 * EVERY) * EVERY)


def _spread(scores: np.ndarray) -> np.ndarray:
    """The standard deviations (V, V) of all paired differences of V rows."""
    covariance = np.cov(scores)
    variance = np.diag(covariance)
    return np.sqrt(np.maximum(variance[:, None] + variance - 2 * covariance, LEAST_SPREAD**2))


def _differing(scores: np.ndarray) -> np.ndarray:
    """On how many pictures each two of V rows differ at all (V, V)."""
    return np.array([np.count_nonzero(scores != row, axis=1) for row in scores])
