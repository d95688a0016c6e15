"""Stopping a run from the menu, from a run's own dialog, and from Python."""

import json
from functools import partialmethod
from importlib import import_module

import fiftyone.operators as foo
import pytest

from prompting.dataset import lock
from prompting.dataset.lock import run_lock
from tests.copies import copy_of
from tests.operators.asking import form, run

STOP = "@promptlab/sam2-prompting/stop_run"


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(lock, "RENEW_SECONDS", 0.02)


def test_the_form_says_what_runs_and_where_nothing_does_it_cannot_be_executed(dataset):
    assert "Nothing runs on this dataset." in json.dumps(form("stop_run", dataset))
    with run_lock(dataset, "sam2", "applying strategies") as hold:
        hold.tell(3, 12, 40.0)
        hold.asked_to_stop.wait(0.3)
        said = json.dumps(form("stop_run", dataset))
    assert "Running with the prefix sam2: applying strategies, 3 of 12" in said and '"invalid": true' not in said


def test_from_python_the_run_with_a_prefix_is_asked_and_from_the_menu_every_run(dataset):
    stop = foo.get_operator(STOP)
    assert stop(dataset) == "Nothing runs on this dataset."
    with run_lock(dataset, "a", "applying") as one, run_lock(dataset, "b", "evaluating") as other:
        assert stop(dataset, "a") == "The run ends after this picture; what is done stays."
        assert one.asked_to_stop.wait(10) and not other.asked_to_stop.is_set()
        foo.execute_operator(STOP, {"dataset": dataset})
        assert other.asked_to_stop.wait(10)


def test_the_dialog_of_a_run_has_a_button_that_stops_it_and_says_that_it_was_pressed(applied_once):
    dataset = copy_of(applied_once)
    orders = run("measure_agreement", dataset, {"prefix": "sam2"})
    first = orders[0].body.params["outputs"]["type"]["properties"]["stop"]["view"]
    assert (first["operator"], first["params"], first["label"]) == (STOP, {"prefix": "sam2"}, "Stop")
    dataset.delete()


def test_a_stopped_run_says_in_the_forms_words_how_to_go_on_and_offers_it(dataset, nano, monkeypatch):
    def stop(self, *args, tell):
        tell(self, *args)
        foo.get_operator(STOP)(dataset)
        self.asked_to_stop.wait(10)

    package = type(foo.get_operator(STOP)).__module__.removesuffix(".operators.stop_run")
    hold = import_module(f"{package}.prompting.dataset.lock").Hold
    monkeypatch.setattr(hold, "tell", partialmethod(stop, tell=hold.tell))
    orders = run("apply_strategies", dataset, {"strategies": ["yolo_box"], "classes": "person", **nano})
    stopped = [order for order in orders if "stopped" in json.dumps(order.to_json())][-1]
    fields = stopped.body.params["outputs"]["type"]["properties"]
    said = fields["stopped"]["view"]["label"]
    assert "0 of 6 samples" in said and "“Samples that have results: Keep them, do the others”" in said
    rest = fields["rest"]["view"]
    assert rest["operator"].endswith("apply_strategies")
    assert (rest["params"]["existing"], rest["params"]["strategies"]) == ("skip", ["yolo_box"])
