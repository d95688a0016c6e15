"""The panel says how good finished labels are, which rule is best, and what to label next."""

import numpy as np
import pytest

from prompting.dataset import finals
from prompting.dataset.names import FinalFields
from prompting.final.expectation import Expectation
from prompting.final.promise import promise
from prompting.final.trial import Trial


@pytest.fixture
def finished(explained):
    """As finishing labels would have left a dataset with more pictures."""
    rng = np.random.default_rng(0)
    true = rng.random(20)
    held_out = np.clip(true + rng.normal(0, 0.1, 20), 0, 1)
    trial = Trial({"one": true - 0.1, "cascade": true}, true + 0.1, "cascade")
    told = promise(true, held_out, held_out)
    finals.declare(explained, FinalFields.of("mine"), "sam2_yolo_box")
    finals.record(explained, "mine", "sam2", "cascade", ["yolo_box", "clip_point"], 6)
    finals.save_findings(explained, "mine", trial, [told], Expectation((), held_out, true))
    return explained, told


def test_promise_rules_and_calibration_are_drawn(ask, finished):
    dataset, told = finished
    shown = ask(dataset)
    assert str(told) in shown.text and "is the rule to take" in shown.text
    assert [row["column0"] for row in shown.data["rules_mine"]][:2] == ["one", "cascade"]
    dots, line = shown.data["expected_mine"]
    assert len(dots["x"]) == 20 and len(line["x"]) > 2


def test_whether_it_is_settled_is_said_and_its_buttons_open_the_forms(ask, explained):
    shown = ask(explained)
    assert "yolo_box is 0." in shown.text and "better than clip_point on 6 labelled pictures" in shown.text
    assert "rules_mine" not in shown.data
    for method, name in (("prompt_finish", "finish_labels"), ("prompt_next", "label_next")):
        prompted = ask(explained, method).orders["prompt_user_for_operation"]
        assert prompted["operator_uri"].endswith(name) and prompted["params"]["prefix"] == "sam2"
    prompted = ask(explained, "prompt_labels").orders["prompt_user_for_operation"]
    assert prompted["operator_uri"].endswith("finish_labels")
    assert {"rule": "one", "strategy": "yolo_box"}.items() <= prompted["params"].items()
