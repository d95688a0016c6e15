"""Runs that FiftyOne's own worker does: killed and started again; and what the Runs page can say."""

import sys
import time
from contextlib import contextmanager

import pytest
from fiftyone.operators.delegated import DelegatedOperationService

from prompting.dataset.stopping import request_stop, running
from tests.queued import newest
from tests.reliability.runs import Process, contents

PATIENCE_SECONDS = 240


def launch(say) -> None:
    """As the command line does."""
    from fiftyone.core.cli import main

    sys.argv = ["fiftyone", "delegated", "launch", "--type", "local"]
    main()


@contextmanager
def worker():
    """``fiftyone delegated launch``; killed in the end."""
    process = Process(launch)
    try:
        yield
    finally:
        process.kill()


def wait_for(known, wanted):
    """What a function returns as soon as it satisfies another."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not wanted(value := known()):
        assert time.monotonic() < deadline, f"still {value}"
        time.sleep(0.05)
    return value


def state(operation):
    return DelegatedOperationService().get(operation.id)


@pytest.fixture
def queue(apply_strategies, source, plan):
    """Queue a run of these parameters; the operation."""
    queued = []

    def queue(**params):
        result = apply_strategies(source, delegate=True, **{**plan, **params})
        queued.append(DelegatedOperationService().get(result.op_id) if hasattr(result, "op_id") else newest())
        return queued[-1]

    yield queue
    for operation in queued:
        DelegatedOperationService().delete_operation(operation.id)


def test_a_run_whose_worker_is_killed_is_finished_by_the_next(queue, source, wanted):
    def done() -> int:
        source.reload()
        field = "sam2_yolo_box_status"
        return source.exists(field).count() if source.has_sample_field(field) else 0

    first = queue()
    with worker():
        wait_for(done, lambda count: count >= 2)
    left = contents(source)
    assert all(now == then or now["status"] is None for now, then in zip(left, wanted, strict=True))
    again = DelegatedOperationService().rerun_operation(first.id)
    with worker():
        ended = wait_for(lambda: state(again), lambda operation: operation.run_state in ("completed", "failed"))
    assert ended.run_state == "completed", ended.result.error
    assert contents(source) == wanted
    assert ended.status.progress == pytest.approx(1)
    DelegatedOperationService().delete_operation(again.id)


def test_what_stopped_a_delegated_run_can_be_read_on_the_runs_page(queue, source, apply_strategies, plan):
    operation = queue(existing="error")
    apply_strategies(source, progress=False, **plan)  # between asking and running
    with worker():
        ended = wait_for(lambda: state(operation), lambda operation: operation.run_state in ("completed", "failed"))
    assert ended.run_state == "failed"
    assert "already; choose “Keep them, do the others” to keep them" in ended.result.error


def test_a_delegated_run_that_is_stopped_says_on_the_runs_page_how_far_it_came_and_how_to_go_on(queue, source):
    for _ in range(5):  # long enough to be stopped
        source.add_samples([sample.copy() for sample in source.limit(12)])
    operation = queue()
    with worker():
        wait_for(lambda: running(source), lambda run: run is not None and run.total)
        assert request_stop(source)
        ended = wait_for(lambda: state(operation), lambda operation: operation.run_state in ("completed", "failed"))
    assert ended.run_state == "completed" and running(source) is None
    source.reload()
    done = source.exists("sam2_yolo_box_status").count()
    assert done < len(source)
    assert ended.status.label == (
        f"Stopped on request: {done} of 72 samples are done and whole; to do the others, apply the same again with"
        " “Samples that have results: Keep them, do the others”."
    )
