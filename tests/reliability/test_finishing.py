"""Finishing labels, killed at random moments: a sample has all of its label or nothing; the next run does the rest."""

import os
import random
import signal
import time

import pytest

from prompting.dataset import saving
from prompting.dataset.names import FinalFields
from prompting.runs.finishing import FinishPlan, finish

KILLS = 20
FIELDS = FinalFields.of("mine")
pytestmark = pytest.mark.filterwarnings("ignore:MongoClient opened before fork")


@pytest.fixture
def source(applied_once):
    """Twenty-four samples with two strategies' results, sixteen of them with a truth."""
    dataset = applied_once.clone()
    for _ in range(2):
        dataset.add_samples([sample.copy() for sample in dataset])
    dataset.set_values("checked", [*(label.copy() for label in dataset.values("ground_truth")[:16]), *[None] * 8])
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


def finish_in_child(dataset, plan: FinishPlan, after: float) -> bool:
    """Finish in a process that is killed after so many seconds; whether it had to be."""
    pid = os.fork()
    if pid == 0:
        try:
            for _ in finish(dataset, plan):
                pass
        finally:
            os._exit(0)
    time.sleep(after)
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0


def test_no_sample_is_half_finished_however_often_a_run_is_killed(source, monkeypatch):
    monkeypatch.setattr(saving, "SAVE_EVERY_SECONDS", 0.0)  # each sample by itself: more moments to be killed at
    plan, start = FinishPlan("learned", gt_field="checked", name="mine", existing="skip"), time.monotonic()
    list(finish(source, plan))
    longest, wanted, rng, killed, between = time.monotonic() - start, left(source), random.Random(0), 0, 0
    assert all(None not in label for label in wanted)
    for _ in range(KILLS):
        for name in FIELDS.everything:
            source.set_field(name, None).save(name)
        killed += finish_in_child(source, plan, rng.uniform(longest / 2, longest))
        there = left(source)
        for now, then in zip(there, wanted, strict=True):
            assert now == then or set(now) == {None}
        between += 0 < sum(now == then for now, then in zip(there, wanted)) < len(source)
    assert killed >= KILLS / 2 and between >= 3
    list(finish(source, plan))  # the dead one's lock doesn't stop it
    assert left(source) == wanted
