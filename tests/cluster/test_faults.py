"""Whatever dies, no sample is lost or half written, and the results are those of one process."""

import random
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from prompting.cluster.asked import Cluster
from prompting.cluster.connection import connected, has_gpus, room
from prompting.dataset.records import recorded
from prompting.dataset.stopping import running
from prompting.errors import PromptingError
from prompting.models.catalogue import NANO_SAM2
from prompting.plan import Plan
from prompting.runs.application import apply
from tests.cluster.conftest import wait_until
from tests.reliability.runs import Child, answer, contents
from tests.reliability.test_lost_database import Database, finish, left, prepare


def test_a_worker_killed_a_node_lost_and_a_picture_that_kills_its_worker_lose_nothing(
    source, asked, wanted, cluster, workers, tmp_path
):
    """One run of all, for to start a worker takes longer than anything else here: what it makes is what one process
    makes, to the byte, but for the picture. That fault is forced, see sitecustomize.py: a worker that opens this file
    is killed."""
    poison = source.first().copy()
    poison.filepath = str(shutil.copy(poison.filepath, tmp_path / "poison.png"))
    source.add_sample(poison)
    node, rng, happened, steps = cluster.add_node(num_cpus=1), random.Random(0), [], []
    for step in apply(source, Plan(**asked), Cluster(3, cluster.address)):
        steps.append(step)
        if step.done >= 3 and not happened:
            time.sleep(rng.uniform(0, 0.3))
            workers()[0].kill()
            happened.append("killed")
        elif step.done >= 10 and len(happened) == 1:
            time.sleep(rng.uniform(0, 0.3))
            cluster.remove_node(node, allow_graceful=False)
            happened.append("lost")
    assert happened == ["killed", "lost"]
    assert [step.done for step in steps] == list(range(32)) and step.failed == 1
    assert step.each_second > 0 and step.seconds_left == 0
    record = recorded(source, "sam2", "yolo_box")
    assert record["images"] == 30 and record["seconds_per_image"] > 0 and record["device"] == "cpu"
    assert running(source) is None
    *others, poisoned = contents(source)
    assert others == wanted
    assert poisoned["sam2_yolo_box_status"].startswith("error: the worker that did this picture died twice")


def test_a_database_that_is_away_is_waited_for_and_workers_stop_when_whoever_started_them_is_killed(
    asked, cluster, workers, photographs, tmp_path
):
    """One run of both. It takes longer than five seconds because the database is away for twenty."""
    (tmp_path / "database").mkdir()
    database = Database(tmp_path / "database", tmp_path / "mongod.log")
    environment = {"FIFTYONE_DATABASE_URI": f"mongodb://127.0.0.1:{database.port}"}
    try:
        count = answer(prepare, str(photographs), 8, asked, environment=environment)
        child = Child("lost", environment, engine={"workers": 1, "ray_address": cluster.address}, **asked)
        child.wait_until(4)
        database.kill()
        time.sleep(20)
        database.start()
        child.wait_until(24)  # a page holds 14 at most, and one that was begun is done to its end
        assert workers()
        child.kill()
        assert wait_until(lambda: not workers()) < 60
        whole, done = answer(left, environment=environment)
        assert whole and 24 <= done < count
        # the dead one's lock stops nobody
        assert answer(finish, asked, environment=environment) == (count - done, True)
    finally:
        database.kill()


@contextmanager
def node_without(folders: Sequence[Path], cluster):
    """One more node, on which some folders are empty: it has file systems of its own there. It says that it has a GPU,
    so that workers which ask for one are there."""
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        pytest.skip("a node that sees other folders takes root to make here")
    hide = [f"mount -t tmpfs tmpfs {folder}" for folder in folders]
    start = f"exec {sys.executable} -m ray.scripts.scripts start --block --num-cpus 1 --num-gpus 1"
    script = ["unshare", "--mount", "sh", "-c", " && ".join([*hide, f"{start} --address {cluster.address}"])]
    process = subprocess.Popen(script, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with connected(cluster.address):
            wait_until(lambda: room(1, 0.5) == 1)
        yield
    finally:
        started = psutil.Process(process.pid).children(recursive=True)
        for child in started:
            child.terminate()  # so that the cluster hears of it at once
        for child in psutil.wait_procs(started, timeout=10)[1]:
            child.kill()
        process.kill()
        process.wait()
        with connected(cluster.address):
            wait_until(lambda: not has_gpus())


def test_a_node_that_sees_no_pictures_or_no_model_is_named_before_any_work(made_once, asked, cluster, tmp_path):
    shared, models = tmp_path / "shared", tmp_path / "models"
    shared.mkdir()
    models.mkdir()
    dataset, unseen = (made_once.clone(f"{name}-{uuid.uuid4().hex[:8]}") for name in ("seen", "unseen"))
    for sample in unseen.iter_samples(autosave=True):
        sample.filepath = str(shutil.copy(sample.filepath, shared))
    checkpoint = models / "sam2.safetensors"
    shutil.copy(NANO_SAM2, checkpoint)
    before = set(dataset.get_field_schema())
    with node_without([shared, models], cluster):
        refused(unseen, Plan(**asked), cluster, rf"The node .* can't read {shared}/.*, which this run needs; mount")
        plan = Plan(**{**asked, "sam2_model": str(checkpoint)})
        refused(dataset, plan, cluster, rf"node .*{checkpoint}")
    for one in (dataset, unseen):
        assert set(one.get_field_schema()) == before and not one.list_runs()
        one.delete()


def refused(dataset, plan: Plan, cluster, words: str) -> None:
    """A worker on the node that is another one."""
    with pytest.raises(PromptingError, match=words):
        list(apply(dataset, plan, Cluster(1, cluster.address, gpus_per_worker=0.5)))
