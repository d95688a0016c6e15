"""What is refused before any work, in a sentence; nothing of Ray's is started for it."""

import importlib.util
import socket
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from prompting.errors import PromptingError

URI = "@promptlab/sam2-prompting"


@pytest.fixture
def apply_to(dataset, apply_strategies, nano):
    """Call the operator on the demo's dataset, which has to be as it was."""
    before = set(dataset.get_field_schema())

    def call(**params):
        apply_strategies(dataset, strategies=["yolo_box"], progress=False, **nano, **params)

    yield call
    dataset.reload()
    assert set(dataset.get_field_schema()) == before and not dataset.list_runs()


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"engine": "spark"}, "engine must be one of here, ray, not 'spark'"),
        ({"workers": 2}, "workers is a setting of Ray's workers, and the engine is 'here'; ask for engine='ray'"),
        ({"ray_address": "auto"}, "ray_address is a setting of Ray's workers"),
        ({"engine": "ray", "workers": 0}, "workers must be a whole number, 1 at least, not 0"),
        ({"engine": "ray", "workers": "2"}, "workers must be a whole number, 1 at least, not '2'"),
        ({"engine": "ray", "workers": True}, "workers must be a whole number, 1 at least, not True"),
        ({"engine": "ray", "cpus_per_worker": 0}, "cpus_per_worker must be a whole number"),
        ({"engine": "ray", "gpus_per_worker": -1}, "gpus_per_worker must be a number from 0 on"),
        ({"engine": "ray", "gpus_per_worker": 1.5}, "gpus_per_worker may be a fraction below 1 alone"),
        (
            {"engine": "ray", "ray_address": "ray://head:10001"},
            "start the run on a machine that belongs to the cluster",
        ),
        ({"engine": "ray", "ray_address": "head"}, "ray_address must be 'auto' or 'host:port', not 'head'"),
    ],
)
def test_what_cannot_be_is_refused(apply_to, params, said):
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        apply_to(**params)


def test_without_ray_the_error_says_how_to_install_it(apply_to, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *args: None if name == "ray" else found(name, *args))
    with pytest.raises(ValueError, match=r"needs Ray, which is not installed here; install it with `make setup EXTRA"):
        apply_to(engine="ray")


def test_an_address_where_nobody_is_is_told_in_seconds(apply_to):
    pytest.importorskip("ray", reason="Ray isn't installed (`make setup EXTRA=ray`)")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address, start = f"127.0.0.1:{nobody.getsockname()[1]}", time.monotonic()
        with pytest.raises(ValueError, match=rf"No Ray answers at '{address}' \(ConnectionRefusedError"):
            apply_to(engine="ray", ray_address=address)
    assert time.monotonic() - start < 10


def test_each_node_is_asked_for_all_that_is_read(made_once, nano, tmp_path):
    """A picture of each folder, one that is there, and a file with a prompt's mask."""
    from prompting.plan import Plan
    from prompting.runs.application import apply

    class Crew:
        many, ask = True, staticmethod(lambda function, *args: function(*args))

        def crew(self, dataset, hold):
            return nullcontext(self)

        def see(self, paths):
            raise PromptingError("|".join(paths))

    dataset = made_once.clone()
    first, *others = dataset
    first.filepath = str(Path(first.filepath).with_name("gone.jpg"))
    first.save()
    for sample in others:
        for one in sample["ground_truth"].detections:
            one.export_mask(str(tmp_path / f"{one.id}.png"), update=True)
        sample.save()
    plan = Plan(strategies=["field:points"], prompt_field="ground_truth", **nano)
    with pytest.raises(PromptingError) as seen:
        list(apply(dataset, plan, Crew()))
    picture, mask = str(seen.value).split("|")
    assert picture == others[0].filepath and Path(mask).parent == tmp_path
    dataset.delete()


def test_a_process_that_is_connected_elsewhere_is_told(cluster):
    import ray

    from prompting.cluster.connection import connected

    port = cluster.address.rpartition(":")[2]
    with connected(cluster.address):
        assert ray.is_initialized()
    ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
    try:
        for same in (None, "auto", cluster.address, f"localhost:{port}"):
            with connected(same):
                pass
        said = rf"connected to the Ray at .*:{port} .*, and not to 'localhost:1'"
        with pytest.raises(PromptingError, match=said), connected("localhost:1"):
            pass
        assert ray.is_initialized()
    finally:
        ray.shutdown()


def test_without_a_number_there_are_as_many_workers_as_nobody_else_uses(cluster, monkeypatch):
    from ray.util import placement_group, remove_placement_group

    from prompting.cluster import connection

    monkeypatch.setattr(connection, "FREE_SECONDS", 1.0)
    with connection.connected(cluster.address):
        assert connection.free_room(1, 0) == connection.room(1, 0) == 2
        somebodys = placement_group([{"CPU": 1}])
        assert somebodys.wait(10) and connection.free_room(1, 0) == 1
        remove_placement_group(somebodys)


def test_more_workers_than_there_is_room_for_are_refused(made_once, cluster, engine, nano):
    from prompting.plan import Plan
    from prompting.runs.application import apply

    for params, room in (({"workers": 3}, 2), ({"workers": 1, "cpus_per_worker": 2}, 0), ({"gpus_per_worker": 0.5}, 0)):
        with pytest.raises(PromptingError, match=f"Ray has room for {room} workers of"):
            list(apply(made_once, Plan(strategies=["yolo_box"], **nano), engine(**params)))
