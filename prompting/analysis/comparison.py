"""The tables that say which strategy won, by how much, and whether that is more than chance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..prompts.strategies import strategy_of
from .calibration import Bin, Calibration
from .instances import InstanceScores
from .statistics import TIE, Difference, differences
from .tables import Table

if TYPE_CHECKING:
    import pandas as pd


AVERAGES, COUNTED = ("mask AP", "AP50", "AR"), ("in the truth", "masks", "missed", "double")


@dataclass(frozen=True)
class Row:
    """One strategy's results.

    Attributes:
        strategy: its name
        images: how many were evaluated
        support: pixels that were evaluated, background included and crowds left out (all strategies have the same);
            None where it isn't known
        mean_iou: the mean over images of each image's IoU
        low, high: its 95 % bootstrap interval over images; None for a single image
        boundary_iou: the mean over images of each image's boundary IoU (Cheng et al., 2021)
        pooled_iou, dice, precision, recall: of all pixels of all images together
        without_prompt: images in which its prior found nothing
        seconds: an image, as if it had run alone (encoding and prior included), in its latest run
        decoder_calls: an image, in its latest run
        difference: to the baseline, image by image; None for the baseline itself
        instances: how its instances match the truth's; None where the truth has none
        calibration: of the predicted IoU; None where no image has one
        agreement_correlation: rank correlation of each image's IoU with the agreement between strategies
    """

    strategy: str
    images: int
    support: int | None
    mean_iou: float
    low: float | None
    high: float | None
    boundary_iou: float
    pooled_iou: float
    dice: float
    precision: float
    recall: float
    without_prompt: int
    seconds: float | None
    decoder_calls: float | None
    difference: Difference | None = None
    instances: InstanceScores | None = None
    calibration: Calibration | None = None
    agreement_correlation: float | None = None

    @classmethod
    def from_dict(cls, stored: dict) -> Row:
        """Undo ``asdict``."""
        row = dict(stored)
        if row["difference"]:
            row["difference"] = Difference(**row["difference"])
        if row["instances"]:
            row["instances"] = InstanceScores(**row["instances"])
        if row["calibration"]:
            bins = tuple(Bin(**part) for part in row["calibration"]["bins"])
            row["calibration"] = Calibration(**{**row["calibration"], "bins": bins})
        return cls(**row)


@dataclass(frozen=True, repr=False)
class Comparison:
    """Rows ordered by mean IoU, the best first: ``print`` it, iterate over it, or take :meth:`to_pandas`.

    Attributes:
        rows: one a strategy
        baseline: what the differences refer to
        truth: what the truth was understood as, in one line; empty in tables of earlier versions
        references: how many reference pictures, which strategies learned from, were left out
        taught: how many of them were scored, because somebody asked for it; None: nobody knows how many
    """

    rows: tuple[Row, ...]
    baseline: str
    truth: str = ""
    references: int = 0
    taught: int | None = 0

    @classmethod
    def of(cls, rows: Sequence[Row], scores: Mapping[str, np.ndarray], baseline: str) -> Comparison:
        """Order the rows and compare each with the baseline.

        Args:
            rows: one a strategy
            scores: each strategy's IoU for each image, (N,) in the same order
            baseline: a strategy's name
        """
        ordered = sorted(rows, key=lambda row: (-row.mean_iou, row.strategy))
        return cls(tuple(ordered), baseline).with_baseline(scores, baseline)

    def with_baseline(self, scores: Mapping[str, np.ndarray], baseline: str) -> Comparison:
        """The same with differences to another strategy (none at all if it isn't among the scores)."""
        shown = {row.strategy: scores[row.strategy] for row in self.rows}
        against = differences(shown, baseline) if baseline in shown else {}
        rows = tuple(replace(row, difference=against.get(row.strategy)) for row in self.rows)
        return replace(self, rows=rows, baseline=baseline)

    @classmethod
    def from_dict(cls, stored: dict) -> Comparison:
        """Undo :meth:`to_dict`."""
        rows = tuple(Row.from_dict(row) for row in stored["rows"])
        counts = (stored.get(name, 0) for name in ("references", "taught"))
        return cls(rows, stored["baseline"], stored.get("truth", ""), *counts)

    def to_dict(self) -> dict:
        """Plain JSON."""
        rows = [asdict(row) for row in self.rows]
        told = {"baseline": self.baseline, "truth": self.truth, "references": self.references, "taught": self.taught}
        return {**told, "rows": rows}

    def to_pandas(self) -> pd.DataFrame:
        """One line a strategy, the best first, by its name; what belongs together is joined by a dot.

        ``difference.p``, ``instances.recall``, ``calibration.error``; empty where something isn't known. Beside how
        many ``images`` were scored, ``references_left_out`` says how many were not, for strategies learned from them,
        and ``references_scored`` how many nevertheless were; ``frame.attrs`` has a sentence on them (``left_out``),
        the ``baseline``, and what the ``truth`` was read as.
        """
        import pandas as pd

        lines = []
        for row in self.rows:
            line = {}
            for name, value in asdict(row).items():
                parts = {f"{name}.{part}": inner for part, inner in value.items()} if isinstance(value, dict) else None
                line.update({name: value} if parts is None else parts)
            line.pop("calibration.bins", None)
            lines.append(line)
        names = list(dict.fromkeys(name for line in lines for name in line))
        table = pd.DataFrame(lines, columns=[n for n in names if n not in ("difference", "instances", "calibration")])
        table.insert(table.columns.get_loc("images") + 1, "references_left_out", self.references)
        table.insert(table.columns.get_loc("images") + 2, "references_scored", self.taught)
        table.attrs = {"baseline": self.baseline, "truth": self.truth, "left_out": self.left_out()}
        return table.set_index("strategy")

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        """Short: the best and how many."""
        if not self.rows:
            return "Comparison(no strategies)"
        best = self.rows[0]
        return f"Comparison({len(self)} strategies, {best.images} images; best: {best.strategy} {best.mean_iou:.3f})"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return "".join(table.html() for table in self.tables())

    def __getitem__(self, strategy: str) -> Row:
        """The row of a strategy, by its name or its spelling."""
        strategy = strategy_of(strategy).name if ":" in strategy else strategy
        for row in self.rows:
            if row.strategy == strategy:
                return row
        raise KeyError(f"{strategy!r} is not in the table; it has: {', '.join(row.strategy for row in self.rows)}")

    def tables(self) -> list[Table]:
        """What there is to read, the most important first."""
        tables = [self._scores(), self._boundaries()]
        if any(row.instances for row in self.rows):
            tables.append(self._instances())
        if any(row.calibration for row in self.rows):
            tables.append(self._trust())
        return [*tables, self._cost()]

    def __str__(self) -> str:
        """Markdown."""
        return "\n\n".join(f"{table.title}\n\n{table.markdown()}" for table in self.tables())

    def _scores(self) -> Table:
        return Table(
            f"Mean IoU over {self.rows[0].images if self.rows else 0} images{self.but_for()}, compared with"
            f" {self.baseline}",
            "Intervals: 95 %, bootstrap over the images. p: Wilcoxon's signed ranks, Holm-corrected."
            f" Tie: within {TIE} IoU." + (f" The truth was read as {self.truth}" if self.truth else ""),
            ("strategy", "mean IoU", "95 % interval", "vs. baseline", "its interval", "p", "win / tie / loss"),
            tuple(_scores_of(row) for row in self.rows),
        )

    def but_for(self) -> str:
        """Which are left out, for strategies learned from them and would be scored on what they were shown; or that
        they are scored nevertheless. In brackets, empty where there are none."""
        if self.references:
            return f" (without {reference_pictures(self.references)})"
        if self.taught is None:
            return " (among them reference pictures, nobody knows which)"
        return f" ({reference_pictures(self.taught)} among them)" if self.taught else ""

    def left_out(self) -> str:
        """The same as a sentence; empty where there are none."""
        return references_in_words(self.references, self.taught)

    def _boundaries(self) -> Table:
        return Table(
            "Boundaries, and all pixels of all images together",
            "Boundary IoU: of the pixels within 2 % of the diagonal from the outline, mean over images. The other"
            " scores are pooled: large objects weigh more than small ones. Pixels: all that were compared, background"
            " too; the support in Model Evaluation counts those of the truth's classes.",
            ("strategy", "boundary IoU", "pooled IoU", "Dice", "precision", "recall", "images", "pixels"),
            tuple(
                (
                    row.strategy,
                    *map(number, (row.boundary_iou, row.pooled_iou, row.dice, row.precision, row.recall)),
                    str(row.images),
                    "–" if row.support is None else str(row.support),
                )
                for row in self.rows
            ),
        )

    def _instances(self) -> Table:
        return Table(
            "Instances, matched one to one at IoU 0.5",
            "Masks: all that the strategy made. Missed: in the truth and matched by none of them. Double: a second mask"
            " of one that is matched already. Mask AP, AP50 and AR are COCO's: masks in the order of their predicted"
            " IoU times the prior's confidence.",
            (
                "strategy",
                "recall",
                "precision",
                "IoU of matched",
                *AVERAGES,
                "in the truth",
                "masks",
                "missed",
                "double",
            ),
            tuple(
                (
                    row.strategy,
                    *map(number, (i.recall, i.precision, i.mean_iou, i.ap, i.ap50, i.ar)),
                    *map(str, (i.truths, i.predictions, i.misses, i.duplicates)),
                )
                for row in self.rows
                if (i := row.instances)
            ),
        )

    def _trust(self) -> Table:
        return Table(
            "Can the predicted IoU be trusted?",
            "Calibration error: how far the predicted IoU is from the true one. Rank correlations: 1 where it (or the"
            " agreement between strategies, which needs no truth) puts images into the order of their true IoU.",
            ("strategy", "images with a score", "calibration error", "rank correlation", "… of the agreement"),
            tuple(
                (
                    row.strategy,
                    str(c.images),
                    *map(number, (c.error, c.rank_correlation, row.agreement_correlation)),
                )
                for row in self.rows
                if (c := row.calibration)
            ),
        )

    def _cost(self) -> Table:
        return Table(
            "What it costs",
            "An image by itself, in the strategy's latest run: encoding and prior included, which strategies share"
            " that run together. No prompt: images in which the prior found nothing.",
            ("strategy", "no prompt", "s / image", "decoder calls"),
            tuple(
                (
                    row.strategy,
                    str(row.without_prompt),
                    "" if row.seconds is None else f"{row.seconds:.2f}",
                    "" if row.decoder_calls is None else f"{row.decoder_calls:.1f}",
                )
                for row in self.rows
            ),
        )


def _scores_of(row: Row) -> tuple[str, ...]:
    versus = row.difference
    if versus is None:
        return (row.strategy, number(row.mean_iou), interval(row.low, row.high), "", "", "", "")
    return (
        row.strategy,
        number(row.mean_iou),
        interval(row.low, row.high),
        f"{versus.mean:+.3f}",
        interval(versus.low, versus.high, "+"),
        p_value(versus.p),
        f"{versus.wins} / {versus.ties} / {versus.losses}",
    )


def reference_pictures(count: int) -> str:
    """So many of them."""
    return f"{count} reference picture{'' if count == 1 else 's'}"


def references_in_words(left_out: int, scored: int | None) -> str:
    """A sentence on so many reference pictures, left out or scored nevertheless; empty for none."""
    if left_out:
        return f"Left out: {reference_pictures(left_out)}, which strategies learned from."
    if scored is None:
        return "Scored too: the pictures that strategies learned from, nobody knows which; on these they do better."
    which = f"Scored too: {reference_pictures(scored)}, which strategies learned from and do better on."
    return which if scored else ""


def number(value: float | None) -> str:
    """Three decimals, or a dash."""
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"


def interval(low: float | None, high: float | None, sign: str = "") -> str:
    """Both ends, or nothing."""
    between = " … " if sign else " – "
    return "" if low is None else f"{low:{sign}.3f}{between}{high:{sign}.3f}"


def p_value(p: float | None) -> str:
    """As much of a p-value as it deserves."""
    return "" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"
