"""Runs in processes of their own, which can be killed; and what they leave behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from benchmarks import kills

STRATEGIES = ("field_points", "yolo_box")
RUN = """
import json, sys
import fiftyone as fo
from prompting.runs.application import apply
from prompting.errors import PromptingError
from prompting.plan import Plan
name, params = json.loads(sys.argv[1])
try:
    for progress in apply(fo.load_dataset(name), Plan(**params)):
        print(progress.done, flush=True)
except PromptingError as error:
    print(error, flush=True)
    sys.exit(3)
"""
REFUSED = 3


class Child:
    """A run in another process.

    Args:
        dataset_name: a persistent dataset's
        environment: variables that differ
        **params: of the plan
    """

    def __init__(self, dataset_name: str, environment: dict | None = None, **params):
        request = json.dumps([dataset_name, params])
        command = [sys.executable, "-u", "-c", RUN, request]
        env = {**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})}
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def wait_until(self, done: int) -> None:
        """Wait until so many samples are done."""
        for line in self.process.stdout:
            if line.strip().isdigit() and int(line) >= done:
                return
        raise AssertionError(f"The run ended early: {self.process.stderr.read()[-2000:]}")

    def end(self, timeout: float = 240) -> tuple[int, str]:
        """Its exit status and the last line that it said."""
        said, errors = self.process.communicate(timeout=timeout)
        return self.process.returncode, (said.strip() or errors.strip()).splitlines()[-1]

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def contents(dataset, strategies=STRATEGIES, prefix="sam2") -> list[dict]:
    """All that a run writes, sample by sample, without labels' random ids."""
    return kills.contents(dataset, strategies, prefix)
