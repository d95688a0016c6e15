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

import psutil

from demo.browser import TIMEOUT_MS

LAUNCH = "from fiftyone.core.cli import main; main()"


@contextmanager
def launched_app(name: str) -> Iterator[int]:
    """The port of an App that the command line launched for a dataset: without the internet, and with plugins' files
    read at each request, as FiftyOne does unless it is told otherwise."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", LAUNCH, "app", "launch", name]
    command += ["--remote", "--port", str(port), "--address", "localhost", "--wait", "-1"]
    told = {
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "localhost,127.0.0.1",
        "FIFTYONE_PLUGINS_CACHE_ENABLED": "false",
    }
    app = subprocess.Popen(command, env=os.environ | told, start_new_session=True)  # its server goes with it
    try:
        _wait_for(port, app)
        yield port
    finally:
        os.killpg(app.pid, signal.SIGKILL)  # nothing that it holds is worth waiting for
        app.wait(TIMEOUT_MS / 1000)


def _wait_for(port: int, app: subprocess.Popen) -> None:
    """Until the session listens to its server: when it begins to, pages that are open lose what they had selected.

    On a busy machine that is ten seconds after the server answers, for the session knocks only so often.
    """
    deadline, listened = time.monotonic() + TIMEOUT_MS / 1000, set()
    while time.monotonic() < deadline and app.poll() is None:
        time.sleep(0.5)
        before, listened = listened, _connections(port, app)
        if before & listened:  # one that stays: to knock takes one too, for a moment
            return
    raise AssertionError(f"The App doesn't answer (exit code {app.poll()}).")


def _connections(port: int, app: subprocess.Popen) -> set[tuple]:
    """The process's own connections to a port of this machine: not its server's, which is another process."""
    try:
        connections = psutil.Process(app.pid).net_connections("tcp")
    except psutil.NoSuchProcess:
        return set()
    return {c.laddr for c in connections if c.raddr and c.raddr.port == port and c.status == psutil.CONN_ESTABLISHED}
