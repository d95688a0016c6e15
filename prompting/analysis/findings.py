"""Everything that is known of a dataset's strategies, as plain values: what the panel and the report are made of."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .comparison import Comparison, Row
from .palette import colours_of
from .robustness import Curve


@dataclass(frozen=True)
class Findings:
    """What is known of the strategies with one prefix, over the N samples that have results of any of them.

    Arrays are (N,) float with NaN where something isn't known, in the dataset's order.

    Attributes:
        prefix: of the fields
        strategies: those that have results; the best first where they were evaluated
        comparison: the table of the latest evaluation; None before one
        sample_ids: N ids
        status: each strategy's statuses, None where it wasn't applied
        score: each strategy's mean predicted IoU
        iou: each evaluated strategy's IoU with the truth
        errors: each explained strategy's parts of the loss
        agreement: mean IoU between the strategies' masks, which needs no truth
        instances: how many instances the truth has
        size: the share of the picture that the largest of them covers
        curves: how prompts bear being wrong; empty where it wasn't measured
        outdated: strategies that were applied again, after they were evaluated, to what had been scored
        boundary: each evaluated strategy's boundary IoU
        files: N names of the pictures' files, without folders
        references: ids of the pictures, here or elsewhere, that strategies learned from: of the evaluated ones, or of
            all where none is
        colours: the strategies' own, as the App shows them, where they have one there
        finished: rows of the table that were finished from others: no strategies, and no better than themselves
    """

    prefix: str
    strategies: tuple[str, ...]
    comparison: Comparison | None
    sample_ids: list[str]
    status: dict[str, list[str | None]]
    score: dict[str, np.ndarray]
    iou: dict[str, np.ndarray]
    errors: dict[str, dict[str, np.ndarray]]
    agreement: np.ndarray
    instances: np.ndarray
    size: np.ndarray
    curves: tuple[Curve, ...] = field(default=())
    outdated: tuple[str, ...] = field(default=())
    boundary: dict[str, np.ndarray] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    references: frozenset[str] = frozenset()
    finished: frozenset[str] = frozenset()
    colours: dict[str, str] = field(default_factory=dict)

    @property
    def evaluated(self) -> tuple[str, ...]:
        """The strategies of the table, the best first."""
        return tuple(row.strategy for row in self.comparison.rows) if self.comparison else ()

    def colour_of(self, strategy: str) -> str:
        """What a strategy has in the App, or would be given beside the others."""
        return colours_of({*self.strategies, strategy}, self.colours)[strategy]

    @property
    def best(self) -> Row | None:
        """The best row of the table that can win; None without a table."""
        rows = self.comparison.rows if self.comparison else ()
        return next((row for row in rows if row.strategy not in self.finished), next(iter(rows), None))

    @property
    def left_out(self) -> np.ndarray:
        """(N,) bool: reference pictures, which an evaluation left out of all scores."""
        return ~self._scored & self._references if self.evaluated else np.zeros(len(self.sample_ids), bool)

    @property
    def taught(self) -> np.ndarray:
        """(N,) bool: reference pictures that were scored nevertheless."""
        return self._scored & self._references

    @property
    def _scored(self) -> np.ndarray:
        of = [~np.isnan(self.iou[name]) for name in self.evaluated]
        return np.any(of, axis=0) if of else np.zeros(len(self.sample_ids), bool)

    @property
    def _references(self) -> np.ndarray:
        return np.array([one in self.references for one in self.sample_ids], bool)
