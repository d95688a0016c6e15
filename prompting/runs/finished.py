"""What finishing labels came to, to be read."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..analysis.tables import Table
from ..dataset.names import FinalFields
from ..final.names import CASCADE, ONE
from ..final.promise import Promise
from ..final.trial import Trial
from ..plan import SKIP
from .finish_plan import FinishPlan


@dataclass(frozen=True)
class Finished:
    """Which labels are written; ``print`` it.

    Attributes:
        plan: what was asked for, strategies by their names
        sample_ids: of the samples that get a label
        replaced: how many of them have one there already
        kept: how many other samples keep the one that they have
        meanwhile: how many of these somebody decided on, or labelled, while the run went on
        without: how many samples lack a result, and are left as they are
        broken: how many of these lack it for a strategy failed there
        failed: how many others could not be labelled, and are left as they were
        why: of the first of these, a sentence
        looked_at: the strategies that are looked at, those of the plan among them
        trial: how all rules do on the samples with a truth; None without
        promises: how good the labels of the samples without a truth are, and those of them that were accepted for
            what is expected of them; none without any truth
    """

    plan: FinishPlan
    sample_ids: tuple[str, ...]
    replaced: int
    kept: int
    without: int
    looked_at: tuple[str, ...]
    trial: Trial | None = None
    promises: tuple[Promise, ...] = ()
    meanwhile: int = 0
    broken: int = 0
    failed: int = 0
    why: str = ""

    @property
    def promise(self) -> Promise | None:
        """How good the labels of the samples without a truth are; None without any truth."""
        return self.promises[0] if self.promises else None

    @property
    def name(self) -> str:
        """The masks' field."""
        return self.plan.name

    @property
    def instances(self) -> str:
        """The instances' field."""
        return FinalFields.of(self.plan.name).instances

    def __str__(self) -> str:
        count, strategies = len(self.sample_ids), self.plan.strategies
        of = ", ".join(strategies or self.looked_at)
        by = f"of {strategies[0]!r}" if self.plan.rule == ONE and strategies else f"by {self.plan.rule!r} of {of}"
        said = f"{count} {'sample has' if count == 1 else 'samples have'} labels {by}"
        replaced = f", {self.replaced} of them in place of earlier ones" if self.replaced else ""
        since = f", {self.meanwhile} of them one of somebody's during this run" if self.meanwhile else ""
        kept = f" {self.kept} keep the label that they have{since}." if self.kept else ""
        without = f" {self.without} lack a result and were left as they are{self._broken()}." if self.without else ""
        failed = f" {self.failed} could not be labelled and were left as they were; the first: {self.why}."
        failed = failed if self.failed else ""
        told = f"{said} in {self.name!r} and {self.instances!r}{replaced}.{kept}{without}{failed}"
        return "\n\n".join([told, *map(str, self.promises), *([str(self.trial)] if self.trial else [])])

    def _broken(self) -> str:
        """Why some lack a result, and what becomes of them: they have no label, and no review shows them."""
        if not self.broken:
            return ""
        on = "there" if self.broken == self.without else f"on {self.broken} of them"
        return (
            f": a strategy failed {on}. Apply it again with existing={SKIP!r}, or finish by a {CASCADE!r}, which takes"
            f" the next one where one failed; until then match(~F({self.name!r}).exists()) shows them"
        )

    def tables(self) -> list[Table]:
        """What there is to read where there is a truth: what is promised, and how all rules do."""
        if self.trial is None:
            return []
        table = self.trial.table()
        first = str(replace(self, trial=None))
        return [replace(table, note=f"{first} {table.note}")]
