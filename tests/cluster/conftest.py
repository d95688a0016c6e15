"""A Ray cluster of several nodes on this machine, one a test process; and its workers, to be killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests import undisturbed

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Iterator[subprocess.Popen]:
    """What Ray's workers are forked from."""
    pytest.importorskip("ray", reason="Ray isn't installed (`make setup EXTRA=ray`)")
    address = str(tmp_path_factory.mktemp("template") / "socket")
    command = [sys.executable, "-m", "tests.cluster.template", address]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(HERE)}, stdout=subprocess.PIPE)
    process.address = address
    yield process
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def cluster(template) -> Iterator:
    """A head without processors, to which tests connect, and two nodes that have one each."""
    from ray.cluster_utils import Cluster

    added = {"PYTHONPATH": str(HERE), "WORKERS_TEMPLATE": template.address}
    added |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    before = {name: os.environ.get(name) for name in added}
    os.environ.update(added)
    assert template.stdout.readline() == b"ready\n"
    head = {"num_cpus": 0, "include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(2):
        cluster.add_node(num_cpus=1)
    os.environ.pop("PYTHONPATH")
    yield cluster
    cluster.shutdown()
    for name, value in before.items():
        os.environ.pop(name, None)
        os.environ.update({name: value} if value is not None else {})


@pytest.fixture
def engine(cluster):
    """Makes the engine of so many workers on the cluster."""
    from prompting.cluster.asked import Cluster

    return lambda workers=2, **settings: Cluster(workers, cluster.address, **settings)


@pytest.fixture
def workers(template):
    """The processes in which the cluster's workers work now."""
    return lambda: list(filter(_works, psutil.Process(template.pid).children(recursive=True)))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """A worker has one too."""
    with undisturbed.one_thread():
        yield


@pytest.fixture
def asked(nano) -> dict:
    """What the runs are asked for."""
    return undisturbed.asked(nano, batch_size=2)


@pytest.fixture(scope="session")
def many(made_once):
    """The demo's photographs five times; to be cloned."""
    with undisturbed.repeated(made_once, 5) as dataset:
        yield dataset


@pytest.fixture
def source(many):
    """The same, in a dataset of the test's own."""
    with undisturbed.persistent(many) as dataset:
        yield dataset


@pytest.fixture(scope="session")
def wanted(many, nano) -> list[dict]:
    """What a run in this process makes of them."""
    return undisturbed.made_of(many, undisturbed.asked(nano, batch_size=2))


def _works(process: psutil.Process) -> bool:
    try:
        return process.cmdline()[:1] != [] and process.cmdline()[0].startswith("ray::Worker")
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


def wait_until(true, seconds: float = 60.0) -> float:
    """How long something takes to be true."""
    start = time.monotonic()
    while not true():
        assert time.monotonic() - start < seconds
        time.sleep(0.05)
    return time.monotonic() - start
