"""Two runs never write the same fields at once, and a dead one stops nobody."""

import socket
import subprocess
import sys
import time

import fiftyone as fo
import fiftyone.core.odm as odm
import psutil
import pytest

from prompting.dataset import lock
from prompting.dataset.lock import COLLECTION, editing, run_lock
from prompting.errors import PromptingError
from prompting.plan import Plan
from prompting.runs.application import apply
from prompting.runs.evaluation import evaluate_steps
from prompting.runs.scorable import EvaluationPlan


@pytest.fixture
def empty():
    dataset = fo.Dataset()
    yield dataset
    dataset.delete()


def locks():
    return odm.get_db_conn()[COLLECTION]


def held_by(dataset, prefix="sam2", **changes) -> None:
    """A lock as another run would have left it."""
    process = psutil.Process()
    holder = {
        "token": "other", "host": socket.gethostname(), "pid": process.pid,
        "started": process.create_time(), "what": "testing", "since": time.time(), "renewed": time.time(), **changes,
    }  # fmt: skip
    locks().insert_one({"_id": f"{dataset._doc.id}/{prefix}", **holder})


def test_second_run_with_the_same_prefix_is_refused_and_told_by_whom(empty):
    said = r"Another run is applying strategies .* \(process \d+ on .*; wait"
    with (
        run_lock(empty, "sam2", "applying strategies"),
        pytest.raises(PromptingError, match=said),
        run_lock(empty, "sam2", "evaluating"),
    ):
        pass


def test_other_prefixes_and_other_datasets_are_free(empty):
    other = fo.Dataset()
    try:
        with run_lock(empty, "a", "x"), run_lock(empty, "b", "x"), run_lock(other, "a", "x"):
            assert locks().count_documents({"what": "x"}) == 3
    finally:
        other.delete()


def test_lock_is_released_whatever_happens(empty):
    with pytest.raises(KeyError), run_lock(empty, "sam2", "x"):
        raise KeyError
    with run_lock(empty, "sam2", "x"):
        pass
    assert locks().count_documents({"_id": f"{empty._doc.id}/sam2"}) == 0


def test_lock_of_a_dead_process_is_taken_over(empty):
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    started = psutil.Process(child.pid).create_time()
    child.wait()
    held_by(empty, pid=child.pid, started=started)
    with run_lock(empty, "sam2", "x"):
        assert locks().find_one({"_id": f"{empty._doc.id}/sam2"})["what"] == "x"


def test_process_that_got_a_dead_ones_number_is_not_the_holder(empty):
    held_by(empty, started=psutil.Process().create_time() - 1000)
    with run_lock(empty, "sam2", "x"):
        pass


def test_lock_of_another_machine_counts_until_it_is_no_longer_renewed(empty):
    held_by(empty, host="elsewhere", pid=1)
    with pytest.raises(PromptingError, match="elsewhere"), run_lock(empty, "sam2", "x"):
        pass
    locks().update_many({}, {"$set": {"renewed": time.time() - lock.EXPIRE_SECONDS - 1}})
    with run_lock(empty, "sam2", "x"):
        pass


def test_lock_is_renewed_while_it_is_held(empty, monkeypatch):
    monkeypatch.setattr(lock, "RENEW_SECONDS", 0.05)
    with run_lock(empty, "sam2", "x"):
        first = locks().find_one({"_id": f"{empty._doc.id}/sam2"})["renewed"]
        time.sleep(0.5)
        assert locks().find_one({"_id": f"{empty._doc.id}/sam2"})["renewed"] > first


def test_what_was_taken_over_is_not_released_by_its_former_owner(empty):
    with run_lock(empty, "sam2", "x"):
        locks().update_one({"_id": f"{empty._doc.id}/sam2"}, {"$set": {"token": "new owner"}})
    assert locks().count_documents({"_id": f"{empty._doc.id}/sam2"}) == 1


def test_apply_and_evaluate_keep_each_other_out(dataset, apply_strategies, nano):
    apply_strategies(dataset, strategies=["yolo_box"], progress=False, **nano)
    steps = evaluate_steps(dataset, EvaluationPlan("ground_truth"))
    next(steps)
    with pytest.raises(PromptingError, match="Another run is evaluating strategies"):
        next(apply(dataset, Plan(strategies=("clip_box",), **nano)))
    other = Plan(strategies=("yolo_box",), prefix="other", **nano)
    assert list(apply(dataset, other))[-1].done == 6
    steps.close()  # a person closed the App's tab
    assert list(apply(dataset, Plan(strategies=("yolo_box",), existing="overwrite", **nano)))[-1].done == 6


ADD_FIELDS = """
import sys
import fiftyone as fo
from prompting.dataset.lock import editing
dataset = fo.load_dataset(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for i in range(15):
    with editing(dataset):
        dataset.add_sample_field(f"{sys.argv[2]}_{i}", fo.StringField)
"""


def test_two_processes_that_declare_fields_at_once_keep_each_others(empty):
    """FiftyOne writes the list of fields as a whole: without turns one takes the other's away."""
    empty.persistent = True
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [subprocess.Popen([sys.executable, "-c", ADD_FIELDS, empty.name, name], **pipes) for name in ("a", "b")]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    empty.reload()
    assert {f"{name}_{i}" for name in ("a", "b") for i in range(15)} <= set(empty.get_field_schema())


def test_fields_that_somebody_without_a_turn_took_away_are_there_after_the_run(dataset, nano):
    steps = apply(dataset, Plan(strategies=("yolo_box",), **nano))
    next(steps), next(steps)
    gone = {"$pull": {"sample_fields": {"name": {"$in": ["sam2_yolo_box", "sam2_yolo_box_score"]}}}}
    odm.get_db_conn()["datasets"].update_one({"_id": dataset._doc.id}, gone)
    list(steps)
    dataset.reload()
    assert set(dataset.values("sam2_yolo_box_status")) == {"ok", "no_prompt"}
    assert all(sample.sam2_yolo_box is not None for sample in dataset)


def test_turn_of_a_dead_process_is_taken_over(empty):
    held_by(empty, prefix="x")
    locks().insert_one({**locks().find_one({"_id": f"{empty._doc.id}/x"}), "_id": str(empty._doc.id), "started": 0.0})
    with editing(empty):
        pass
    assert locks().count_documents({"_id": str(empty._doc.id)}) == 0


def test_one_that_never_ends_its_turn_is_named(empty, monkeypatch):
    monkeypatch.setattr(lock, "WAIT_SECONDS", 0.1)
    with editing(empty), pytest.raises(PromptingError, match=r"Process \d+ on .* does not let go"), editing(empty):
        pass
