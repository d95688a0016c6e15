"""Runs in processes of their own, which can be killed; and what they leave behind.

They are forked from one that has loaded the models: starting Python and loading them takes longer than a run.
"""

from __future__ import annotations

import multiprocessing
import os
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection

from benchmarks import kills

STRATEGIES = ("field_points", "yolo_box")
REFUSED = 3
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.reliability.loaded"])


class Process:
    """A function in a process of its own.

    Args:
        function: takes ``say``, which sends a line to :meth:`heard`, and the arguments; returns an exit status or None
        *arguments: anything that can be pickled
        environment: variables that differ
    """

    def __init__(self, function: Callable, *arguments, environment: dict | None = None):
        self._heard, said = FORKS.Pipe(duplex=False)
        self.process = FORKS.Process(target=_do, args=(function, said, arguments, environment or {}))
        self.process.start()
        said.close()

    def heard(self, timeout: float = 240):
        """What it says next; EOFError when it has ended."""
        if not self._heard.poll(timeout):
            self.kill()
            raise AssertionError(f"The process said nothing for {timeout} s.")
        return self._heard.recv()

    def end(self, timeout: float = 240) -> tuple[int, object]:
        """Its exit status and the last that it said."""
        last = None
        try:
            while True:
                last = self.heard(timeout)
        except EOFError:
            self.process.join(timeout)
            return self.process.exitcode, last

    def kill(self) -> None:
        self.process.kill()
        self.process.join()


class Child(Process):
    """A run in another process; it says how many samples are done, or why it can't go on.

    Args:
        dataset_name: a persistent dataset's
        environment: variables that differ
        engine: of Ray's workers, where they do the run
        **params: of the plan
    """

    def __init__(self, dataset_name: str, environment: dict | None = None, engine: dict | None = None, **params):
        super().__init__(_apply, dataset_name, params, engine, environment=environment)

    def wait_until(self, done: int) -> None:
        """Wait until so many samples are done."""
        while not isinstance(said := self.heard(), int) or said < done:
            pass


def answer(function: Callable, *arguments, environment: dict | None = None):
    """What a function returns in a process of its own."""
    status, said = Process(_answer, function, arguments, environment=environment).end()
    assert status == 0, said
    return said


def contents(dataset, strategies=STRATEGIES, prefix="sam2") -> list[dict]:
    """All that a run writes, sample by sample, without labels' random ids."""
    return kills.contents(dataset, strategies, prefix)


def _do(function: Callable, said: Connection, arguments: tuple, environment: dict) -> None:
    os.environ.update(environment)
    try:
        status = function(said.send, *arguments)
    except BaseException:
        said.send(traceback.format_exc())
        status = 1
    said.close()
    raise SystemExit(status or 0)


def _answer(say: Callable, function: Callable, arguments: tuple) -> None:
    say(function(*arguments))


def _apply(say: Callable, dataset_name: str, params: dict, engine: dict | None) -> int:
    import fiftyone as fo

    from prompting.errors import PromptingError
    from prompting.plan import Plan
    from prompting.runs.application import apply
    from prompting.runs.crew import HERE

    if engine is not None:
        from prompting.cluster.asked import Cluster
    try:
        crew = HERE if engine is None else Cluster(**engine)
        for progress in apply(fo.load_dataset(dataset_name), Plan(**params), crew):
            say(progress.done)
    except PromptingError as error:
        say(str(error))
        return REFUSED
    return 0
