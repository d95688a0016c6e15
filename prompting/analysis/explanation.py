"""What an explanation of losses found, as a value and as tables."""

from __future__ import annotations

from dataclasses import dataclass

from .attribution import PARTS
from .robustness import Curve, as_table
from .tables import Table


@dataclass(frozen=True, repr=False)
class Explanation:
    """What was found.

    Attributes:
        parts: strategy -> part -> its mean over images; a strategy's parts add up to 1 − its mean IoU
        curves: how SAM 2 bears wrong prompts, where that was asked for
        images: how many were explained
        failed: how many pictures are gone, or have another size than their masks
    """

    parts: dict[str, dict[str, float]]
    curves: tuple[Curve, ...]
    images: int
    failed: int

    def table(self) -> Table:
        """One line a strategy, the smallest loss first."""
        ordered = sorted(self.parts.items(), key=lambda item: sum(item[1].values()))
        return Table(
            f"Where the loss comes from, mean over {self.images} images",
            "miss: nobody looked there. stray: prompts on nothing. prompt: worse than the truth's box. choice: SAM 2"
            " kept the worse of three masks. segmenter: what even the truth's box doesn't reach."
            " A negative part did better than its yardstick.",
            ("strategy", "1 − mean IoU", *PARTS),
            tuple(
                (name, f"{sum(parts.values()):.3f}", *(f"{round(parts[part], 3) + 0.0:+.3f}" for part in PARTS))
                for name, parts in ordered
            ),
        )

    def tables(self) -> list[Table]:
        """The parts of the loss, and how prompts bear being wrong, where that was measured."""
        return [self.table(), *([as_table(self.curves)] if self.curves else [])]

    def __repr__(self) -> str:
        return f"Explanation({', '.join(self.parts)}; {self.images} images)"

    def __str__(self) -> str:
        """Markdown."""
        return "\n\n".join(f"{table.title}\n\n{table.markdown()}" for table in self.tables())

    def _repr_html_(self) -> str:
        return "".join(table.html() for table in self.tables())
