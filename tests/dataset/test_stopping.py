"""A run can be stopped from elsewhere: soon, with all that it did whole, and told how to go on."""

import re
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial, partialmethod
from importlib import import_module

import fiftyone as fo
import fiftyone.core.odm as odm
import numpy as np
import psutil
import pytest
from fiftyone import ViewField as F

from prompting.dataset import lock
from prompting.dataset.findings import load_findings
from prompting.dataset.judgements import load_comparison
from prompting.dataset.lock import COLLECTION, run_lock
from prompting.dataset.names import SCORES
from prompting.dataset.stopping import request_stop, running
from prompting.errors import PromptingError, Stopped
from prompting.plan import Plan
from prompting.results import OUTDATED
from prompting.runs import applying, assembly
from prompting.runs.agreement import measure_steps
from prompting.runs.application import apply
from prompting.runs.evaluation import evaluate_steps
from prompting.runs.explanation import explain
from prompting.runs.scorable import EvaluationPlan
from tests.copies import copy_of
from tests.dataset.test_lock import held_by
from tests.reliability.runs import contents

QUICK = {"strategies": ("yolo_box",), "sam2_model": "nano", "yolo_model": "nano", "device": "cpu"}


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(lock, "RENEW_SECONDS", 0.02)


@pytest.fixture
def empty():
    dataset = fo.Dataset()
    yield dataset
    dataset.delete()


def noticed(hold) -> None:
    assert hold.asked_to_stop.wait(10)


def until_stopped(steps) -> Stopped:
    """What a run says when it ends, stopped."""
    with pytest.raises(Stopped) as stopped:
        for _ in steps:
            time.sleep(0.1)
    return stopped.value


# who sees what


def test_a_run_is_seen_with_what_it_does_since_when_and_how_far_it_is(empty):
    assert running(empty) is None
    with run_lock(empty, "sam2", "applying strategies") as hold:
        seen = running(empty)
        assert (seen.what, seen.pid) == ("applying strategies", psutil.Process().pid)
        assert (seen.done, seen.stopping) == (None, False)
        assert abs(seen.since.timestamp() - time.time()) < 10
        hold.tell(3, 12, 40.0)
        time.sleep(0.3)
        assert (running(empty).done, running(empty).total, running(empty).seconds_left) == (3, 12, 40.0)
        assert running(empty, "other") is None
    assert running(empty) is None


def test_run_that_nobody_asked_goes_on_and_one_that_was_asked_twice_stops_once(empty):
    with run_lock(empty, "sam2", "x") as hold:
        time.sleep(0.1)
        hold.check()
        assert request_stop(empty) and request_stop(empty) and running(empty).stopping
        noticed(hold)
        with pytest.raises(Stopped, match="on request"):
            hold.check()


def test_nothing_is_asked_where_nothing_runs_or_a_run_died(empty):
    assert not request_stop(empty)
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    started = psutil.Process(child.pid).create_time()
    child.wait()
    held_by(empty, pid=child.pid, started=started)
    assert running(empty) is None and not request_stop(empty)


def test_the_next_run_is_not_stopped_by_what_the_last_was_asked(empty):
    with run_lock(empty, "sam2", "x"):
        request_stop(empty)
    with run_lock(empty, "sam2", "x") as hold:
        time.sleep(0.2)
        hold.check()
    held_by(empty, started=0.0, stop=time.time())
    with run_lock(empty, "sam2", "x") as hold:  # taken over from a run that died before it looked
        time.sleep(0.2)
        hold.check()


def test_a_run_with_another_prefix_goes_on(empty):
    with run_lock(empty, "a", "x") as one, run_lock(empty, "b", "x") as other:
        request_stop(empty, "a")
        noticed(one)
        other.check()


# applying


def test_stopped_run_is_whole_released_and_finished_by_skip_as_if_it_had_never_stopped(dataset):
    steps = apply(dataset, Plan(**QUICK))
    assert next(steps).done == 0 and next(steps).done == 1
    assert request_stop(dataset)
    said = str(until_stopped(steps))
    done = len(dataset.exists("sam2_yolo_box_status"))
    assert 1 <= done < 6
    assert f"{done} of 6 samples are done and whole" in said and said.endswith("existing='skip'.")
    assert dataset.get_run_info("sam2_yolo_box").config.images == done  # what it cost is known all the same
    assert odm.get_db_conn()[COLLECTION].count_documents({"_id": f"{dataset._doc.id}/sam2"}) == 0

    last = list(apply(dataset, Plan(**QUICK, existing="skip")))[-1]
    assert (last.done, last.total, last.failed) == (6 - done, 6 - done, 0)
    whole = dataset.clone()
    list(apply(whole, Plan(**QUICK, existing="overwrite")))
    assert contents(dataset, ("yolo_box",)) == contents(whole, ("yolo_box",))
    whole.delete()


def stopped_at_one(dataset, **params) -> Stopped:
    """An overwriting run that is stopped after its first picture."""
    steps = apply(dataset, Plan(**QUICK, existing="overwrite", **params))
    next(steps), next(steps)
    request_stop(dataset)
    return until_stopped(steps)


def test_overwriting_with_other_settings_stopped_leaves_no_old_results_among_the_new(applied_once):
    dataset, status = copy_of(applied_once), "sam2_yolo_box_status"
    said = stopped_at_one(dataset, yolo_confidence=0.9)
    assert str(said).endswith("existing='skip'.") and said.rest == "skip"
    left = dataset.match(F(status) == OUTDATED).values("filepath")
    count, where = len(left), F("filepath").is_in(left)
    assert 1 <= count < 6
    for sample, before in zip(dataset.match(where), applied_once.match(where)):
        assert np.array_equal(sample.sam2_yolo_box.get_mask(), before.sam2_yolo_box.get_mask())
    assert load_findings(dataset).status["yolo_box"].count(None) == count
    with pytest.raises(PromptingError, match=f"{count} of 6 samples have no mask of 'yolo_box'"):
        list(evaluate_steps(dataset, EvaluationPlan("ground_truth", ["yolo_box"])))
    with pytest.raises(PromptingError, match=r"made with yolo_confidence=0\.9, not 0\.25"):
        list(apply(dataset, Plan(**QUICK, existing="skip")))

    again = Plan(**QUICK, existing="skip", yolo_confidence=0.9)
    assert list(apply(dataset, again))[-1].done == count
    whole = copy_of(applied_once)
    list(apply(whole, replace(again, existing="overwrite")))
    assert contents(dataset, ("yolo_box",)) == contents(whole, ("yolo_box",))
    dataset.delete(), whole.delete()


def test_overwriting_with_the_same_settings_stopped_leaves_results_that_are_as_good(applied_once):
    dataset = copy_of(applied_once)
    said = stopped_at_one(dataset)
    assert said.rest == "overwrite" and "the others keep their earlier results, of the same settings" in str(said)
    assert contents(dataset, ("yolo_box",)) == contents(applied_once, ("yolo_box",))
    dataset.delete()


def test_a_picture_that_fails_with_other_settings_keeps_its_mask_and_says_that_it_failed(applied_once):
    dataset = copy_of(applied_once)
    sample = dataset.first()
    sample.filepath = "/nowhere.jpg"
    sample.save()
    mask = sample.sam2_yolo_box.mask
    assert list(apply(dataset, Plan(**QUICK, existing="overwrite", yolo_confidence=0.9)))[-1].failed == 1
    dataset.reload()
    assert dataset.first().sam2_yolo_box_status.startswith("error: ")
    assert (dataset.first().sam2_yolo_box.mask == mask).all()
    dataset.delete()


def test_stop_while_models_are_loaded_ends_it_before_anything_is_written(dataset, monkeypatch):
    def load(*args, load=assembly.catalogue.load_yolo):
        model = load(*args)
        assert request_stop(dataset)
        time.sleep(0.3)
        return model

    monkeypatch.setattr(assembly.catalogue, "load_yolo", load)
    monkeypatch.setattr(assembly.catalogue, "load_sam2", lambda *_: pytest.fail("the next one was loaded too"))
    before = set(dataset.get_field_schema())
    assert "nothing was written" in str(until_stopped(apply(dataset, Plan(**QUICK))))
    assert set(dataset.get_field_schema()) == before and not dataset.list_runs() and running(dataset) is None


def test_stop_after_the_last_picture_comes_too_late_and_the_run_ends_as_ever(dataset):
    for progress in apply(dataset, Plan(**QUICK)):
        if progress.done == progress.total:
            assert request_stop(dataset)
            time.sleep(0.2)
    assert progress.done == 6 and len(dataset.exists("sam2_yolo_box_status")) == 6


def test_stop_in_a_large_batch_does_not_wait_for_its_end(dataset, monkeypatch):
    def write(*args, write=applying._write, **kwargs):
        pytest.fail("the batch was finished all the same")

    steps = apply(dataset, Plan(**QUICK, batch_size=6))
    next(steps)
    request_stop(dataset)
    time.sleep(0.2)
    monkeypatch.setattr(applying, "_write", write)
    assert "0 of 6 samples" in str(until_stopped(steps))


def test_python_gets_an_exception_so_that_what_follows_in_a_script_is_not_run(dataset, apply_strategies, monkeypatch):
    def stop(self, *args, tell):
        tell(self, *args)
        request_stop(dataset)
        self.asked_to_stop.wait(10)

    hold = import_module(type(apply_strategies).__module__.replace("operators.apply", "prompting.dataset.lock")).Hold
    monkeypatch.setattr(hold, "tell", partialmethod(stop, tell=hold.tell))
    with pytest.raises(ValueError, match=r"Stopped on request: 0 of 6 samples"):
        apply_strategies(dataset, progress=False, **QUICK)


# evaluating, measuring agreement, explaining


def after(steps, words: str, dataset) -> str:
    """Stop a run as soon as it tells these words; what it says then."""
    for _, _, label in steps:
        if words in label:
            assert request_stop(dataset)
            time.sleep(0.3)
            return str(until_stopped(steps))
    raise AssertionError(f"it never said {words!r}")


def test_evaluation_stopped_between_pictures_leaves_half_of_none(applied_once):
    dataset = copy_of(applied_once)
    steps = evaluate_steps(dataset, EvaluationPlan("ground_truth", ["clip_point", "yolo_box"]))
    said = after(steps, "evaluating, 2 of 6", dataset)
    assert said.startswith("Stopped on request: 2 of 6 samples were scored; an earlier evaluation is as it was")
    assert "evaluate again" in said
    assert load_comparison(dataset) is None and not dataset.list_evaluations() and running(dataset) is None
    dataset.delete()


def test_evaluation_stopped_between_pictures_leaves_the_earlier_table_and_its_scores(explained_once):
    dataset = copy_of(explained_once)
    scores = [f"{key}_{score}" for key in dataset.list_evaluations() for score in SCORES]
    before = load_comparison(dataset).to_dict(), dataset.values(scores), dataset.list_evaluations()
    after(evaluate_steps(dataset, EvaluationPlan("ground_truth")), "evaluating, 2 of 6", dataset)
    assert (load_comparison(dataset).to_dict(), dataset.values(scores), dataset.list_evaluations()) == before
    dataset.delete()


@pytest.mark.parametrize("run", [measure_steps, partial(explain, device="cpu")])
def test_agreement_and_explanation_stop_between_two_pictures(explained_once, run):
    dataset = copy_of(explained_once)
    steps = run(dataset)
    while next(steps).done < 1:
        pass
    assert request_stop(dataset)
    said = str(until_stopped(steps))
    assert re.match(r"Stopped on request: [1-5] of 6 samples are \w+", said) and "again to have the others" in said
    assert running(dataset) is None
    dataset.delete()
