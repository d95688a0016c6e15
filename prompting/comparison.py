"""The table that says which strategy won."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True)
class Row:
    """One strategy's line.

    Attributes:
        strategy: its name
        images: how many were evaluated
        support: pixels that were evaluated (all strategies have the same)
        mean_iou: the mean over images of each image's IoU
        pooled_iou, dice, precision, recall: of all pixels of all images together
        without_prompt: images in which its prior found nothing
        seconds: an image, as if it had run alone (encoding and prior included), in its latest run
        decoder_calls: an image, in its latest run
        difference: mean_iou minus the baseline's
        low, high: the 95 % bootstrap interval of mean_iou over images; None for a single image
    """

    strategy: str
    images: int
    support: int
    mean_iou: float
    pooled_iou: float
    dice: float
    precision: float
    recall: float
    without_prompt: int
    seconds: float | None
    decoder_calls: float | None
    difference: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Comparison:
    """Rows ordered by mean IoU, the best first; ``print`` it, or take ``rows``."""

    rows: tuple[Row, ...]
    baseline: str

    @classmethod
    def of(cls, rows: Sequence[Row], baseline: str) -> Comparison:
        """Order the rows and subtract the baseline's mean IoU (None throughout if it isn't among them)."""
        base = next((row.mean_iou for row in rows if row.strategy == baseline), None)
        ordered = sorted(rows, key=lambda row: (-row.mean_iou, row.strategy))
        return cls(
            tuple(replace(row, difference=None if base is None else row.mean_iou - base) for row in ordered), baseline
        )

    @classmethod
    def from_dict(cls, stored: dict) -> Comparison:
        """Undo :meth:`to_dict`."""
        return cls(tuple(Row(**row) for row in stored["rows"]), stored["baseline"])

    def to_dict(self) -> dict:
        """Plain JSON."""
        return {"baseline": self.baseline, "rows": [asdict(row) for row in self.rows]}

    def __getitem__(self, strategy: str) -> Row:
        for row in self.rows:
            if row.strategy == strategy:
                return row
        raise KeyError(f"{strategy!r} is not in the table; it has: {', '.join(row.strategy for row in self.rows)}")

    def __str__(self) -> str:
        """A Markdown table."""
        lines = [list(COLUMNS), *(format_row(row) for row in self.rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS))]

        def text(cells: Sequence[str]) -> str:
            first, *rest = (
                cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(cells, widths))
            )
            return "| " + " | ".join((first, *rest)) + " |"

        rule = "|" + "|".join("-" * (w + 1) + ("-" if i == 0 else ":") for i, w in enumerate(widths)) + "|"
        return "\n".join([text(lines[0]), rule, *map(text, lines[1:])])


COLUMNS = (
    "strategy", "mean IoU", "95 % interval", "vs. baseline", "pooled IoU", "Dice", "precision", "recall", "no prompt",
    "s / image", "decoder calls", "images", "support",
)  # fmt: skip


def format_row(row: Row) -> list[str]:
    """A row's cells as text, in the order of :data:`COLUMNS`."""
    return [
        row.strategy,
        _number(row.mean_iou),
        "" if row.low is None else f"{row.low:.3f} – {row.high:.3f}",
        "" if row.difference is None else f"{row.difference:+.3f}",
        _number(row.pooled_iou),
        _number(row.dice),
        _number(row.precision),
        _number(row.recall),
        str(row.without_prompt),
        "" if row.seconds is None else f"{row.seconds:.2f}",
        "" if row.decoder_calls is None else f"{row.decoder_calls:.1f}",
        str(row.images),
        str(row.support),
    ]


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"
