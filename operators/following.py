"""Following a run to its end, from Python and in the App."""

from __future__ import annotations

from collections.abc import Iterator

from tqdm.auto import tqdm

from . import forms


def follow(steps: Iterator, progress: bool, unit: str = "image"):
    """Run to the end with a progress bar, and return the last that was told."""
    from ..prompting.runs.progress import Progress

    last = None
    bar = None  # drawn with the first step: a request that is refused takes none
    try:
        for last in steps:
            if isinstance(last, Progress) and progress:
                if bar is None:
                    bar = tqdm(unit=unit, total=last.total)
                bar.total = last.total
                bar.update(last.done - bar.n)
    finally:
        if bar is not None:
            bar.close()
    return last


def tell_steps(ctx, steps: Iterator, ended: list, unit: str = "samples") -> Iterator:
    """Messages for the App, one a step; what isn't progress is put into ``ended``."""
    from ..prompting.runs.progress import Progress

    for step in steps:
        if isinstance(step, Progress):
            yield forms.tell(ctx, forms.share(step), forms.sentence(step, unit))
        else:
            ended.append(step)
