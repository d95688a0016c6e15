"""The last sweep in the panel: what it recommends, its best rows, its curves, and a button that applies the best."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from .canvas import Canvas
from .choices import Choices
from .pictures import DARK

if TYPE_CHECKING:
    from ...prompting.analysis.study import Study

_last: dict[str, tuple] = {}
"""What was computed of the study that was drawn last: intervals take a second, and a panel is drawn often."""


NO_PREFIX = "sam2"
"""Where nothing was applied yet, a sweep has most likely the prefix that forms begin with."""


def prefix_of(chosen: Choices) -> str:
    """Under which the panel looks for a study."""
    return NO_PREFIX if chosen.findings is None else chosen.prefix


def is_swept(ctx, chosen: Choices) -> bool:
    """Whether the panel has a study to show."""
    return _study(ctx, prefix_of(chosen)) is not None


def draw_study(panel, ctx, canvas: Canvas, chosen: Choices) -> None:
    """The study of the dataset's last sweep with the panel's prefix; nothing where there is none."""
    study = _study(ctx, prefix_of(chosen))
    if study is None:
        return
    tables, figures = _computed(study)
    first, *others = tables
    canvas.table("study", first)
    row = canvas.row("study_next")
    canvas.button(row, "apply_best", f"Apply {study.best.spelling}", panel.prompt_best, "done_all", main=True)
    canvas.button(row, "sweep", "Sweep again", panel.prompt_sweep, "grid_on")
    for name, figure in figures.items():
        canvas.plot(f"study_{name}", figure)
    for i, table in enumerate(others):
        canvas.table(f"study_table{i}", table)


def _study(ctx, prefix: str) -> Study | None:
    """Read once a request: what says whether there is one and what draws it see the same."""
    from ...prompting.dataset.studies import load_study

    if not hasattr(ctx, "_study_read"):
        ctx._study_read = load_study(ctx.dataset, prefix)
    return ctx._study_read


def _computed(study: Study) -> tuple:

    key = hashlib.sha256(repr(study.names).encode() + study.ious.tobytes()).hexdigest()
    if key not in _last:
        _last.clear()
        _last[key] = study.tables(), study.figures(DARK)
    return _last[key]
