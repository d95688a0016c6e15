"""What is timed: the plugin on a fresh dataset, and what people would write without it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager

import numpy as np

from benchmarks.timing import Prepared


def applied(source, plan, starts: list[float] | None = None) -> Prepared:
    """The plugin's ``apply`` on a copy of a dataset, written to the database and all; models are loaded already.

    Args:
        source: the dataset that is copied, and the copy deleted, outside the clock
        plan: what to do
        starts: takes the seconds before the first picture: checks, new fields, the App's colours
    """
    from prompting.runs.application import apply

    def run(dataset) -> None:
        start = time.perf_counter()
        steps = apply(dataset, plan)
        progress = next(steps)
        if starts is not None:
            starts.append(time.perf_counter() - start)
        for progress in steps:  # noqa: B007
            pass
        if progress.failed or progress.done != len(dataset):
            raise RuntimeError(f"{progress.failed} of {progress.total} pictures failed; the times would mean nothing.")

    return on_a_copy(source, run)


def on_a_copy(source, run: Callable) -> Prepared:
    """A function of a dataset, called with a copy that is made and deleted outside the clock."""

    @contextmanager
    def prepared():
        dataset = source.clone()
        try:
            yield lambda: run(dataset)
        finally:
            dataset.delete()

    return prepared


def encode_only(predictor, images: Sequence[np.ndarray]) -> None:
    """sam2's encoder on one picture after the other, and nothing else: no reading, no prompts, no masks."""
    for image in images:
        predictor.set_image(image)


def encode_each(segmenter, images: Sequence[np.ndarray]) -> Callable[[], None]:
    """The plugin's encoder on one picture after the other."""

    def run() -> None:
        for image in images:
            segmenter.encode([image])

    return run
