"""The App as ``fiftyone app launch`` serves it: pages hear of each other there, through the session."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from demo.browser import TIMEOUT_MS

LAUNCH = "from fiftyone.core.cli import main; main()"


@contextmanager
def launched_app(name: str) -> Iterator[int]:
    """The port of an App that the command line launched for a dataset, without the internet."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", LAUNCH, "app", "launch", name]
    command += ["--remote", "--port", str(port), "--address", "localhost", "--wait", "-1"]
    nobody_answers = {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "localhost,127.0.0.1"}
    app = subprocess.Popen(command, env=os.environ | nobody_answers, start_new_session=True)  # its server goes with it
    try:
        _wait_for(port, app)
        yield port
    finally:
        os.killpg(app.pid, signal.SIGKILL)  # nothing that it holds is worth waiting for
        app.wait(TIMEOUT_MS / 1000)


def _wait_for(port: int, app: subprocess.Popen) -> None:
    deadline = time.monotonic() + TIMEOUT_MS / 1000
    while time.monotonic() < deadline and app.poll() is None:
        try:
            socket.create_connection(("localhost", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"The App doesn't answer (exit code {app.poll()}).")
