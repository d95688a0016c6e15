"""What a sweep of many strategies found: who is best, how sure that is, what it costs, and what each part is worth."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..errors import PromptingError
from ..prompts.strategies import strategy_of
from ..prompts.strategy import BOX, BOX_POINTS, RING, Strategy
from . import study_figures
from .comparison import interval, number
from .figure_style import Figure
from .statistics import mean_interval
from .study_figures import Dot, Point
from .tables import Table

if TYPE_CHECKING:
    import pandas as pd

FOLDS = 5
PARTS = ("positives", "negatives", "negatives_on", "margin", "rounds", "confidence")
"""Of a strategy: what curves are drawn over."""
MOST_ROWS = 20
DIGITS = 6
"""Of scores, where they are kept."""


@dataclass(frozen=True)
class Honest:
    """The winner's score on pictures that didn't choose it.

    Attributes:
        mean, low, high: of each picture's IoU with the strategy that is best on the other folds; a 95 % interval
        chosen: how often each was chosen, a fold once
        scores: (N,) those pictures' IoU, to be compared with another strategy's
    """

    mean: float
    low: float | None
    high: float | None
    chosen: dict[str, int]
    scores: np.ndarray = field(repr=False, compare=False)


@dataclass(frozen=True, repr=False)
class Study:
    """A sweep's scores: ``print`` it, take :attr:`best`, :attr:`table`, :attr:`honest`, :attr:`front`, :meth:`curve`.

    Attributes:
        names: V strategies
        ious: (V, N) of each picture, NaN where a strategy had stopped
        calls: (V, N) decoder calls
        files: N names of the pictures' files, in the order in which they were looked at
        error_rate: of the race; None where all ran to the end
        worth: a difference of means that is none; None in studies of earlier versions
        truth: what the truth was understood as
        total: pictures that were to be looked at; more than ``files`` where the sweep was stopped
        seconds: that it took
        left_out: which pictures were left out, in a sentence
    """

    names: tuple[str, ...]
    ious: np.ndarray
    calls: np.ndarray
    files: tuple[str, ...]
    error_rate: float | None
    truth: str = ""
    total: int = 0
    seconds: float = 0.0
    worth: float | None = None
    left_out: str = ""

    @cached_property
    def judged(self) -> np.ndarray:
        """(V,) pictures of each strategy."""
        return (~np.isnan(self.ious)).sum(axis=1)

    @cached_property
    def means(self) -> np.ndarray:
        """(V,) mean IoU of each over its pictures; NaN before the first."""
        return np.array([row[~np.isnan(row)].mean() if (~np.isnan(row)).any() else np.nan for row in self.ious])

    @cached_property
    def levels(self) -> np.ndarray:
        """(V,) means on all pictures; of one that stopped the leader's, plus the mean difference where both ran."""
        first = self.finalists[0]
        gains = [row[~np.isnan(row)] for row in self.ious - self.ious[first]]
        return np.array([self.means[first] + gain.mean() if len(gain) else np.nan for gain in gains])

    @cached_property
    def finalists(self) -> list[int]:
        """Those that were scored on all pictures, the best first."""
        there = [i for i in range(len(self.names)) if self.judged[i] == len(self.files)]
        return sorted(there, key=lambda i: (-self.means[i], self.names[i]))

    @cached_property
    def cost(self) -> np.ndarray:
        """(V,) mean decoder calls a picture."""
        return np.array([row[~np.isnan(row)].mean() if (~np.isnan(row)).any() else np.nan for row in self.calls])

    @property
    def leader(self) -> Strategy:
        """The one with the highest mean IoU, by chance or not."""
        return strategy_of(self.names[self.finalists[0]])

    @cached_property
    def alike(self) -> list[int]:
        """The finalists from which the leader makes no difference.

        Their paired 95 % interval to it reaches zero, or their mean is lower by no more than what is worth one.
        """
        first, *others = self.finalists
        found = [first]
        for i in others:
            span = mean_interval(self.ious[i] - self.ious[first])
            if span is None or span[1] >= 0 or self.means[first] - self.means[i] <= (self.worth or 0.0):
                found.append(i)
        return found

    @property
    def best(self) -> Strategy:
        """What is recommended: of those from which the leader makes no difference, the cheapest in decoder calls, as
        many as it may ask for: one, and its rounds.

        Of equally cheap ones that with the highest mean IoU, or with fewer clicks where that makes no difference.
        """
        of = {i: strategy_of(self.names[i]) for i in self.alike}
        fewest = min(strategy.rounds for strategy in of.values())
        cheap = [i for i in of if of[i].rounds == fewest]
        enough = max(self.means[i] for i in cheap) - (self.worth or 0.0)
        return of[
            min((i for i in cheap if self.means[i] >= enough), key=lambda i: (of[i].clicks, -self.means[i], of[i].name))
        ]

    @cached_property
    def honest(self) -> Honest:
        """Cross-fitting: each fold's pictures are scored with the finalist that is best on the other folds.

        Folds are every fifth picture of the shuffled order. Who stopped in a race is no finalist, and the race saw all
        pictures: that much of choosing by them is left (docs/MEASURED.md says how much; without a race, none).
        """
        rows, count = self.ious[self.finalists], len(self.files)
        scores, chosen = np.full(count, np.nan), {}
        for fold in range(min(FOLDS, count)):
            here = np.arange(count) % FOLDS == fold
            best = int(np.argmax(rows[:, ~here].mean(axis=1))) if (~here).any() else 0
            scores[here] = rows[best, here]
            name = self.names[self.finalists[best]]
            chosen[name] = chosen.get(name, 0) + 1
        low, high = mean_interval(scores) or (None, None)
        return Honest(float(scores.mean()), low, high, chosen, scores)

    @cached_property
    def front(self) -> list[str]:
        """Pareto's front: the finalists than which none is both better and no dearer, the cheapest first."""
        found, best = [], -np.inf
        for i in sorted(self.finalists, key=lambda i: (round(float(self.cost[i]), 6), -self.means[i])):
            if self.means[i] > best:
                found.append(self.names[i])
                best = self.means[i]
        return found

    def curve(self, part: str, around: Strategy | str | None = None) -> list[Point]:
        """How the mean IoU changes with one part of a strategy, all else equal.

        Args:
            part: one of :data:`PARTS`
            around: the strategy whose other parts stay; by default :attr:`best`

        Raises:
            PromptingError: no such part, or a strategy that wasn't swept
        """
        if part not in PARTS:
            raise PromptingError(f"There is no curve of {part!r}; choose from {', '.join(PARTS)}.")
        centre = strategy_of(around) if around is not None else self.best
        if centre.name not in self.names:
            raise PromptingError(f"{centre.spelling} wasn't swept; choose one of study.names, as {self.best.spelling}.")
        place, points = self.names.index(centre.name), []
        of = {i: strategy_of(name) for i, name in enumerate(self.names)}
        of = {i: strategy for i, strategy in of.items() if _alike_but(strategy, centre, part)}
        if part == "negatives" and not _parts(centre)["negatives"]:  # it has none anywhere: those at one place
            places = {strategy.negatives_on for strategy in of.values() if strategy.negatives}
            shown = RING if RING in places else min(places, default=RING)
            of = {i: one for i, one in of.items() if not one.negatives or one.negatives_on == shown}
        for i, strategy in of.items():
            difference = self.ious[i] - self.ious[place]
            difference = difference[~np.isnan(difference)]
            if not len(difference):
                continue
            span, level = mean_interval(difference), float(self.levels[place])
            low, high = (level + span[0], level + span[1]) if span else (None, None)
            value = _parts(strategy)[part]
            points.append(Point(value, strategy.name, level + float(difference.mean()), low, high, len(difference)))
        return sorted(points, key=lambda point: (isinstance(point.value, str), point.value is not None, point.value))

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row a strategy, the best first: its parts, its score, its interval, its costs, and how it ended."""
        import pandas as pd

        rows = []
        for i in self._order():
            strategy = strategy_of(self.names[i])
            low, high = self._interval(i)
            parts = {name: getattr(strategy, name) for name in ("prior", "prompt", *PARTS)}
            told = {"spelling": strategy.spelling, "mean_iou": self.levels[i], "low": low, "high": high}
            ended = {"decoder_calls": self.cost[i], "pictures": int(self.judged[i]), "end": self._end(i)}
            rows.append({**told, **ended, **parts})
        return pd.DataFrame(rows, index=pd.Index([self.names[i] for i in self._order()], name="strategy"))

    def _order(self) -> list[int]:
        finalists = set(self.finalists)
        others = sorted(set(range(len(self.names))) - finalists, key=lambda i: (-self.levels[i], self.names[i]))
        return [*self.finalists, *others]

    def _interval(self, i: int) -> tuple[float | None, float | None]:
        """The 95 % interval of a mean; of one that stopped it is of its own pictures, and stands at its level."""
        span, shift = mean_interval(self.ious[i]), self.levels[i] - self.means[i]
        return (span[0] + shift, span[1] + shift) if span else (None, None)

    def _end(self, i: int) -> str:
        if self.names[i] == self.best.name:
            return "recommended"
        return "like the best" if i in self.alike else "worse" if i in self.finalists else "stopped"

    def verdict(self) -> str:
        """Who is best, what is recommended and why, and what it scores on pictures that didn't choose it."""
        leader, best, honest = self.leader, self.best, self.honest
        first, place = self.finalists[0], self.names.index(best.name)
        same = len(self.alike) - 1
        count = len(self.files)
        left = (
            f"{self.total - count} of {self.total} pictures are still to be looked at; the same sweep goes on with them"
        )
        told = f"Not finished, {left}. " if count < self.total else ""
        pictures = f"{count} picture{'s' if count > 1 else ''}"
        told += f"{leader.spelling} is best, mean IoU {self.means[first]:.3f} on {pictures}"
        told += f" with {self.cost[first]:.1f} decoder calls each"
        if best != leader:
            others = f"{same} others" if same > 1 else "one other"
            worth = f" or {self.worth:g}" if self.worth else ""
            why = "the cheapest of them" if best.rounds < leader.rounds else "which has fewer clicks"
            told += (
                f", and better than {others} by no more than chance{worth}: take {best.spelling}"
                f" ({self.means[place]:.3f}, {self.cost[place]:.1f} calls), {why}"
            )
        elif same:
            told += (
                f"; the {same} that can't be told from it ask for no fewer corrections"
                if same > 1
                else "; the one that can't be told from it asks for no fewer corrections"
            )
        elif len(self.names) > 1:
            told += "; all others are worse"
        span = "" if honest.low is None else f" ({interval(honest.low, honest.high)})"
        fair = f" Chosen by other pictures than it is scored on, the best reaches {honest.mean:.3f}{span}."
        return f"{told}.{fair if count > 1 else ''}"

    def tables(self) -> list[Table]:
        """What there is to read: the best rows, and the curves around the recommended one."""
        shown = self._order()[:MOST_ROWS]
        more = f" {len(self.names) - len(shown)} more are in study.table." if len(shown) < len(self.names) else ""
        stopped = len(self.names) - len(self.finalists)
        raced = f" {stopped} stopped, having nothing to win (error rate {self.error_rate})." if stopped else ""
        read = f"The truth was read as {self.truth}" if self.truth else ""
        tables = [
            Table(
                f"{how_many(len(self.names))} on {self._how_far()}",
                " ".join(filter(None, [f"{self.verdict()}{raced}{more}", read, self.left_out])),
                ("strategy", "mean IoU", "95 % interval", "decoder calls", "pictures", ""),
                tuple(self._row(i) for i in shown),
            )
        ]
        curves = {part: self.curve(part) for part in PARTS}
        rows = [
            (part.replace("_", " "), "as given" if p.value is None else str(p.value), number(p.mean),
             interval(p.low, p.high), str(p.pictures))
            for part, points in curves.items() if len(points) > 1 for p in points
        ]  # fmt: skip
        if rows:
            title = f"What each part is worth, around {self.best.spelling}"
            told = "All other parts stay. Intervals are of the paired difference to it."
            tables.append(Table(title, told, ("part", "value", "mean IoU", "95 % interval", "pictures"), tuple(rows)))
        return tables

    def _how_far(self) -> str:
        """``80 pictures``, ``19 of 80 pictures``."""
        count = len(self.files)
        return f"{count} of {self.total} pictures" if count < self.total else f"{count} pictures"

    def _row(self, i: int) -> tuple[str, ...]:
        low, high = self._interval(i)
        spelling = strategy_of(self.names[i]).spelling
        return (
            spelling,
            number(self.levels[i]),
            interval(low, high),
            f"{self.cost[i]:.1f}",
            str(self.judged[i]),
            self._end(i),
        )

    def plot(self, part: str | None = None):
        """A plotly figure: cost against quality with Pareto's front, or the curve of a part."""
        import plotly.graph_objects as go

        return go.Figure(self._curve_figure(part) if part else self._cost_figure())

    def figures(self, dark: bool) -> dict[str, Figure]:
        """What quality costs, and the curve of each part that was varied around :attr:`best`, by their names."""
        curves = {part: self._curve_figure(part, dark) for part in PARTS if len(self.curve(part)) > 1}
        return {"cost": self._cost_figure(dark), **curves}

    def _curve_figure(self, part: str, dark: bool = False) -> Figure:
        return study_figures.curve(self.curve(part), part, self.best.spelling, dark)

    def _cost_figure(self, dark: bool = False) -> Figure:
        finalists, front = set(self.finalists), set(self.front)
        dots = [
            Dot(name, float(self.cost[i]), float(self.levels[i]), i in finalists, name in front)
            for i, name in enumerate(self.names) if self.judged[i]
        ]  # fmt: skip
        return study_figures.cost(dots, dark)

    def __repr__(self) -> str:
        return f"Study({how_many(len(self.names))}, {self._how_far()}; best: {self.best.spelling})"

    def __str__(self) -> str:
        """Markdown."""
        return "\n\n".join(f"{table.title}\n\n{table.note}\n\n{table.markdown()}" for table in self.tables())

    def _repr_html_(self) -> str:
        return "".join(table.html() for table in self.tables())

    def to_dict(self) -> dict:
        """Plain JSON."""
        plain = {name: [[None if np.isnan(v) else round(float(v), DIGITS) for v in row] for row in getattr(self, name)]
                 for name in ("ious", "calls")}  # fmt: skip
        told = {name: getattr(self, name) for name in ("error_rate", "truth", "total", "seconds", "worth", "left_out")}
        return {"names": list(self.names), "files": list(self.files), **plain, **told}

    @classmethod
    def from_dict(cls, stored: dict) -> Study:
        """Undo :meth:`to_dict`."""
        count = len(stored["names"])
        arrays = {name: np.array(stored[name], float).reshape(count, -1) for name in ("ious", "calls")}
        return cls(**{**stored, **arrays, "names": tuple(stored["names"]), "files": tuple(stored["files"])})


def how_many(strategies: int) -> str:
    """``1 strategy``, ``2 strategies``."""
    return f"{strategies} {'strategy' if strategies == 1 else 'strategies'}"


def _parts(strategy: Strategy) -> dict[str, object]:
    """A strategy's parts; a box alone is one with no clicks."""
    parts = {name: getattr(strategy, name) for name in ("prior", "prompt", *PARTS)}
    if strategy.prompt == BOX:
        parts |= {"prompt": BOX_POINTS, "positives": 0, "negatives": 0}
    return parts


def _alike_but(one: Strategy, other: Strategy, part: str) -> bool:
    """Whether two strategies differ in one part at most; where one has no clicks outside, their place is none."""
    ours, theirs = _parts(one), _parts(other)
    compared = set(ours) - {part}
    if 0 in (ours["negatives"], theirs["negatives"]):
        compared -= {"negatives_on"}
    return all(ours[name] == theirs[name] for name in compared)
