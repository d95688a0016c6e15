"""A removal that is killed leaves a dataset that can be read, and that the next removal finishes."""

import os
import random
import signal
import time

import pytest

from prompting.dataset import owned
from prompting.runs.error_overlay import show_errors
from prompting.runs.removal import remove_results
from tests.copies import copy_of

KILLS = 5
CHANGES = {"_id", "_dataset_id", "created_at", "last_modified_at"}
pytestmark = pytest.mark.filterwarnings("ignore:MongoClient opened before fork")


def whole(dataset) -> dict:
    """All that isn't a time stamp or an id: the samples, and how the App shows them."""
    dataset.reload()
    samples = [{name: str(value) for name, value in doc.items() if name not in CHANGES} for doc in _documents(dataset)]
    document = dataset._doc.to_dict()
    kept = ("app_config", "mask_targets", "runs", "evaluations", "saved_views")
    fields = [field["name"] for field in document["sample_fields"]]
    return {"samples": samples, "fields": fields, **{name: document.get(name) for name in kept}}


def _documents(dataset):
    return dataset._sample_collection.find().sort("filepath")


def remove_in_child(dataset, after: float) -> bool:
    """Remove in a process that is killed after so many seconds; whether it had to be."""
    pid = os.fork()
    if pid == 0:
        try:
            for _ in remove_results(dataset):
                pass
        finally:
            os._exit(0)
    time.sleep(after)
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0


def test_a_removal_that_is_killed_at_random_moments_is_finished_by_the_next(explained_once):
    source = copy_of(explained_once)
    list(show_errors(source, "yolo_box"))
    reference, start = copy_of(source), time.monotonic()
    list(remove_results(reference))
    longest, rng, killed = time.monotonic() - start, random.Random(0), 0
    wanted = whole(reference)
    for _ in range(KILLS):
        subject = copy_of(source, persistent=True)
        killed += remove_in_child(subject, rng.uniform(0.05, longest))
        subject.reload()
        assert len(list(subject.iter_samples())) == len(source)  # every sample can be read
        if owned.runs_there(subject, "sam2"):  # the records go last
            list(remove_results(subject))  # the dead one's locks don't stop it
        assert whole(subject) == wanted
        subject.delete()
    assert killed >= KILLS / 2
    source.delete()
    reference.delete()
