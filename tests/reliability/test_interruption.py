"""However a run ends, every sample is as it was or complete; the next run finishes it, to the byte."""

import contextlib
import io
import re
from functools import partial

import pymongo.collection
import pytest
from pymongo.errors import OperationFailure

from benchmarks import kills
from prompting.dataset import saving, storage
from prompting.errors import PromptingError
from prompting.plan import Plan
from prompting.runs.application import apply
from tests.reliability.runs import STRATEGIES, answer, contents


def killed(*signals: str, count: int) -> tuple[int, str]:
    """The exit status and output of the script that kills."""
    printed = io.StringIO()
    command = ["--kills", str(count), "--signal", *signals, "--copies", "1", "--strategies", *STRATEGIES]
    with contextlib.redirect_stdout(printed):
        return kills.main(command), printed.getvalue()


def test_runs_that_are_killed_or_interrupted_at_random_moments_lose_nothing():
    status, printed = answer(partial(killed, count=25), "KILL", "KILL", "KILL", "KILL", "INT")
    assert status == 0, printed
    counts = {what: int(number) for what, number in re.findall(r"^(.+): (\d+)$", printed, re.MULTILINE)}
    assert counts["ended by KILL"] >= 5 and counts["ended by INT"] >= 2  # others end before, on a quick machine
    assert "0 samples lost, broken or different" in printed


def finish(dataset, plan, wanted) -> None:
    """Everything is whole, and the next run completes it."""
    left = contents(dataset)
    for now, then in zip(left, wanted, strict=True):
        assert now == then or now["status"] is None
    assert any(now["status"] is None for now in left)
    list(apply(dataset, Plan(**plan)))
    assert contents(dataset) == wanted


def test_an_exception_in_the_middle_leaves_every_sample_whole(source, plan, wanted, monkeypatch):
    values, calls = storage.values, []

    def fail_at_the_seventh(*args):
        calls.append(args)
        if len(calls) == 7:
            raise RuntimeError("a fault in the fourth sample")
        return values(*args)

    monkeypatch.setattr(storage, "values", fail_at_the_seventh)
    with pytest.raises(RuntimeError, match="a fault in the fourth sample"):
        list(apply(source, Plan(**plan)))
    monkeypatch.undo()
    finish(source, plan, wanted)


def test_a_full_disk_ends_the_run_with_a_sentence(source, plan, wanted, monkeypatch):
    """The fault is forced: filling a disk would need one of its own."""
    bulk_write, calls = pymongo.collection.Collection.bulk_write, []

    def fill_up(self, *args, **kwargs):
        if self.name.startswith("samples."):
            calls.append(self.name)
            if len(calls) > 3:
                raise OperationFailure("No space left on device", 14031)
        return bulk_write(self, *args, **kwargs)

    monkeypatch.setattr(saving, "SAVE_EVERY_SECONDS", 0.0)  # or all would be saved at once
    monkeypatch.setattr(pymongo.collection.Collection, "bulk_write", fill_up)
    with pytest.raises(PromptingError, match=r"database failed \(OperationFailure: No space left on device\)"):
        list(apply(source, Plan(**plan)))
    monkeypatch.undo()
    finish(source, plan, wanted)
