"""A process that may have no more memory than it has: smaller batches, or a clear word; never a hang."""

import sys
import warnings

import pytest

from prompting.plan import Plan
from prompting.runs.application import apply
from tests.reliability.runs import answer, contents


def limited(name: str, spare: int, params: dict) -> tuple[int, int, list[str], list[str]]:
    """A run in a process that may have so many MB more than after its first picture.

    Returns how many are done, how many of these failed, all pictures' statuses, and what it warned of.
    """
    import resource

    import fiftyone as fo
    import psutil

    dataset, plan = fo.load_dataset(name), Plan(**params)
    list(apply(dataset[:1], plan))  # libraries have what they need for themselves
    limit = psutil.Process().memory_info().vms + int(spare * 1e6)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        last = list(apply(dataset, plan))[-1]
    return last.done, last.failed, dataset.values("sam2_field_box_status"), [str(one.message) for one in warned]


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS binds on Linux alone")


def test_a_run_near_its_limit_goes_on_with_smaller_batches(source, plan):
    source.add_samples([sample.copy() for _ in range(2) for sample in source.limit(12)])
    plan.update(strategies=("field_box",), batch_size=36)
    count, failed, statuses, warned = answer(limited, source.name, 1200, plan)
    assert any("Not enough memory for 35 pictures at once; going on with 18" in line for line in warned)
    assert (count, failed) == (35, 0)  # one was done before
    assert set(statuses) == {"ok", "no_prompt"}


def test_a_run_without_room_for_a_picture_says_so_and_loses_nothing(source, plan, wanted):
    count, failed, statuses, _ = answer(
        limited, source.name, 60, {**plan, "strategies": ("field_box",), "batch_size": 12}
    )
    assert (count, failed) == (11, 11)
    assert statuses[0] == "ok"
    assert all(status.startswith("error: not enough memory for this picture") for status in statuses[1:])
    list(apply(source, Plan(**plan)))
    assert contents(source) == wanted
