"""The database dies in the middle of a run, by itself or because its disk is full."""

import os
import signal
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


def left() -> tuple[bool, int]:
    """Whether each sample is as it was or as the undisturbed run made it, and how many are done."""
    import fiftyone as fo

    there = contents(fo.load_dataset("lost")), contents(fo.load_dataset("reference"))
    whole = all(now == then or now["status"] is None for now, then in zip(*there, strict=True))
    return whole, sum(now["status"] is not None for now in there[0])


def finish(params: dict) -> tuple[int, bool]:
    """How many the next run does, and whether all is then as the undisturbed run made it."""
    import fiftyone as fo

    from prompting.plan import Plan
    from prompting.runs.application import apply

    lost, reference = fo.load_dataset("lost"), fo.load_dataset("reference")
    rest = [progress.done for progress in apply(lost, Plan(**params))][-1]
    return rest, contents(lost) == contents(reference)


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
        give_up = time.monotonic() + 120
        while time.monotonic() < give_up:
            with suppress(ConnectionError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.05)
        raise AssertionError(f"The database doesn't answer: see {self.log}.")

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
    """A file system of 400 MB, of which a database takes 300 at once; and why it is none, where it isn't."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True)
    yield folder, mounted.stderr.strip() if mounted.returncode else ""
    if not mounted.returncode:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave no byte free; the file that takes them."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(1 << 20))
    return filler


class Runs:
    """Runs with a database of their own, of the demo's photographs and as often again, beside an undisturbed one."""

    def __init__(self, database: Database, photographs: Path, plan: dict, again: int):
        # half a minute of patience with the database is FiftyOne's default; a test has less
        address = f"mongodb://127.0.0.1:{database.port}/?serverSelectionTimeoutMS=2000"
        self.environment, self.plan, self.count = {"FIFTYONE_DATABASE_URI": address}, plan, 6 * (1 + again)
        assert answer(prepare, str(photographs), again, plan, environment=self.environment) == self.count

    def begin(self) -> None:
        """One that has done something, and not all."""
        self.child = Child("lost", self.environment, **self.plan)
        self.child.wait_until(4)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """However quick the machine is, the run doesn't end meanwhile."""
        os.kill(self.child.process.pid, signal.SIGSTOP)
        yield
        os.kill(self.child.process.pid, signal.SIGCONT)

    def ends_with_a_sentence(self) -> None:
        start = time.monotonic()
        status, said = self.child.end(timeout=120)
        assert status == REFUSED
        assert said.startswith("FiftyOne's database failed") and "existing='skip'" in said
        assert time.monotonic() - start < 60

    def lost_nothing(self) -> int:
        """Each sample is whole; how many are still to be done."""
        whole, done = answer(left, environment=self.environment)
        assert whole and done < self.count
        return self.count - done

    def finishes(self, rest: int) -> None:
        """The next run does just those; the dead run's lock doesn't stop it."""
        assert answer(finish, self.plan, environment=self.environment) == (rest, True)


def test_a_lost_database_and_then_a_full_disk_end_runs_with_a_sentence_and_lose_nothing(
    start_database, small_disk, photographs, plan
):
    """One after the other on the same samples: what one run left the next one goes on with."""
    folder, no_disk = small_disk
    database = start_database(folder)
    runs = Runs(database, photographs, plan, again=3)
    runs.begin()
    database.kill()
    runs.ends_with_a_sentence()
    database.start()
    rest = runs.lost_nothing()
    if no_disk:
        runs.finishes(rest)
        pytest.skip(f"a disk that can be filled takes root to make here ({no_disk}); a lost database was tested")
    runs.begin()
    with runs.paused():
        filler = fill(folder)
        with suppress(subprocess.TimeoutExpired):  # to the database it is full when it next saves, a second later
            database.process.wait(timeout=2)
    runs.ends_with_a_sentence()
    database.kill()
    filler.unlink()
    database.start()
    rest = runs.lost_nothing()
    runs.finishes(rest)
