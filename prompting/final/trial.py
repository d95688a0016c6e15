"""All rules tried on the labelled pictures, none on a picture that it learned from: which is worth its trouble?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ..analysis.statistics import holm, mean_interval
from ..analysis.tables import Table
from .names import CASCADE, ONE, RULES

IN_ORDER = tuple(RULES)
"""The simplest first."""
FEWEST = 20
"""Labelled pictures below which no rule is recommended but the simplest."""
LEVEL = 0.05
CEILING = "best strategy by the truth"
UNSEEN = 0.25
"""Of a picture on which a rule gains 1 or loses as much, half each: rules mostly differ on few pictures, by much, and
who has seen none of these takes small differences on the others for sure."""


@dataclass(frozen=True)
class Trial:
    """IoU of each rule on each labelled picture; ``print`` it.

    Attributes:
        ious: rule -> (L,)
        ceiling: (L,) of the best strategy by the truth
        rule: that was asked for
    """

    ious: Mapping[str, np.ndarray]
    ceiling: np.ndarray
    rule: str

    @property
    def recommended(self) -> str:
        """The simplest rule than which no other is better by more than chance: by a t-test of the paired differences,
        as if a little of a picture more had been seen (:data:`UNSEEN`), with Holm's correction over the rules that are
        compared. Percentile bootstraps of few pictures call equal rules better in a third of all draws."""
        best, *others = [rule for rule in IN_ORDER if rule in self.ious]
        while others and self.labelled >= FEWEST:
            sure = holm([self.chance(rule, best) for rule in others])
            better = [rule for rule, p in zip(others, sure) if p < LEVEL and self.gain(rule, best)[0] > 0]
            if not better:
                break
            best = better[0]
            others = others[others.index(best) + 1 :]
        return best

    @property
    def labelled(self) -> int:
        """Pictures."""
        return len(self.ceiling)

    def chance(self, rule: str, over: str) -> float:
        """The p-value of two rules' difference, two-sided."""
        difference = self.ious[rule] - self.ious[over]
        count, mean = len(difference), difference.mean()
        squares = ((difference - mean) ** 2).sum() + UNSEEN / 2 * ((1 - mean) ** 2 + (1 + mean) ** 2)
        error = np.sqrt(squares / (count - 1 + UNSEEN) / count) if count > 1 else np.inf
        return float(2 * stats.t.sf(abs(mean) / error, max(1, count - 1)))

    def gain(self, rule: str, over: str) -> tuple[float, tuple[float, float] | None]:
        """The mean difference of two rules, and its paired 95 % interval."""
        difference = self.ious[rule] - self.ious[over]
        return float(difference.mean()), mean_interval(difference)

    def verdict(self) -> str:
        """Which rule to take, and why."""
        best, asked = self.recommended, self.rule
        if self.labelled < FEWEST and len(self.ious) > 1:
            few = f"{self.labelled} labelled pictures don't tell rules apart, {FEWEST} may"
            return f"{few}: {'stay with' if best == asked else 'take'} the simplest, {best!r}."
        if best == asked:
            others = [rule for rule in IN_ORDER if rule in self.ious and rule != asked]
            said = f"{asked!r} is the rule to take"
            simpler = [rule for rule in others if IN_ORDER.index(rule) < IN_ORDER.index(asked)]
            if not simpler:
                return f"{said}: no other gains more than chance." if others else ""
            return f"{said}: {', '.join(self._gained(asked, rule) for rule in simpler)}."
        if IN_ORDER.index(best) < IN_ORDER.index(asked):
            loses = self.gain(asked, best)[0] < 0 and self.chance(asked, best) < LEVEL
            lost = "it loses more than chance" if loses else "which may be chance"
            return f"Take the simpler rule {best!r}: {self._gained(asked, best)}, {lost}."
        return f"The rule {best!r} is better by more than chance: {self._gained(best, asked)}."

    def _gained(self, rule: str, over: str) -> str:
        mean, p = self.gain(rule, over)[0], self.chance(rule, over)
        return f"{rule!r} gains {mean:+.3f} over {over!r} (p {'< 0.001' if p < 0.001 else f'= {p:.3f}'})"

    def table(self) -> Table:
        """A row a rule, and the ceiling."""
        simple = [rule for rule in (ONE, CASCADE) if rule in self.ious]
        rows = [
            (rule, *_scored(self.ious[rule]), *(self._difference(rule, other) for other in simple))
            for rule in IN_ORDER
            if rule in self.ious
        ]
        blank = [_told(self.ceiling - self.ious[other]) for other in simple]
        rows.append((CEILING, *_scored(self.ceiling), *blank))
        title = f"Rules on {len(self.ceiling)} labelled pictures, none on a picture that it learned from"
        columns = ("rule", "mean IoU", "95 % interval", *(f"over {other!r}" for other in simple))
        note = (
            f"{self.verdict()} The last row is no rule: it knows the truth of each picture, and can't be had without."
        )
        return Table(title, note, columns, tuple(rows))

    def _difference(self, rule: str, other: str) -> str:
        return "" if rule == other else _told(self.ious[rule] - self.ious[other])

    def __str__(self) -> str:
        table = self.table()
        return f"{table.title}\n\n{table.note}\n\n{table.markdown()}"

    def to_dict(self) -> dict:
        """Plain JSON."""
        ious = {rule: values.round(6).tolist() for rule, values in self.ious.items()}
        return {"ious": ious, "ceiling": self.ceiling.round(6).tolist(), "rule": self.rule}

    @classmethod
    def from_dict(cls, stored: dict) -> Trial:
        """Undo :meth:`to_dict`."""
        ious = {rule: np.array(values, float) for rule, values in stored["ious"].items()}
        return cls(ious, np.array(stored["ceiling"], float), stored["rule"])


def _scored(values: np.ndarray) -> tuple[str, str]:
    span = mean_interval(values)
    return f"{values.mean():.3f}", f"{span[0]:.3f} – {span[1]:.3f}" if span else ""


def _told(difference: np.ndarray) -> str:
    span = mean_interval(difference)
    return f"{difference.mean():+.3f}" + (f" ({span[0]:+.3f} … {span[1]:+.3f})" if span else "")
