"""What a person chose in the panel, made to fit what the dataset has."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .scope import Scope

if TYPE_CHECKING:
    from ...prompting.analysis.findings import Findings

SIZE, COUNT = "size of the largest instance (% of the picture)", "number of instances"

# Where the App keeps what is chosen: the name of the row, a dot, the name of the drop-down.
PREFIX, SLICE_BY = "prefixes.prefix", "slicing.slice_by"
BASELINE, A, B = "top.baseline", "pair.a", "pair.b"
"""What these begin with: :meth:`Choices.path` ends with what there is to choose from."""


@dataclass(frozen=True)
class Choices:
    """The panel's state with defaults filled in, and what was found with that prefix.

    Attributes:
        scope: the pictures that the panel speaks of
        prefixes: all that there are
        whole: what was found of the chosen prefix; None where no strategy was applied
        findings: the same of the scope's pictures alone
        baseline, a, b: strategies' names; b is None where there is one strategy alone
        slice_by: a field, or SIZE or COUNT
        among: what tells the strategies to choose from, and their evaluation, from others
    """

    scope: Scope
    prefixes: list[str]
    whole: Findings | None = None
    findings: Findings | None = None
    baseline: str | None = None
    a: str | None = None
    b: str | None = None
    slice_by: str = SIZE
    among: str = ""

    @classmethod
    def of(cls, ctx) -> Choices:
        """Read once a request: an event and the drawing after it see the same."""
        if not hasattr(ctx, "_strategies_chosen"):
            ctx._strategies_chosen = cls._read(ctx)
        return ctx._strategies_chosen

    @classmethod
    def _read(cls, ctx) -> Choices:
        from ...prompting.analysis.part import part_of
        from ...prompting.dataset.findings import load_findings
        from ...prompting.dataset.present import prefixes

        scope, there = Scope.of(ctx), prefixes(ctx.dataset)
        if not there:
            return cls(scope, [])
        state = ctx.panel.get_state
        prefix = state(PREFIX) if state(PREFIX) in there else ("sam2" if "sam2" in there else there[0])
        whole = load_findings(ctx.dataset, prefix)
        findings = whole if scope.ids is None else part_of(whole, scope.ids)
        names = findings.evaluated or findings.strategies
        among = _among(whole, names)
        wanted = {name: state(f"{name}_{among}") for name in (BASELINE, A, B)}
        recorded = findings.comparison.baseline if findings.comparison else None
        baseline = next((n for n in (wanted[BASELINE], recorded) if n in names), names[-1])
        a = wanted[A] if wanted[A] in names else names[0]
        others = [name for name in names if name != a]
        b = next((n for n in (wanted[B], baseline) if n in others), others[0] if others else None)
        return cls(scope, there, whole, findings, baseline, a, b, state(SLICE_BY) or SIZE, among)

    @property
    def prefix(self) -> str:
        return self.findings.prefix

    @property
    def names(self) -> tuple[str, ...]:
        """The strategies to choose from: those that were evaluated, or all where none was."""
        return self.findings.evaluated or self.findings.strategies

    def path(self, name: str) -> str:
        """Where the App keeps BASELINE, A or B. With other strategies, or after an evaluation with another baseline, it
        is elsewhere: the App would bring its remembered values into the new drop-downs, which are nobody's choice."""
        return f"{name}_{self.among}"

    def drop_down(self, name: str) -> str:
        """What the drop-down of BASELINE, A or B is called in its row."""
        return self.path(name).partition(".")[2]

    def remembered(self, ctx) -> dict:
        """What the panel's state must say, for the drop-downs to show what was drawn, where it says something else."""
        if self.findings is None:
            return {}
        values = {self.path(BASELINE): self.baseline, self.path(A): self.a, self.path(B): self.b}
        return {path: value for path, value in values.items() if ctx.panel.get_state(path) != value}


def _among(whole: Findings, names: tuple[str, ...]) -> str:
    """Before an evaluation nobody is asked for a baseline; one with another baseline is a new beginning too."""
    baseline = whole.comparison.baseline if whole.comparison else ""
    return hashlib.sha256(" ".join((whole.prefix, *sorted(names), "/", baseline)).encode()).hexdigest()[:8]
