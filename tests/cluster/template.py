"""Ray's workers of these tests are forked from this process, which has imported torch and loaded the models."""

import importlib
import json
import os
import runpy
import signal
import socket
import sys


def serve(address: str) -> None:
    """Fork whoever a worker's process asks for, see sitecustomize.py, until killed."""
    importlib.import_module("tests.reliability.loaded")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        print("ready", flush=True)
        while True:
            asking, _ = server.accept()
            if os.fork() == 0:
                server.close()
                _be_worker(asking)
            asking.close()


def _be_worker(asking: socket.socket) -> None:
    """What the process that asks would have become; its socket is open until this one ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    length, standard, *_ = socket.recv_fds(asking, 4, 3)
    said = json.loads(asking.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL))
    for number, other in enumerate(standard):
        os.dup2(other, number)
        os.close(other)
    os.environ.clear()
    os.environ.update(said["environment"])
    os.chdir(said["folder"])
    script = next(i for i, argument in enumerate(said["argv"]) if argument.endswith(".py"))
    sys.argv = said["argv"][script:]
    runpy.run_path(sys.argv[0], run_name="__main__")
    os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1])
