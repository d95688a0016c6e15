"""What Ray's workers make is what one process makes: of masks, prompts and scores see test_faults.py."""

from dataclasses import replace

import numpy as np
import pytest
from fiftyone.operators.executor import ExecutionError

from benchmarks.kills import left_over, without_ids
from prompting.dataset.names import FinalFields
from prompting.dataset.stopping import request_stop
from prompting.errors import Stopped
from prompting.plan import Plan
from prompting.runs.application import apply
from prompting.runs.crew import HERE
from prompting.runs.evaluation import EvaluationPlan, evaluate_steps
from prompting.runs.explanation import explain
from prompting.runs.finish_plan import FinishPlan
from prompting.runs.finishing import finish
from prompting.runs.sweep import SweepPlan, sweep
from tests.queued import work_off_newest
from tests.reliability.runs import contents
from tests.runs.discs import discs


def test_a_run_that_is_stopped_ends_whole_and_is_finished_by_the_next(source, asked, wanted, engine, tmp_path):
    """Its masks are in files."""
    said = None
    try:
        for step in apply(source, Plan(**asked, mask_dir=tmp_path), engine(1)):
            if step.done == 2:
                assert request_stop(source)
    except Stopped as stopped:
        said = str(stopped)
    done = source.exists("sam2_yolo_box_status").count()
    assert said.startswith(f"Stopped on request: {done} of 30 samples are done and whole") and done < 30
    assert all(now == then or now["status"] is None for now, then in zip(contents(source), wanted, strict=True))
    list(apply(source, Plan(**asked, mask_dir=tmp_path)))
    assert contents(source) == wanted
    assert len(source.exists("sam2_yolo_box.mask_path")) == 30 and not left_over(source, tmp_path)


def test_a_queued_run_uses_a_cluster_that_the_server_names_and_no_other(
    dataset, nano, cluster, apply_strategies, monkeypatch
):
    """By FiftyOne's own operator and its queue, where the plugin's modules have other names."""
    asked = {"strategies": ["yolo_box"], "engine": "ray", "workers": 1, "ray_address": cluster.address, **nano}
    dataset.persistent = True
    monkeypatch.delenv("SAM2_PROMPTING_CLUSTERS", raising=False)
    with pytest.raises(ExecutionError, match=r"the cluster .* may not be used"):
        apply_strategies(dataset.limit(2), delegate=True, **asked)
    monkeypatch.setenv("SAM2_PROMPTING_CLUSTERS", f"other:6379,{cluster.address}")
    apply_strategies(dataset.limit(2), delegate=True, **asked)
    work_off_newest()
    dataset.reload()
    assert len(dataset.exists("sam2_yolo_box")) == 2


def test_scores_and_explanations_are_the_same(applied, engine):
    """It takes two sets of workers, for a worker is as quick to start as this process was."""
    here, there = applied, applied.clone()
    crews = ((here, HERE), (there, engine(1)))
    one, other = (drained(evaluate_steps(dataset, EvaluationPlan("ground_truth"), crew)) for dataset, crew in crews)
    assert str(one) == str(other)
    one, other = (list(explain(dataset, robustness=True, engine=crew))[-1] for dataset, crew in crews)
    assert one == other and one.curves
    for name in here.get_field_schema():
        if name.startswith("sam2_"):
            assert written(here, name) == written(there, name), name
    there.delete()


def test_a_sweep_is_the_same(made_once, nano, engine):
    """It takes two batches, after which it is looked who has nothing to win."""
    plan = SweepPlan(Plan(strategies=["yolo:box", "yolo:point", "clip:box", "clip:5p3n"], **nano), "ground_truth")
    here, there = made_once.clone(), made_once.clone()
    for dataset in (here, there):
        dataset.add_samples([sample.copy() for sample in dataset.limit(6)])
    one, other = (list(sweep(dataset, plan, crew))[-1] for dataset, crew in ((here, HERE), (there, engine(1))))
    assert one.files == other.files and one.names == other.names
    assert np.array_equal(one.ious, other.ious, equal_nan=True) and np.array_equal(
        one.calls, other.calls, equal_nan=True
    )
    assert one.best == other.best and len(one.files) == 12
    for dataset in (here, there):
        dataset.delete()


def test_final_labels_are_the_same_though_their_worker_is_killed(engine, workers):
    """It takes a worker for each rule, and one in place of the killed one."""
    here = discs(60, 20)
    there, killed = here.clone(), False
    for rule, names in (("one", ["yolo_box"]), ("learned", ())):
        plan = FinishPlan(rule, names, gt_field="gt", name=f"by_{rule}", accept_from=0.6)
        wanted = list(finish(here, plan))[-1]
        for step in finish(there, plan, engine(1)):
            if rule == "learned" and not killed and getattr(step, "done", 0) >= 3 and not step.doing:
                workers()[0].kill()
                killed = True
        assert step == replace(wanted, trial=step.trial) and str(step) == str(wanted) and step.promises
        assert step.trial.to_dict() == wanted.trial.to_dict()
        there.reload()
        for field in FinalFields.of(plan.name).everything:
            assert written(here, field) == written(there, field), field
    assert killed and len(there.exists("by_learned")) == 60
    for dataset in (here, there):
        dataset.delete()


def drained(steps):
    """What a generator returns."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def written(dataset, field: str) -> list[str]:
    """What a field has, without labels' random ids."""
    values = (sample[field] for sample in dataset.iter_samples())
    return [repr(without_ids(value.to_dict())) if hasattr(value, "to_dict") else repr(value) for value in values]
