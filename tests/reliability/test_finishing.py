"""Finishing labels, killed at random moments: a sample has all of its label or nothing; the next run does the rest."""

import os
import random
import signal
import time

import pytest

from prompting.dataset import saving
from prompting.dataset.names import FinalFields
from prompting.runs.finish_plan import FinishPlan
from prompting.runs.finishing import finish
from tests.copies import copy_of

KILLS, STRATEGIES = 20, ("yolo_box", "clip_point")
FIELDS = FinalFields.of("mine")
pytestmark = pytest.mark.filterwarnings("ignore:MongoClient opened before fork")


@pytest.fixture
def source(applied_once):
    """Eight samples with two strategies' results."""
    dataset = copy_of(applied_once)
    dataset.add_samples([sample.copy() for sample in dataset[:2]])
    dataset.persistent = True
    yield dataset
    dataset.delete()


def left(dataset) -> list[tuple]:
    """What each sample has of its label, without random ids."""
    dataset.reload()
    found = []
    for sample in dataset.iter_samples():
        mask, instances = (sample[name] if sample.has_field(name) else None for name in (FIELDS.mask, FIELDS.instances))
        plain = [sample[name] if sample.has_field(name) else None for name in FIELDS.everything[2:]]
        masks = None if instances is None else [one.mask.tobytes() for one in instances.detections]
        found.append((None if mask is None else mask.get_mask().tobytes(), masks, *plain))
    return found


def finish_in_child(dataset, plan: FinishPlan, after: int, wait: float) -> bool:
    """Finish in a process that is killed a while after so many samples; whether it had to be."""
    heard, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            for step in finish(dataset, plan):
                os.write(told, bytes([getattr(step, "done", 0)]))
        finally:
            os._exit(0)
    os.close(told)
    while (said := os.read(heard, 1)) and said[0] < after:
        pass
    time.sleep(wait)
    os.kill(pid, signal.SIGKILL)
    os.close(heard)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0


def test_no_sample_is_half_finished_however_often_a_run_is_killed(source, monkeypatch):
    monkeypatch.setattr(saving, "SAVE_EVERY_SECONDS", 0.0)  # each sample by itself: more moments to be killed at
    plan, rng, killed, between = FinishPlan("union", STRATEGIES, name="mine", existing="skip"), random.Random(0), 0, 0
    list(finish(source, plan))
    wanted = left(source)
    assert not any(label[0] is None or label[-1] is None for label in wanted)
    for _ in range(KILLS):
        source._sample_collection.update_many({}, {"$set": dict.fromkeys(FIELDS.everything)})
        killed += finish_in_child(source, plan, rng.randrange(len(source)), rng.uniform(0, 0.01))
        there = left(source)
        for now, then in zip(there, wanted, strict=True):
            assert now == then or set(now) == {None}
        between += 0 < sum(now == then for now, then in zip(there, wanted)) < len(source)
    assert killed >= KILLS / 2 and between >= KILLS / 4
    list(finish(source, plan))  # the dead one's lock doesn't stop it
    assert left(source) == wanted
