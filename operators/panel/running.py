"""A run that is under way: what it does, how far it is, and a button that stops it."""

from __future__ import annotations

from .canvas import Canvas


def draw_running(panel, ctx, canvas: Canvas, prefixes: list[str]) -> None:
    """Nothing where nothing runs."""
    from ...prompting.dataset.stopping import running

    found = ((prefix, running(ctx.dataset, prefix)) for prefix in prefixes or ["sam2"])
    for prefix, run in found:
        if run is None:
            continue
        canvas.text(f"running_{prefix}", f"Running: {run.what}", _how_far(run))
        row = canvas.row(f"stopping_{prefix}")
        if not run.stopping:
            canvas.button(row, "stop", "Stop", panel.stop, "stop_circle", main=True)
        canvas.button(row, "refresh", "Refresh", panel.redraw, "refresh")


def stop(ctx, prefixes: list[str]) -> str:
    """Ask every run of these prefixes to end; what was asked, as a sentence."""
    from ...prompting.dataset.stopping import request_stop

    asked = [request_stop(ctx.dataset, prefix) for prefix in prefixes or ["sam2"]]
    return "The run ends after this picture; what is done stays." if any(asked) else "Nothing runs any more."


def _how_far(run) -> str:
    said = f"since {run.since:%H:%M}"
    if run.total:
        said = f"{run.done} of {run.total}, {said}"
    if run.seconds_left is not None:
        left = run.seconds_left
        said += f", about {left / 60:.0f} minutes left" if left >= 90 else f", about {left:.0f} seconds left"
    return f"{said}. It is asked to stop." if run.stopping else f"{said}."
