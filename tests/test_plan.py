"""A request is checked before any work starts, and each mistake is answered in one clear sentence."""

import json
import math

import pytest

from prompting.errors import PromptingError
from prompting.plan import Plan
from prompting.prompts.strategies import AUTOMATIC, STRATEGIES


def test_default_plan_is_all_strategies_that_need_no_field():
    plan = Plan()
    assert plan.strategies == AUTOMATIC
    assert plan.classes == ("person",)
    assert plan.mask_targets == {1: "person"}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"strategies": []}, "Choose at least one strategy: clip_point, "),
        ({"strategies": ["clip_box", "sam_magic"]}, "Unknown strategy 'sam_magic'; choose from clip_point, "),
        ({"classes": []}, "classes must be a list of names"),
        ({"classes": ["person", " "]}, "classes must be a list of names"),
        ({"classes": ["person", 7]}, "classes must be a list of names"),
        ({"classes": [f"class {i}" for i in range(255)]}, "At most 254 classes"),
        ({"background": []}, "background must be a list of names"),
        ({"prefix": "SAM"}, "The prefix 'SAM' can't begin field names"),
        ({"prefix": "2sam"}, "The prefix '2sam'"),
        ({"prefix": ""}, "The prefix ''"),
        ({"prefix": "a.b"}, "The prefix 'a.b'"),
        ({"prefix": "sam2\n"}, "The prefix"),
        ({"prefix": "sam2_"}, "The prefix 'sam2_' can't begin field names"),
        ({"prefix": "my__masks"}, "The prefix 'my__masks'"),
        ({"existing": "keep"}, "existing must be one of skip, overwrite, error, not 'keep'"),
        ({"strategies": ["field_box"]}, "need prompt_field"),
        ({"strategies": ["field_box"], "prompt_field": ""}, "need prompt_field"),
        ({"strategies": ["reference_box_points"]}, "need references: a tag, a view, or ids"),
        ({"strategies": ["reference:box"], "references": []}, "need references: a tag, a view, or ids"),
        ({"strategies": ["reference:box"], "references": "few"}, "need reference_field: the field with the masks"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"field_rounds": -1}, "at least"),
        ({"seed": -1}, "at least"),
        ({"yolo_confidence": 1.5}, "yolo_confidence must lie in 0..1, not 1.5"),
        ({"yolo_confidence": -0.1}, "yolo_confidence must lie in 0..1"),
        ({"yolo_confidence": math.nan}, "yolo_confidence must lie in 0..1"),
        ({"batch_size": "4"}, "batch_size must be a whole number, not '4'"),
        ({"seed": 1.5}, "seed must be a whole number, not 1.5"),
        ({"field_rounds": 0.5}, "field_rounds must be a whole number"),
        ({"yolo_confidence": "high"}, "yolo_confidence must be a number, not 'high'"),
        ({"classes": None}, "classes must be a list of names"),
        ({"phrases": "human"}, "phrases must map classes to lists of phrases"),
        ({"phrases": {"dog": ["puppy"]}}, "phrases names 'dog', which is not among the classes"),
        ({"phrases": {"person": ["man", 7]}}, "phrases must be a list of names, one at least, not ['man', 7]"),
    ],
)
def test_bad_value_is_answered_in_one_sentence(parameters, message):
    with pytest.raises(PromptingError) as caught:
        Plan(**parameters)
    text = str(caught.value)
    assert message in text
    assert text.endswith(".")
    assert len(text.splitlines()) == 1


def test_unknown_strategy_is_told_all_that_exist():
    with pytest.raises(PromptingError) as caught:
        Plan(strategies=["nonsense"])
    assert all(name in str(caught.value) for name in STRATEGIES)


def test_names_are_cleaned():
    plan = Plan(strategies=["yolo_box", "clip_box", "yolo_box"], classes=["person ", "dog", "person"])
    assert plan.strategies == ("clip_box", "yolo_box")
    assert plan.classes == ("person", "dog")
    assert plan.mask_targets == {1: "person", 2: "dog"}
    assert Plan(classes="person").classes == ("person",)


def test_one_phrase_needs_no_list():
    """A string is a sequence too: its letters would be asked for."""
    assert Plan(phrases={"person": "construction worker"}).phrases == {"person": ["construction worker"]}
    assert Plan(phrases={"person": []}).phrases == {}


def test_plan_knows_which_priors_it_needs():
    plan = Plan(strategies=["clip_box", "field_box"], prompt_field="ground_truth")
    assert [plan.uses(prior) for prior in ("clip", "yolo", "field")] == [True, False, True]
    assert [strategy.name for strategy in plan.chosen] == ["clip_box", "field_box"]


def test_record_is_json_with_every_parameter_and_the_versions():
    record = Plan(classes=["person", "dog"], phrases={"dog": ["puppy"]}, background=["wall"], seed=3).record()
    assert json.loads(json.dumps(record)) == record
    assert record["classes"] == ["person", "dog"]
    assert record["background"] == ["wall"]
    assert record["phrases"] == {"dog": ["puppy"]}
    assert record["seed"] == 3
    assert {"fiftyone", "torch", "sam2", "open_clip_torch", "numpy"} <= set(record["versions"])


def test_record_leaves_out_what_does_not_change_a_mask():
    assert Plan(strategies="clip_box", existing="skip", batch_size=4).record() == Plan().record()
    assert Plan(seed=1).record() != Plan().record()
    assert Plan(compile=True).record() != Plan().record()
    assert Plan(encoder_precision="float32").record() != Plan(encoder_precision="bfloat16").record()
