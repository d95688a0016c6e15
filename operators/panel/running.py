"""A run that is under way: what it does, how far it is, and a button that stops it."""

from __future__ import annotations

import time

from .canvas import Canvas

EVERY = 3000
"""Milliseconds after which a page that shows a run asks how far it is."""

PATIENCE = 8.0
"""Seconds that Stop waits for the end, so that the drawing after it tells of it."""


def draw_running(panel, ctx, canvas: Canvas) -> None:
    """Nothing where nothing runs."""
    from ...prompting.dataset.stopping import runs

    going = runs(ctx.dataset)
    for prefix, run in going.items():
        canvas.text(f"running_{prefix}", f"Running: {run.what}", passing=True)
        canvas.moving(_sentence(prefix), how_far(run))
        if not run.stopping:
            canvas.button(canvas.row(f"stopping_{prefix}"), "stop", "Stop", panel.stop, "stop_circle", main=True)
    if going:
        canvas.every(EVERY, panel.move, shown=_shown(going))


def move(ctx) -> bool:
    """Say how far the runs are that the page shows; whether these are the ones that are under way."""
    from ...prompting.dataset.stopping import runs

    going = runs(ctx.dataset)
    if _shown(going) != ctx.params.get("shown"):
        return False
    ctx.ops.patch_panel_data({_sentence(prefix): how_far(run) for prefix, run in going.items()})
    return True


def _sentence(prefix: str) -> str:
    return f"running_{prefix}_said"


def _shown(going) -> dict[str, bool]:
    """By what a drawing of runs is known to be old: another run, or one that was asked to stop."""
    return {prefix: run.stopping for prefix, run in going.items()}


def how_far(run) -> str:
    """A :class:`~prompting.dataset.stopping.Running` in a sentence."""
    from ...prompting.runs.progress import time_left

    said = f"since {run.since:%H:%M}"
    if run.total:
        far = f"{run.doing} {run.done + 1} of {run.total}" if run.doing else f"{run.done} of {run.total}"
        said = f"{far}, {said}{time_left(run.seconds_left)}"
    return f"{said}. It is asked to stop." if run.stopping else f"{said}."


def stop(ctx) -> str:
    """Ask every run on the dataset to end, and wait for it a while; what came of it, as a sentence."""
    from ...prompting.dataset.stopping import request_stop, runs

    going = runs(ctx.dataset)
    asked = [prefix for prefix in going if request_stop(ctx.dataset, prefix)]
    if not asked:
        return "Nothing runs any more."
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if not set(asked) & set(runs(ctx.dataset)):
            return "The run has ended; what is done is whole and stays. The same again does the rest."
        time.sleep(0.1)
    return "The run ends after this picture; what is done stays. Refresh to see it."
