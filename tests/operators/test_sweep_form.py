"""The sweep's form: it says which strategies its answers make, what is wrong with them, and ends with the best one."""

import fiftyone as fo
import pytest

from tests.operators.asking import form, run

ANSWERS = {
    "gt_field": "ground_truth",
    "classes": "person",
    "priors": ["yolo"],
    "sam2_model": "nano",
    "yolo_model": "nano",
}


def test_it_counts_and_spells_what_the_parts_make(applied):
    fields = form("sweep_strategies", applied, {**ANSWERS, "prompts": ["box"], "margins": "-10, 10", "rounds": "0"})
    assert fields["count"]["view"]["label"] == "2 strategies: yolo:box10, yolo:box-10"
    assert fields["gt_field"]["default"] == "ground_truth"
    assert "prompt_field" not in fields
    assert "prompt_field" in form("sweep_strategies", applied, {**ANSWERS, "priors": ["field"]})


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"positives": "one"}, "numbers with commas between them"),
        ({"positives": "50"}, "whole number, 0 to 20, not 50"),
        ({"prompts": ["points"], "positives": "0"}, "make no strategy"),
    ],
)
def test_what_makes_none_is_said(applied, answers, said):
    assert said in form("sweep_strategies", applied, {**ANSWERS, **answers})["problem"]["error_message"]


def test_without_a_truth_there_is_nothing_to_sweep_on(made_once):
    dataset = fo.Dataset()
    dataset.add_sample(made_once.first().copy())
    dataset.delete_sample_field("ground_truth") if dataset.has_field("ground_truth") else None
    assert "There is no ground truth" in form("sweep_strategies", dataset)["problem"]["error_message"]
    dataset.delete()


def test_it_ends_with_tables_and_a_button_that_applies_the_best(applied):
    told = run("sweep_strategies", applied, {**ANSWERS, "prompts": ["box"], "margins": "10", "view_target": "DATASET"})
    shown = [m for m in told if getattr(m, "body", m) and "then" in str(getattr(getattr(m, "body", m), "params", ""))]
    button = shown[-1].body.params if hasattr(shown[-1], "body") else shown[-1].params
    text = str(button)
    assert "Apply yolo:box10" in text and "yolo_box10" in text and "apply_strategies" in text
    assert "1 strategies on 6 pictures" in text
