"""In Ray's processes of these tests: whoever opens a file with ``poison`` in its name is killed at once, as by a system
that has no more memory; and a worker is one that was forked from template.py: imports take longer than the work."""

import json
import os
import signal
import socket
import sys


def _kill(event: str, arguments: tuple) -> None:
    if event == "open" and "poison" in str(arguments[0]):
        os.kill(os.getpid(), signal.SIGKILL)


def _have_it_done(template: str) -> None:
    """Nothing but wait: Ray takes this process for the worker's shell, as one that starts it in a container."""
    with socket.socket(socket.AF_UNIX) as there:
        there.connect(template)
        said = json.dumps({"argv": sys.orig_argv[1:], "environment": dict(os.environ), "folder": os.getcwd()}).encode()
        socket.send_fds(there, [len(said).to_bytes(4, "big")], [0, 1, 2])
        there.sendall(said)
        there.recv(1)  # nothing, when it has ended
    os._exit(0)


sys.addaudithook(_kill)
if any(argument.endswith("default_worker.py") for argument in sys.orig_argv) and "WORKERS_TEMPLATE" in os.environ:
    _have_it_done(os.environ["WORKERS_TEMPLATE"])
