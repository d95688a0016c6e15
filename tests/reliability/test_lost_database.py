"""The database dies in the middle of a run."""

import json
import os
import socket
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from tests.reliability.runs import REFUSED, STRATEGIES, Child

MONGOD = Path(sysconfig.get_path("purelib")) / "fiftyone" / "db" / "bin" / "mongod"
PREPARE = """
import sys
from pathlib import Path
from demo.dataset import make_dataset
dataset = make_dataset("lost", Path(sys.argv[1]))
dataset.add_samples([sample.copy() for sample in dataset.limit(6)])
dataset.persistent = True
dataset.clone("reference", persistent=True)
"""
COMPARE = """
import json, sys
import fiftyone as fo
from benchmarks.kills import contents
lost, reference = (contents(fo.load_dataset(name), json.loads(sys.argv[1])) for name in ("lost", "reference"))
whole = [a == b or a["status"] is None for a, b in zip(lost, reference)]
done = sum(a["status"] is not None for a in lost)
print(json.dumps({"samples": len(lost), "whole": all(whole), "done": done, "same": lost == reference}))
"""


class Database:
    """A mongod of the test's own, that can be killed and started again."""

    def __init__(self, folder: Path):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.start()

    def start(self) -> None:
        command = [MONGOD, "--dbpath", self.folder, "--logpath", self.folder / "log", "--port", self.port]
        self.process = subprocess.Popen([*map(str, command), "--bind_ip", "127.0.0.1", "--nounixsocket"])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def database(tmp_path):
    if not MONGOD.exists():
        pytest.skip(f"FiftyOne has no mongod of its own here ({MONGOD}); its database can't be killed")
    (tmp_path / "database").mkdir()
    started = Database(tmp_path / "database")
    yield started
    started.kill()


def test_a_lost_database_ends_the_run_with_a_sentence_and_loses_nothing(database, photographs, plan):
    # half a minute of patience with the database is FiftyOne's default; a test has less
    address = f"mongodb://127.0.0.1:{database.port}/?serverSelectionTimeoutMS=4000"
    environment = {"FIFTYONE_DATABASE_URI": address}

    def python(script: str, argument: str) -> str:
        command = [sys.executable, "-c", script, argument]
        done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def compared() -> dict:
        return json.loads(python(COMPARE, json.dumps(STRATEGIES)).splitlines()[-1])

    python(PREPARE, str(photographs))
    assert Child("reference", environment, **plan).end()[0] == 0
    run = Child("lost", environment, **plan)
    run.wait_until(4)
    database.kill()
    start = time.monotonic()
    status, said = run.end(timeout=120)
    assert status == REFUSED
    assert said.startswith("FiftyOne's database failed") and "existing='skip'" in said
    assert time.monotonic() - start < 60

    database.start()
    left = compared()
    assert left["samples"] == 12 and left["whole"] and left["done"] < 12
    assert Child("lost", environment, **plan).end() == (0, str(12 - left["done"]))  # the dead run's lock stops nobody
    assert compared()["same"]
