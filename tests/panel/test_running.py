"""A run that is under way, as the panel draws and stops it."""

import threading
import time

import pytest

from prompting.dataset import lock
from prompting.dataset.lock import run_lock
from prompting.dataset.stopping import running


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(lock, "RENEW_SECONDS", 0.02)


def stopped_when_asked(dataset, prefix: str = "sam2") -> threading.Thread:
    """A run that ends when it is asked to."""
    holds = threading.Event()

    def run():
        with run_lock(dataset, prefix, "applying strategies") as hold:
            holds.set()
            hold.asked_to_stop.wait(20)

    thread = threading.Thread(target=run)
    thread.start()
    assert holds.wait(10)
    return thread


def test_nothing_is_drawn_where_nothing_runs(ask, dataset):
    shown = ask(dataset)
    assert "Running" not in shown.text and not [name for name in shown.view if name.startswith(("running", "stopping"))]
    assert ask(dataset, "stop").orders["notify"]["message"] == "Nothing runs any more."


def test_a_run_is_drawn_with_its_stop_even_with_a_prefix_that_has_no_results_yet(ask, dataset):
    with run_lock(dataset, "first", "applying strategies"):
        shown = ask(dataset)
    assert "Running: applying strategies" in shown.text
    assert "stop" in shown.view["stopping_first"]["type"]["properties"]


def test_stop_waits_for_the_end_and_draws_that_nothing_runs(ask, dataset):
    thread = stopped_when_asked(dataset)
    answer = ask(dataset, "stop")
    thread.join(10)
    assert "The run has ended" in answer.orders["notify"]["message"] and "Running" not in answer.text
    assert running(dataset) is None


def test_a_run_that_takes_its_time_is_said_to_be_asked_and_cannot_be_asked_again(ask, dataset, monkeypatch):
    ask(dataset)  # imports the plugin's own modules
    import sys

    module = next(m for name, m in sys.modules.items() if name.endswith("operators.panel.running"))
    monkeypatch.setattr(module, "PATIENCE", 0.1)
    with run_lock(dataset, "sam2", "applying strategies"):
        answer = ask(dataset, "stop")
    assert "ends after this picture" in answer.orders["notify"]["message"]
    assert "It is asked to stop." in answer.data["running_sam2_said"] and "stopping_sam2" not in answer.view


def test_how_far_it_is_makes_no_other_drawing_but_its_end_does(ask, dataset):
    def content():
        return ask(dataset).here["content"]

    with run_lock(dataset, "sam2", "applying strategies") as hold:
        hold.tell(1, 9, 60.0)
        first = content()
        hold.tell(2, 9, 50.0)
        assert content() == first
    assert content() != first


def test_a_run_that_is_shown_moves_on_with_nothing_else_drawn_until_it_ends(ask, dataset):
    def tell(done: int) -> None:
        hold.tell(done, 9, 60.0)
        give_up = time.monotonic() + 10
        while running(dataset).done != done and time.monotonic() < give_up:
            time.sleep(0.02)

    with run_lock(dataset, "sam2", "applying strategies") as hold:
        tell(1)
        drawn = ask(dataset)
        assert drawn.data["running_sam2_said"].startswith("1 of 9, since")
        again = drawn.view["timer"]["view"]
        assert again["on_interval"].endswith("#move")
        tell(2)
        moved = ask(dataset, "move", **again["params"]).orders
        assert list(moved) == ["patch_panel_data"]
        assert moved["patch_panel_data"]["data"]["running_sam2_said"].startswith("2 of 9, since")
    ended = ask(dataset, "move", **again["params"])
    assert "Running" not in ended.text and "timer" not in ended.view
