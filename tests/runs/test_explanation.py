"""Why a strategy fails: on real photographs, with the real model."""

import uuid
from dataclasses import asdict

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest

from prompting.analysis.attribution import NONE, PARTS
from prompting.analysis.explanation import Explanation
from prompting.dataset.findings import load_findings
from prompting.dataset.judgements import load_curves
from prompting.dataset.names import error_field, run_key
from prompting.dataset.present import prefixes
from prompting.dataset.records import recorded
from prompting.errors import PromptingError
from prompting.runs.explanation import explain
from tests.copies import copy_of

STRATEGIES = ("clip_point", "yolo_box", "field_box")


@pytest.fixture(scope="module")
def evaluated(photographs, apply_strategies, evaluate_strategies, nano):
    """The demo's dataset with three strategies, scored."""
    from demo.dataset import make_dataset

    dataset = make_dataset(f"explained-{uuid.uuid4().hex[:8]}", photographs)
    apply_strategies(dataset, strategies=STRATEGIES, prompt_field="ground_truth", progress=False, **nano)
    evaluate_strategies(dataset, "ground_truth", progress=False)
    yield dataset
    dataset.delete()


@pytest.fixture(scope="module")
def explanation(evaluated) -> Explanation:
    return foo.get_operator("@promptlab/sam2-prompting/explain_strategies")(evaluated, progress=False, robustness=True)


@pytest.fixture(scope="module")
def findings(evaluated, explanation):
    return load_findings(evaluated)


def result(steps) -> Explanation:
    return list(steps)[-1]


def test_parts_add_up_to_the_loss_of_every_picture(findings):
    assert set(findings.errors) == set(STRATEGIES)
    for name, parts in findings.errors.items():
        assert sum(parts.values()) == pytest.approx(1 - findings.iou[name], abs=1e-9)


def test_prompts_that_are_the_truths_boxes_lose_nothing_by_the_prompt(findings):
    """Over the truth, field_box is the yardstick itself."""
    parts = findings.errors["field_box"]
    for part in ("miss", "stray", "prompt", "choice"):
        assert np.abs(parts[part]).max() < 1e-6, part


def test_all_strategies_share_what_the_segmenter_does_not_reach(findings):
    first, *others = (findings.errors[name]["segmenter"] for name in STRATEGIES)
    for other in others:
        assert other == pytest.approx(first, abs=1e-9)


def test_only_lone_clicks_have_a_choice_and_it_never_costs(findings):
    assert findings.errors["clip_point"]["choice"].max() > 0.01
    assert findings.errors["clip_point"]["choice"].min() >= 0
    assert not findings.errors["yolo_box"]["choice"].any()


def test_pictures_without_people_where_nothing_was_found_lose_nothing(findings):
    empty = findings.instances == 0
    assert empty.sum() == 2
    for parts in findings.errors.values():
        for values in parts.values():
            assert not values[empty].any()


def test_the_means_are_those_of_the_fields(explanation, findings):
    assert explanation.images == 6
    assert explanation.failed == 0
    for name, parts in findings.errors.items():
        assert explanation.parts[name] == pytest.approx({part: values.mean() for part, values in parts.items()})


def test_the_table_puts_the_smallest_loss_first(explanation):
    losses = [float(row[1]) for row in explanation.table().rows]
    assert losses == sorted(losses)
    assert explanation.table().columns[2:] == PARTS
    assert "clip_point" in str(explanation)


def test_parts_are_fields_that_the_app_can_filter_by(evaluated, explanation):
    path = f"{error_field('sam2', 'clip_point')}.segmenter"
    assert isinstance(evaluated.get_field(path), fo.FloatField)
    assert len(evaluated.match(fo.ViewField(path) > 0)) == 4


def test_the_largest_part_is_a_label_that_the_app_shows_and_filters_by(evaluated, explanation, findings):
    labels = evaluated.values(f"{error_field('sam2', 'clip_point')}.label")
    parts = findings.errors["clip_point"]
    lost = sum(parts.values()) > 1e-6
    expected = [max(PARTS, key=lambda part: parts[part][i]) if some else NONE for i, some in enumerate(lost)]
    assert labels == expected


def test_disturbed_prompts_have_curves_that_are_kept(evaluated, explanation):
    assert explanation.curves
    assert [asdict(curve) for curve in load_curves(evaluated)] == [asdict(curve) for curve in explanation.curves]
    undisturbed = {c.prompt: c.mean_iou[c.severity.index(0)] for c in explanation.curves if c.change == "jitter"}
    assert undisturbed["box"] > 0.7


def test_findings_hold_everything_that_is_known(findings, evaluated):
    assert findings.sample_ids == evaluated.values("id")
    assert findings.strategies == findings.evaluated == tuple(row.strategy for row in findings.comparison.rows)
    assert list(findings.instances) == evaluated.values("sam2_truth_instances")
    assert list(findings.size) == evaluated.values("sam2_truth_size")
    assert findings.status["yolo_box"] == evaluated.values("sam2_yolo_box_status")
    assert np.isnan(findings.score["yolo_box"]).sum() == 2
    assert np.isfinite(findings.agreement).all()
    assert findings.curves
    assert findings.outdated == ()
    assert prefixes(evaluated) == ["sam2"]


def test_picture_that_is_gone_is_told_and_the_others_are_explained(evaluated):
    clone = copy_of(evaluated)
    try:
        sample = clone.first()
        sample.filepath = "gone.jpg"
        sample.save()
        explanation = result(explain(clone, strategies=["yolo_box"]))
        assert (explanation.images, explanation.failed) == (5, 1)
    finally:
        clone.delete()


def test_strategy_applied_after_its_evaluation_is_outdated(evaluated, apply_strategies, nano):
    clone = copy_of(evaluated)
    try:
        apply_strategies(clone, strategies=["yolo_box"], existing="overwrite", progress=False, **nano)
        assert load_findings(clone).outdated == ("yolo_box",)
    finally:
        clone.delete()


def test_records_that_do_not_say_when_can_be_read(evaluated):
    clone = copy_of(evaluated)
    try:
        key = run_key("sam2", "yolo_box")
        config = clone.get_run_info(key).config
        del config.applied, config.replaced  # as the first versions wrote them
        clone.update_run_config(key, config)
        assert "applied" not in recorded(clone, "sam2", "yolo_box")
        assert load_findings(clone).outdated == ()
    finally:
        clone.delete()


def test_before_an_evaluation_there_is_nothing_to_explain(dataset, apply_strategies, nano):
    with pytest.raises(PromptingError, match="Nothing was evaluated with the prefix 'sam2'"):
        next(explain(dataset))
    apply_strategies(dataset, strategies=["yolo_box"], progress=False, **nano)
    found = load_findings(dataset)
    assert (found.comparison, found.strategies, found.iou) == (None, ("yolo_box",), {})
    assert np.isnan(found.agreement).all()


def test_strategy_that_was_not_evaluated_is_named(evaluated):
    with pytest.raises(PromptingError, match="'clip_box' was not evaluated; evaluate it, or choose from"):
        next(explain(evaluated, strategies=["clip_box"]))


def test_samples_that_were_not_evaluated_are_named(evaluated, dataset):
    with pytest.raises(PromptingError, match="Nothing was evaluated"):
        next(explain(dataset))
    with pytest.raises(PromptingError, match="no samples"):
        next(explain(evaluated.match(fo.ViewField("filepath") == "nowhere")))
