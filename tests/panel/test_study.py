"""The panel shows the last sweep's study, with a button that applies what it recommends."""

import numpy as np
import pytest

from prompting.analysis.study import Study
from prompting.dataset.studies import load_study, save_study

ASKED = {"classes": ["person", "dog"], "sam2_model": "nano", "yolo_model": "yolo26n.pt", "clip_model": "nano"}


@pytest.fixture
def studied(dataset):
    """A study as a sweep would have kept it: corrections are worth what they cost."""
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 0.05, 40)
    quality = {"yolo_box": 0.6, "yolo_box_r1": 0.7, "yolo_box_r2": 0.8}
    ious = np.array([mean + hard + rng.normal(0, 0.01, 40) for mean in quality.values()])
    calls = np.array([[1.0] * 40, [2.0] * 40, [3.0] * 40])
    study = Study(tuple(quality), ious, calls, tuple(map(str, range(40))), 0.05, "masks", 40)
    save_study(dataset, "sam2", study, ASKED, [str(i) for i in range(40)])
    return dataset


def test_it_is_drawn_with_its_verdict_rows_and_curves_even_where_nothing_was_applied(ask, studied):
    shown = ask(studied)
    assert "yolo:box@2 is best, mean IoU 0." in shown.text and "Apply yolo:box@2" in shown.text
    assert [row["column0"] for row in shown.data["study"]] == ["yolo:box@2", "yolo:box@1", "yolo:box"]
    assert shown.data["study_rounds"][0]["x"] == [0, 1, 2]
    assert {"study_cost", "study_table0"} <= set(shown.data)
    assert "study_positives" not in shown.data


def test_its_button_opens_the_form_with_the_best_and_the_models_of_the_sweep(ask, studied):
    prompted = ask(studied, "prompt_best").orders["prompt_user_for_operation"]
    assert prompted["operator_uri"].endswith("apply_strategies")
    params = prompted["params"]
    assert params["strategies"] == ["yolo_box_r2"] and params["sam2_model"] == "nano"
    assert params["classes"] == "person, dog" and params["prefix"] == "sam2"
    swept = ask(studied, "prompt_sweep").orders["prompt_user_for_operation"]
    assert swept["operator_uri"].endswith("sweep_strategies")


def test_it_is_a_section_of_an_evaluation_too_and_is_gone_when_it_is_removed(ask, explained):
    assert "Sweep" not in ask(explained).text
    study = Study(("yolo_box",), np.full((1, 6), 0.5), np.ones((1, 6)), tuple("abcdef"), None, "", 6)
    save_study(explained, "sam2", study, ASKED, list("abcdef"))
    assert "Sweep" in ask(explained).text
    assert list(ask(explained, at="Sweep").data) == ["study", "study_cost"]
    explained.delete_run("sam2_study")
    assert load_study(explained) is None and "Sweep" not in ask(explained, at="Sweep").text
