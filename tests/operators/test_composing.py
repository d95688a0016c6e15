"""In the form a person composes a strategy, sees its spelling, and has it applied beside those that are chosen."""

import pytest

from tests.operators.asking import form, run

OWN = {"compose": True, "own_prior": "clip", "own_prompt": "box+points", "own_positives": 2, "own_negatives": 1}
MODELS = {"models": "bundled", "classes": "person", "strategies": ["clip_box"]}


def test_it_shows_the_parts_that_the_prompt_has_and_what_they_make(applied):
    assert "own_prior" not in form("apply_strategies", applied)
    fields = form("apply_strategies", applied, {"compose": True})
    assert "own_margin" in fields and "own_positives" not in fields
    assert fields["own_strategy"]["view"]["label"].startswith("Also applied: yolo:box (one box for each YOLO detection")
    fields = form(
        "apply_strategies", applied, {**OWN, "own_negatives_on": "others", "own_margin": -10, "own_rounds": 2}
    )
    assert "own_negatives_on" in fields
    assert fields["own_strategy"]["view"]["label"].startswith("Also applied: clip:box-10+2p1o@2 (")
    assert "own_margin" not in form("apply_strategies", applied, {"compose": True, "own_prompt": "point"})


@pytest.mark.parametrize(
    ("answers", "said"),
    [({"own_positives": 30}, "0 to 20, not 30"), ({"own_positives": 0, "own_negatives": 0}, "No clicks at all")],
)
def test_parts_that_make_none_are_told(applied, answers, said):
    fields = form("apply_strategies", applied, {**MODELS, **OWN, **answers})
    assert said in fields["own_strategy"]["view"]["label"]
    assert said in fields["problem"]["error_message"]


def test_it_is_applied_and_offered_again(applied):
    run("apply_strategies", applied, {**MODELS, **OWN, "view_target": "DATASET"})
    applied.reload()
    assert applied.count("sam2_clip_box_2p1n_status") == len(applied)
    fields = form("apply_strategies", applied)
    assert "clip_box_2p1n" in [choice["value"] for choice in fields["strategies"]["view"]["choices"]]
    assert "clip_box_2p1n" in fields["strategies"]["default"]
