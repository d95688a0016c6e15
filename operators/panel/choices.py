"""What a person chose in the panel, made to fit what the dataset has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...prompting.findings import Findings

SIZE, COUNT = "size of the largest instance (% of the picture)", "number of instances"

# Where the App keeps what is chosen: the name of the row, a dot, the name of the drop-down.
PREFIX, BASELINE, A, B, SLICE_BY = "prefixes.prefix", "top.baseline", "pair.a", "pair.b", "slicing.slice_by"


@dataclass(frozen=True)
class Choices:
    """The panel's state with defaults filled in, and what was found with that prefix.

    Attributes:
        prefixes: all that there are
        findings: of the chosen prefix; None where no strategy was applied
        baseline, a, b: strategies' names; b is None where there is one strategy alone
        slice_by: a field, or SIZE or COUNT
    """

    prefixes: list[str]
    findings: Findings | None
    baseline: str | None = None
    a: str | None = None
    b: str | None = None
    slice_by: str = SIZE

    @classmethod
    def of(cls, ctx) -> Choices:
        from ...prompting.findings import load_findings, prefixes

        there = prefixes(ctx.dataset)
        if not there:
            return cls([], None)
        state = ctx.panel.get_state
        prefix = state(PREFIX) if state(PREFIX) in there else ("sam2" if "sam2" in there else there[0])
        findings = load_findings(ctx.dataset, prefix)
        names = findings.evaluated or findings.strategies
        recorded = findings.comparison.baseline if findings.comparison else None
        baseline = next((n for n in (state(BASELINE), recorded) if n in names), names[-1])
        a = state(A) if state(A) in names else names[0]
        others = [name for name in names if name != a]
        b = next((n for n in (state(B), baseline) if n in others), others[0] if others else None)
        return cls(there, findings, baseline, a, b, state(SLICE_BY) or SIZE)

    @property
    def prefix(self) -> str:
        return self.findings.prefix

    @property
    def names(self) -> tuple[str, ...]:
        """The strategies to choose from: those that were evaluated, or all where none was."""
        return self.findings.evaluated or self.findings.strategies
