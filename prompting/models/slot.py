"""One loaded model at a time, and never one of another file than the one that lies there now."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from .files import stamp_of


class ModelSlot:
    """A function that loads a model, and keeps the last one while its arguments and its files stay as they are.

    The last model is let go before the next is loaded: a device may not have room for two.

    Args:
        load: positional arguments -> a model
        files: the same arguments -> the files that it is loaded from; None for one that isn't on this machine yet
    """

    def __init__(self, load: Callable, files: Callable[..., Sequence[Path | None]]):
        functools.update_wrapper(self, load)
        self._load, self._files, self._lock = load, files, threading.RLock()
        self._key, self._model = None, None

    def __call__(self, *args):
        with self._lock:
            key = self._key_of(args)
            if key != self._key:
                self.cache_clear()
                self._model = self._load(*args)
                # a file that was fetched by loading has a stamp only now; one that changed meanwhile is loaded again
                self._key = self._key_of(args) if None in key[1] else key
            return self._model

    def cache_clear(self) -> None:
        """Let the model go, and give its memory back to the device."""
        with self._lock:
            if self._key is not None:
                from ..segmentation.memory import release  # torch comes with it

                self._key = self._model = None
                release()

    def _key_of(self, args: tuple) -> tuple:
        return args, tuple(stamp_of(path) for path in self._files(*args))


def one_model(files: Callable[..., Sequence[Path | None]]) -> Callable[[Callable], ModelSlot]:
    """A decorator: see :class:`ModelSlot`."""
    return lambda load: ModelSlot(load, files)
