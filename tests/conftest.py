"""The real database, private to a test run; real pictures; the bundled models, loaded once.

With ``PURE=1`` (`make check`) there is no database: a test that needs FiftyOne, torch or another process is skipped
where it asks for it, so that nobody keeps a list of those that don't.
"""

from __future__ import annotations

import gc
import importlib.abc
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import uuid
from pathlib import Path

import hypothesis
import psutil
import pytest

from tests.copies import copy_of
from tests.remembered import Remembering
from tests.shared import shared_dataset, shared_folder

ROOT = Path(__file__).resolve().parents[1]

_HOME = Path(tempfile.mkdtemp(prefix="sam2-prompting-tests-"))
_MEMORY, _MEMORY_BYTES = Path("/dev/shm"), 4 << 30
_WORKER = os.environ.get("PYTEST_XDIST_WORKER")
_PURE = os.environ.get("PURE") == "1"


class _SkipWhoAsks(importlib.abc.MetaPathFinder):
    """Skips the file, or the test, that imports what pure rooms do without."""

    def find_spec(self, name: str, path=None, target=None) -> None:
        if name in ("fiftyone", "torch"):
            pytest.skip(f"imports {name}", allow_module_level=True)

    def heard(self, event: str, _) -> None:
        if event == "subprocess.Popen":
            pytest.skip("starts a process", allow_module_level=True)


if _PURE:
    sys.meta_path.insert(0, _SkipWhoAsks())
    sys.addaudithook(sys.meta_path[0].heard)
else:
    sys.meta_path.insert(0, Remembering())


def _database_folder() -> Path:
    """In memory where there is room: a dataset is cloned and deleted in a quarter of the time.

    Its name ends with our process: what a killed one left in memory is taken away.
    """
    if not os.access(_MEMORY, os.W_OK):
        return Path(tempfile.mkdtemp(dir=_HOME))
    for left in _MEMORY.glob("sam2-prompting-tests-*-*"):
        if not psutil.pid_exists(int(left.name.rpartition("-")[2])):
            shutil.rmtree(left, ignore_errors=True)
    roomy = shutil.disk_usage(_MEMORY).free > _MEMORY_BYTES
    suffix = f"-{os.getpid()}"
    return Path(tempfile.mkdtemp(suffix, "sam2-prompting-tests-", dir=_MEMORY if roomy else _HOME))


def _start_database() -> subprocess.Popen | None:
    """A mongod of our own, named to FiftyOne by its address.

    A directory alone (FIFTYONE_DATABASE_DIR) isolates nothing: FiftyOne joins
    whatever database it finds running, be it the one with a person's data. Where
    FiftyOne has no mongod, FIFTYONE_DATABASE_URI names one already.
    """
    mongod = Path(sysconfig.get_path("purelib")) / "fiftyone" / "db" / "bin" / "mongod"
    if not mongod.exists():
        return None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [mongod, "--dbpath", _DATABASE_FOLDER, "--logpath", _HOME / "mongod.log"]
    database = subprocess.Popen([*map(str, command), "--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket"])
    os.environ["FIFTYONE_DATABASE_URI"] = f"mongodb://127.0.0.1:{port}"
    return database


# before FiftyOne is imported: it reads these once. A folder's own conftest imports it before pytest_configure, so this
# can't wait until then; that the process which hands out tests has a database too is cheap
_DATABASE_FOLDER = _database_folder()
_DATABASE = None if _PURE else _start_database()
os.environ["FIFTYONE_PLUGINS_DIR"] = str(ROOT)
os.environ["FIFTYONE_DATABASE_NAME"] = f"test_{uuid.uuid4().hex[:12]}"
os.environ["FIFTYONE_DATABASE_VALIDATION"] = "false"
os.environ["FIFTYONE_MODEL_ZOO_DIR"] = str(_HOME / "models")
os.environ["FIFTYONE_DO_NOT_TRACK"] = "1"
os.environ["FIFTYONE_SHOW_PROGRESS_BARS"] = "false"
os.environ["FIFTYONE_PLUGINS_CACHE_ENABLED"] = "true"  # or it reads all plugins' files for each operator
os.environ["YOLO_OFFLINE"] = "1"

# what takes long on a busy machine is not wrong
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")

NANO = {"sam2_model": "nano", "clip_model": "nano", "yolo_model": "nano", "device": "cpu"}


LONGEST = ("app", "reliability", "cluster", "test_demo.py", "test_benchmarks.py", "right_numbers", "runs")
"""Of the tests' folders and files, those that take longest."""

if _WORKER:  # each has a core, a database and a browser of its own
    os.environ["OMP_NUM_THREADS"] = os.environ["LOKY_MAX_CPU_COUNT"] = "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Workers begin with what takes longest: at the end there is only little that one could wait for another with."""
    if _WORKER:
        rank = {name: i for i, name in enumerate(LONGEST)}
        items.sort(key=lambda item: rank.get(item.path.relative_to(ROOT / "tests").parts[0], len(rank)))
        gc.collect()
        gc.freeze()  # what was imported stays, and need not be looked through again and again


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """What one worker does is a file; or all of the browser's tests, which share an App and a Chromium; or all that
    share Ray's cluster."""
    from xdist.scheduler import LoadFileScheduling

    class ByFolder(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return next((folder for folder in ("tests/app/", "tests/cluster/") if file.startswith(folder)), file)

    return ByFolder(config, log)


def pytest_unconfigure() -> None:
    """Leave nothing behind."""
    if _DATABASE is not None:
        _DATABASE.terminate()
        _DATABASE.wait()
    shutil.rmtree(_HOME, ignore_errors=True)
    shutil.rmtree(_DATABASE_FOLDER, ignore_errors=True)


@pytest.fixture(scope="session")
def everybodys(tmp_path_factory) -> Path:
    """A folder of the test run, for all of its workers."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if _WORKER else own


@pytest.fixture(scope="session")
def photographs(everybodys) -> Path:
    """A folder with the demo's photographs (not to be changed)."""
    from demo.photographs import write_photographs

    return shared_folder(everybodys / "photographs", write_photographs)


@pytest.fixture(scope="session")
def made_once(photographs):
    """The demo's dataset: six photographs, people's masks in ``ground_truth``; a clone takes a tenth of the time."""
    from demo.dataset import make_dataset

    return make_dataset(f"made-{uuid.uuid4().hex[:8]}", photographs)


@pytest.fixture
def dataset(made_once):
    """The demo's dataset, fresh."""
    import fiftyone as fo

    dataset = copy_of(made_once, f"test-{uuid.uuid4().hex[:8]}")
    yield dataset
    if fo.dataset_exists(dataset.name):
        dataset.delete()


@pytest.fixture
def nobody_asked_before():
    """Forms begin with the person's last run, and other tests are persons too. Gives where that is kept."""
    from fiftyone.operators.store import ExecutionStore

    from prompting.dataset.last_run import STORE

    store = ExecutionStore.create(STORE)
    store.clear()
    return store


@pytest.fixture(scope="session")
def nano_segmenter():
    """The bundled SAM 2."""
    from prompting.models.catalogue import load_sam2

    return load_sam2("nano", "cpu")


@pytest.fixture
def calls(nano_segmenter):
    """The batches that the real encoder sees, and how often the real decoder runs."""
    counted = {"encoder": [], "decoder": 0}

    def count_encoder(module, args, output):
        counted["encoder"].append(len(args[0]))

    def count_decoder(module, args, output):
        counted["decoder"] += 1

    model = nano_segmenter.model
    hooks = [
        model.image_encoder.trunk.register_forward_hook(count_encoder),
        model.sam_mask_decoder.register_forward_hook(count_decoder),
    ]
    yield counted
    for hook in hooks:
        hook.remove()


@pytest.fixture(scope="session")
def apply_strategies():
    """The operator, called as people call it from Python."""
    import fiftyone.operators as foo

    return foo.get_operator("@promptlab/sam2-prompting/apply_strategies")


@pytest.fixture(scope="session")
def evaluate_strategies():
    """The operator, called as people call it from Python."""
    import fiftyone.operators as foo

    return foo.get_operator("@promptlab/sam2-prompting/evaluate_strategies")


@pytest.fixture(scope="session")
def nano() -> dict[str, str]:
    """Parameters that choose the bundled models."""
    return dict(NANO)


@pytest.fixture(scope="session")
def applied_once(made_once, everybodys, apply_strategies, nano):
    """Two strategies' results on the demo's photographs; clone it."""

    def make():
        dataset = copy_of(made_once, f"applied-{uuid.uuid4().hex[:8]}")
        apply_strategies(dataset, strategies=["clip_point", "yolo_box"], progress=False, **nano)
        return dataset

    dataset = shared_dataset(everybodys / "applied", make)
    yield dataset
    dataset.delete()


@pytest.fixture(scope="session")
def explained_once(applied_once, everybodys, evaluate_strategies):
    """The same, evaluated and explained; clone it."""
    import fiftyone.operators as foo

    def make():
        dataset = copy_of(applied_once)
        evaluate_strategies(dataset, "ground_truth", progress=False)
        explain = foo.get_operator("@promptlab/sam2-prompting/explain_strategies")
        explain(dataset, robustness=True, progress=False)
        return dataset

    dataset = shared_dataset(everybodys / "explained", make)
    yield dataset
    dataset.delete()


@pytest.fixture
def applied(applied_once):
    """Two strategies' results that nobody scored; of the test's own."""
    dataset = copy_of(applied_once)
    yield dataset
    dataset.delete()


@pytest.fixture
def explained(explained_once):
    """The same, evaluated and explained; of the test's own."""
    dataset = copy_of(explained_once)
    yield dataset
    dataset.delete()
