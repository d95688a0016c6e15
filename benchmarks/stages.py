"""Where the time of a run goes, by a watch on the functions that do the work; the plugin itself knows nothing of it."""

from __future__ import annotations

import functools
import inspect
import pkgutil
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from unittest import mock

from benchmarks.timing import synchronize

STAGES: dict[str, tuple[str, ...]] = {
    "read": ("fiftyone.core.view:DatasetView.iter_samples", "prompting.runs.applying:_read"),
    "prior": ("prompting.runner:Runner._find",),
    "encode": ("prompting.segmentation.segmenter:Segmenter.encode",),
    "prompts": ("prompting.runner:Runner._ask", "prompting.prompts.refine:next_click"),
    "decode": ("prompting.segmentation.segmenter:Segmenter._best_low_res",),
    "resize": (
        "prompting.segmentation.segmenter:Segmenter._squash",
        "prompting.segmentation.segmenter:draw",
    ),
    "paint": ("prompting.pixels.label_map:LabelMap.full",),
    "write": ("prompting.dataset.saving:Writer.write", "prompting.dataset.saving:Writer.flush"),
    "wait": ("concurrent.futures:Future.result",),
}
"""What counts as what; of nested functions each counts for its own part."""

ENCODER_AND_PROMPTS = ("prior", "encode", "decode")
"""What has to be done whoever does it; all else is the plugin's own."""


class Watch:
    """Adds up what stages take, of the calling thread and of all others apart.

    Attributes:
        waited: seconds a stage, of the thread that the watch was made in: parts of the run's own time
        behind: seconds a stage, of all other threads: hidden behind the run as far as there are cores for them
    """

    def __init__(self) -> None:
        self.waited, self.behind = defaultdict(float), defaultdict(float)
        self._thread, self._lock, self._local = threading.get_ident(), threading.Lock(), threading.local()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count a block for a stage, without the stages inside it."""
        inner = self._local.__dict__.setdefault("inner", [])
        inner.append(0.0)
        here = threading.get_ident() == self._thread
        start = time.perf_counter()
        try:
            yield
            if here:
                synchronize()  # or a later stage would wait for this one's work
        finally:
            seconds = time.perf_counter() - start
            own = seconds - inner.pop()
            if inner:
                inner[-1] += seconds
            with self._lock:
                (self.waited if here else self.behind)[name] += own


@contextmanager
def watched(stages: Mapping[str, Sequence[str]] = STAGES) -> Iterator[Watch]:
    """Watch all stages while the block runs.

    Args:
        stages: the functions of each, as ``module:function``

    Raises:
        AttributeError: one of those functions is no more
    """
    watch = Watch()
    with ExitStack() as stack:
        for stage, names in stages.items():
            for name in names:
                owner_name, _, attribute = name.replace(":", ".").rpartition(".")
                owner = pkgutil.resolve_name(owner_name)
                stack.enter_context(
                    mock.patch.object(owner, attribute, _wrapped(getattr(owner, attribute), watch, stage))
                )
        yield watch


def _wrapped(function, watch: Watch, stage: str):
    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def generator(*args, **kwargs):
            items = function(*args, **kwargs)
            while True:
                with watch.stage(stage):
                    item = next(items, watch)
                if item is watch:
                    return
                yield item

        return generator

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        with watch.stage(stage):
            return function(*args, **kwargs)

    return wrapper
