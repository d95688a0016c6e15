"""The forms that finish labels and say what to label next."""

import pytest

from tests.operators.asking import form, run


def test_the_form_begins_with_the_best_strategy_and_says_what_would_be_lost(explained):
    fields = form("finish_labels", explained)
    assert fields["strategy"]["default"] == "yolo_box" and "problem" not in fields
    assert "6 of 6 samples have results to label by" in str(fields["count"])
    assert "existing" not in fields
    run("finish_labels", explained, {"rule": "one", "strategy": "yolo_box"})
    explained.reload()
    assert set(explained.values("labels_source")) == {"yolo_box"}
    fields = form("finish_labels", explained)
    assert "6 of them have a label in labels or labels_instances already" in str(fields["count"])
    assert "reviewed" not in fields
    assert "reviewed" in form("finish_labels", explained, {"existing": "overwrite"})


def test_one_strategys_masks_are_used_without_a_question_for_a_rule(explained):
    given = {"strategy": "clip_point", "name": "mine"}
    fields = form("use_as_labels", explained, given)
    assert "rule" not in fields and "6 of 6 samples have results to label by" in str(fields["count"])
    run("use_as_labels", explained, given)
    explained.reload()
    assert set(explained.values("mine_source")) == {"clip_point"}


def test_each_rule_asks_for_what_it_takes(explained):
    cascade = form("finish_labels", explained, {"rule": "cascade"})
    assert cascade["order"]["default"] == "yolo_box, clip_point" and "problem" not in cascade
    assert "strategies" in form("finish_labels", explained, {"rule": "union"})
    wrong = form("finish_labels", explained, {"rule": "cascade", "order": "yolo_box, nobody"})
    assert "nobody" in wrong["problem"]["error_message"]
    run("finish_labels", explained, {"rule": "cascade", "order": "yolo_box, clip_point", "name": "mine"})
    explained.reload()
    assert set(explained.values("mine_source")) == {"yolo_box", "clip_point"}


def test_too_few_labelled_samples_are_told_in_the_forms_words(explained):
    fields = form("finish_labels", explained, {"rule": "learned", "gt_field": "ground_truth"})
    assert "6 of these samples have a label in 'ground_truth'" in fields["problem"]["error_message"]
    assert fields["gt_field"]["invalid"] and "gt_field" not in fields["problem"]["error_message"]
    fields = form("finish_labels", explained, {"rule": "learned"})
    assert "“Ground truth”" in fields["problem"]["error_message"]


@pytest.mark.parametrize("name", ["finish_labels", "label_next"])
def test_nothing_applied_is_said(dataset, name):
    assert "apply strategies first" in form(name, dataset)["problem"]["error_message"]


def test_what_to_label_next_is_asked_for_and_tagged(explained):
    fields = form("label_next", explained)
    assert fields["goal"]["default"] == "teach" and fields["gt_field"]["default"] == "ground_truth"
    settle = form("label_next", explained, {"goal": "settle"})
    assert settle["a"]["default"] != settle["b"]["default"] and "problem" not in settle
    same = form("label_next", explained, {"goal": "settle", "a": "yolo_box", "b": "yolo_box"})
    assert same["b"]["invalid"]
    run("label_next", explained, {"goal": "teach", "count": 2, "tag": "mine"})
    explained.reload()
    assert explained.count_sample_tags() == {"mine": 2}
