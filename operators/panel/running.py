"""A run that is under way: what it does, how far it is, and a button that stops it."""

from __future__ import annotations

import time

from .canvas import Canvas

PATIENCE = 8.0
"""Seconds that Stop waits for the end, so that the drawing after it tells of it."""


def draw_running(panel, ctx, canvas: Canvas) -> None:
    """Nothing where nothing runs."""
    from ...prompting.dataset.stopping import runs

    for prefix, run in runs(ctx.dataset).items():
        canvas.text(f"running_{prefix}", f"Running: {run.what}", how_far(run), passing=True)
        if not run.stopping:
            canvas.button(canvas.row(f"stopping_{prefix}"), "stop", "Stop", panel.stop, "stop_circle", main=True)


def how_far(run) -> str:
    """A :class:`~prompting.dataset.stopping.Running` in a sentence."""
    from ...prompting.runs.progress import time_left

    said = f"since {run.since:%H:%M}"
    if run.total:
        said = f"{run.done} of {run.total}, {said}{time_left(run.seconds_left)}"
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
