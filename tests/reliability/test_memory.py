"""A process that may have no more memory than it has: smaller batches, or a clear word; never a hang."""

import json
import os
import subprocess
import sys

import pytest

from prompting.plan import Plan
from prompting.runs.application import apply
from tests.reliability.runs import contents

RUN = """
import json, resource, sys
import psutil
import fiftyone as fo
from prompting.runs import assembly
from prompting.runs.application import apply
from prompting.errors import PromptingError
from prompting.plan import Plan
name, spare, params = json.loads(sys.argv[1])
plan = Plan(**params)
dataset = fo.load_dataset(name)
list(apply(dataset[:1], plan))  # models are loaded, and libraries have what they need for themselves
limit = psutil.Process().memory_info().vms + int(spare * 1e6)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
last = None
try:
    for last in apply(dataset, plan):
        pass
except PromptingError as error:
    print(error)
    sys.exit(3)
print(json.dumps([last.done, last.failed, dataset.values("sam2_field_box_status")]))
"""


def limited(dataset, spare: int, **params) -> subprocess.CompletedProcess:
    """A run in a process that may have so many MB more than after its first picture."""
    command = [sys.executable, "-c", RUN, json.dumps([dataset.name, spare, params])]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS binds on Linux alone")


def test_a_run_near_its_limit_goes_on_with_smaller_batches(source, plan):
    source.add_samples([sample.copy() for _ in range(2) for sample in source.limit(12)])
    done = limited(source, 1200, **{**plan, "strategies": ("field_box",), "batch_size": 36})
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert "Not enough memory for 35 pictures at once; going on with 18" in done.stderr
    count, failed, statuses = json.loads(done.stdout.splitlines()[-1])
    assert (count, failed) == (35, 0)  # one was done before
    assert set(statuses) == {"ok", "no_prompt"}


def test_a_run_without_room_for_a_picture_says_so_and_loses_nothing(source, plan, wanted):
    done = limited(source, 60, **{**plan, "strategies": ("field_box",), "batch_size": 12})
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    count, failed, statuses = json.loads(done.stdout.splitlines()[-1])
    assert (count, failed) == (11, 11)
    assert statuses[0] == "ok"
    assert all(status.startswith("error: not enough memory for this picture") for status in statuses[1:])
    list(apply(source, Plan(**plan)))
    assert contents(source) == wanted
