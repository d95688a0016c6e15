"""The database dies in the middle of a run, by itself or because its disk is full."""

import socket
import subprocess
import sysconfig
import time
from pathlib import Path

import pytest

from tests.reliability.runs import REFUSED, Child, answer, contents

MONGOD = Path(sysconfig.get_path("purelib")) / "fiftyone" / "db" / "bin" / "mongod"


def prepare(photographs: str, again: int, params: dict) -> int:
    """The demo's dataset and its pictures as often again, and a clone that a run has been through; how many it did."""
    from demo.dataset import make_dataset
    from prompting.plan import Plan
    from prompting.runs.application import apply

    dataset = make_dataset("lost", Path(photographs))
    for _ in range(again):
        dataset.add_samples([sample.copy() for sample in dataset.limit(6)])
    dataset.persistent = True
    return [progress.done for progress in apply(dataset.clone("reference", persistent=True), Plan(**params))][-1]


def finish(params: dict) -> dict:
    """What the dead run left, beside the undisturbed one's; and what the next run makes of it."""
    import fiftyone as fo

    from prompting.plan import Plan
    from prompting.runs.application import apply

    lost, reference = fo.load_dataset("lost"), fo.load_dataset("reference")
    wanted, left = contents(reference), contents(lost)
    whole = all(now == then or now["status"] is None for now, then in zip(left, wanted, strict=True))
    done = sum(now["status"] is not None for now in left)
    rest = [progress.done for progress in apply(lost, Plan(**params))][-1]
    return {"whole": whole, "done": done, "rest": rest, "same": contents(lost) == wanted}


class Database:
    """A mongod of the test's own, that can be killed and started again."""

    def __init__(self, folder: Path, log: Path):
        self.folder, self.log = folder, log
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.start()

    def start(self) -> None:
        command = [MONGOD, "--dbpath", self.folder, "--logpath", self.log, "--port", self.port]
        command += ["--syncdelay", "1"]  # what was written reaches the disk within a second, not a minute
        self.process = subprocess.Popen([*map(str, command), "--bind_ip", "127.0.0.1", "--nounixsocket"])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def start_database(tmp_path):
    """Start a database in a folder."""
    if not MONGOD.exists():
        pytest.skip(f"FiftyOne has no mongod of its own here ({MONGOD}); its database can't be killed")
    started = []

    def start(folder: Path) -> Database:
        started.append(Database(folder, tmp_path / "mongod.log"))
        return started[-1]

    yield start
    for database in started:
        database.kill()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 400 MB, of which a database takes 300 at once."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a disk that can be filled takes root to make here ({mounted.stderr.strip()})")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave no byte free; the file that takes them."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(1 << 20))
    return filler


class Run:
    """A run with a database of its own, of the demo's photographs and as often again, and one undisturbed beside it."""

    def __init__(self, database: Database, photographs: Path, plan: dict, again: int):
        # half a minute of patience with the database is FiftyOne's default; a test has less
        address = f"mongodb://127.0.0.1:{database.port}/?serverSelectionTimeoutMS=4000"
        self.environment, self.plan, self.count = {"FIFTYONE_DATABASE_URI": address}, plan, 6 * (1 + again)
        assert answer(prepare, str(photographs), again, plan, environment=self.environment) == self.count
        self.child = Child("lost", self.environment, **plan)
        self.child.wait_until(4)

    def ends_with_a_sentence(self) -> None:
        start = time.monotonic()
        status, said = self.child.end(timeout=120)
        assert status == REFUSED
        assert said.startswith("FiftyOne's database failed") and "existing='skip'" in said
        assert time.monotonic() - start < 60

    def lost_nothing_and_is_finished_by_the_next(self) -> None:
        found = answer(finish, self.plan, environment=self.environment)  # the dead run's lock doesn't stop it
        assert found["whole"] and found["done"] < self.count
        assert found["rest"] == self.count - found["done"]
        assert found["same"]


def test_a_lost_database_ends_the_run_with_a_sentence_and_loses_nothing(start_database, photographs, plan, tmp_path):
    (tmp_path / "database").mkdir()
    database = start_database(tmp_path / "database")
    run = Run(database, photographs, plan, again=1)
    database.kill()
    run.ends_with_a_sentence()
    database.start()
    run.lost_nothing_and_is_finished_by_the_next()


def test_a_full_disk_ends_the_run_with_a_sentence_and_loses_nothing(start_database, small_disk, photographs, plan):
    database = start_database(small_disk)
    run = Run(database, photographs, plan, again=2)  # the disk is full to the database a second later
    filler = fill(small_disk)
    run.ends_with_a_sentence()
    database.kill()
    filler.unlink()
    database.start()
    run.lost_nothing_and_is_finished_by_the_next()
