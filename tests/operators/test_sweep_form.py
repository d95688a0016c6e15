"""The sweep's form: it says which strategies its answers make, what is wrong with them, and ends with the best one."""

import fiftyone as fo
import fiftyone.operators as foo
import pytest

from prompting.prompts.grid import Grid
from tests.operators.asking import URI, form, run

ANSWERS = {"gt_field": "ground_truth", "classes": "person", "priors": ["yolo"], "models": "bundled"}


def test_it_counts_and_spells_what_the_parts_make(applied):
    fields = form("sweep_strategies", applied, {**ANSWERS, "prompts": ["box"], "margins": "given, -10, 10"})
    assert fields["count"]["view"]["label"] == "3 strategies: yolo:box, yolo:box10, yolo:box-10"
    assert fields["gt_field"]["default"] == "ground_truth"
    assert "prompt_field" not in fields and "problem" not in fields
    assert "prompt_field" in form("sweep_strategies", applied, {**ANSWERS, "priors": ["field"]})


def test_it_begins_with_the_grid_that_a_call_from_python_has(applied):
    fields = form("sweep_strategies", applied)
    assert fields["positives"]["default"] == "1, 3, 5, 9" and fields["margins"]["default"] == "given"
    asked = {name: fields[name]["default"] for name in ("priors", "prompts", "positives", "negatives", "margins")}
    filled = form("sweep_strategies", applied, {**ANSWERS, **asked})
    assert filled["count"]["view"]["label"].startswith(f"{len(Grid().strategies())} strategies: ")


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"positives": "one"}, "whole numbers with commas between them"),
        ({"positives": "50"}, "whole number, 0 to 20, not 50"),
        ({"prompts": ["points"], "positives": "0"}, "make no strategy"),
        ({"classes": ""}, "must be a list of names"),
        ({"priors": ["field"], "prompts": ["points"], "prompt_field": "nobody"}, "no label field"),
        ({"models": "each", "sam2_model": "no/such.pt"}, "Unknown SAM 2 model"),
    ],
)
def test_what_cannot_be_swept_is_said(applied, answers, said):
    assert said in form("sweep_strategies", applied, {**ANSWERS, **answers})["problem"]["error_message"]


def test_without_a_truth_there_is_nothing_to_sweep_on(made_once):
    dataset = fo.Dataset()
    dataset.add_sample(fo.Sample(made_once.first().filepath))
    assert "There is no ground truth" in form("sweep_strategies", dataset)["problem"]["error_message"]
    dataset.delete()


def test_it_ends_with_tables_and_a_button_that_applies_the_best_and_the_next_form_begins_with_its_models(applied):
    """The bundled models are those that give masks to click on, and what is applied has been swept with them."""
    answers = {**ANSWERS, "prompts": ["points"], "positives": "1", "negatives": "0", "view_target": "DATASET"}
    told = run("sweep_strategies", applied, answers)
    shown = [m for m in told if getattr(m, "body", m) and "then" in str(getattr(getattr(m, "body", m), "params", ""))]
    text = str(shown[-1].body.params if hasattr(shown[-1], "body") else shown[-1].params)
    assert "Apply yolo:1p" in text and "yolo_1p" in text and "apply_strategies" in text
    assert "'yolo_model': 'yolo26n-seg.pt'" in text and "1 strategy on 6 pictures" in text
    applied.reload()
    assert form("sweep_strategies", applied)["models"]["default"] == "bundled"
    assert foo.get_operator(f"{URI}/sweep_strategies").last(applied).best.spelling == "yolo:1p"
