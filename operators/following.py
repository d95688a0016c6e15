"""Following a run to its end, from Python and in the App."""

from __future__ import annotations

from collections.abc import Iterator

from tqdm.auto import tqdm

from . import forms

FIRST_SECONDS = 1e-3


def follow(steps: Iterator, progress: bool, unit: str = "image"):
    """Run to the end with a progress bar, and return the last that was told."""
    from ..prompting.runs.progress import Progress

    last = None
    with progress_bar(progress, unit) as bar:
        for last in steps:
            if isinstance(last, Progress):
                advance(bar, last)
    return last


def progress_bar(progress: bool, unit: str = "image") -> tqdm:
    """A bar that is drawn with the first step: a request that is refused takes none."""
    return tqdm(unit=unit, disable=not progress, delay=FIRST_SECONDS)


def advance(bar: tqdm, step) -> None:
    """Move a bar to where a run is; what comes before the samples has one of its own first."""
    doing = step.doing or ""
    if doing != (getattr(bar, "desc", None) or ""):
        bar.reset()
        bar.set_description_str(doing, refresh=False)
    bar.total = step.total
    bar.update(step.done - bar.n)


def tell_steps(ctx, steps: Iterator, ended: list, unit: str = "samples") -> Iterator:
    """Messages for the App, one a step; what isn't progress is put into ``ended``."""
    from ..prompting.runs.progress import Progress

    for step in steps:
        if isinstance(step, Progress):
            yield forms.tell(ctx, forms.share(step), forms.sentence(step, unit))
        else:
            ended.append(step)
