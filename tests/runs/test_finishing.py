"""One label for each sample, in fields of a person's own."""

import time
from dataclasses import asdict

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest

from prompting.dataset import lock
from prompting.dataset.finals import load_findings
from prompting.dataset.names import StrategyFields
from prompting.dataset.records import recorded
from prompting.dataset.stopping import request_stop
from prompting.errors import Stopped
from prompting.labels.instances import instance_window
from prompting.pixels.masks import intersection, union
from prompting.runs.finish_plan import FinishPlan
from prompting.runs.finishing import finish
from tests.copies import copy_of

FIELDS = StrategyFields.of("sam2", "yolo_box")


@pytest.fixture(scope="module")
def finish_labels():
    return foo.get_operator("@promptlab/sam2-prompting/finish_labels")


@pytest.fixture(scope="module")
def use_as_labels():
    """The name that earlier versions had for the rule of one strategy."""
    return foo.get_operator("@promptlab/sam2-prompting/use_as_labels")


def test_labels_are_the_masks_the_instances_and_the_classes(applied, use_as_labels):
    taken = use_as_labels(applied, "yolo_box", "mine", progress=False)
    assert str(taken) == "6 samples have labels of 'yolo_box' in 'mine' and 'mine_instances'."
    assert applied.mask_targets["mine"] == applied.mask_targets[FIELDS.mask] == {1: "person"}
    for sample in applied:
        assert np.array_equal(sample["mine"].get_mask(), sample[FIELDS.mask].get_mask())
        copies, originals = sample["mine_instances"].detections, sample[FIELDS.instances].detections
        assert [c.label for c in copies] == [o.label for o in originals]
        for copy, original in zip(copies, originals, strict=True):
            assert np.array_equal(copy.mask, original.mask) and copy.bounding_box == original.bounding_box
            assert copy.id != original.id
            assert copy["source"] == "yolo_box"
    assert applied.count("mine_instances.detections") > 0
    assert set(applied.values("mine_source")) == {"yolo_box"} and set(applied.values("mine_status")) == {"to review"}


def test_where_they_came_from_is_recorded_each_time(applied, use_as_labels):
    use_as_labels(applied[:2], "yolo_box", "mine", progress=False)
    use_as_labels(applied[2:], "clip_point", "mine", progress=False)
    first, second = applied.get_run_info("mine_labels").config.sources
    assert (first["strategy"], first["samples"]) == ("yolo_box", 2)
    assert (second["strategy"], second["samples"]) == ("clip_point", 4)
    assert first["parameters"]["sam2_model"] == recorded(applied, "sam2", "yolo_box")["sam2_model"]


def test_labels_are_never_replaced_unasked(applied, use_as_labels):
    use_as_labels(applied[:2], "yolo_box", "mine", progress=False)
    before = applied.values("mine.id")
    with pytest.raises(ValueError, match=r"2 of 6 samples have a label in 'mine' or 'mine_instances'; keep those"):
        use_as_labels(applied, "clip_point", "mine", progress=False)
    assert applied.values("mine.id") == before
    taken = use_as_labels(applied, "clip_point", "mine", overwrite=True, progress=False)
    assert taken.replaced == 2 and applied.count("mine") == 6


def test_an_evaluation_takes_them_as_truth(applied, use_as_labels, evaluate_strategies):
    """Against its own masks a strategy has nothing to lose, and that is said."""
    use_as_labels(applied, "yolo_box", "mine", progress=False)
    for truth in ("mine", "mine_instances"):
        with pytest.warns(UserWarning, match="6 labels of 'mine' were accepted or edited by nobody"):
            table = evaluate_strategies(applied, truth, overwrite=True, progress=False)
        assert table["yolo_box"].mean_iou == pytest.approx(1)
        assert table["clip_point"].mean_iou < 1


def test_samples_without_a_result_are_left_as_they_are(applied, use_as_labels):
    applied[:1].set_values(FIELDS.status, ["error: gone"])
    taken = use_as_labels(applied, "yolo_box", "mine", progress=False)
    assert (len(taken.sample_ids), taken.without) == (5, 1)
    assert applied.first()["mine"] is None


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"strategy": "nobody"}, "Unknown strategy"),
        ({"strategy": "clip_box"}, "no results of 'clip_box'"),
        ({"name": "my labels"}, "can't be a field's name"),
        ({"name": ""}, "can't be a field's name"),
        *[
            ({"name": name}, f"{name!r} can't be a field's name")
            for name in ("_mine", "id_", "my__labels", "pk", "метки")
        ],
        ({"name": "clip_box"}, "'clip_box' is what a strategy is called"),
        ({"strategy": 5}, "Unknown strategy 5"),
        ({"name": "ground_truth"}, "'ground_truth' exists and is of another type; choose another name"),
        ({"name": "tags"}, "'tags' exists and is of another type"),
        ({"name": "sam2_yolo_box"}, "a field of the strategies' results"),
        ({"name": "sam2_clip_box", "overwrite": True}, "a field of the strategies' results"),
        ({"name": "sam2_truth"}, "a field of the strategies' results"),
        ({"prefix": "sam3"}, "with the prefix 'sam3'"),
    ],
)
def test_bad_requests_write_nothing(applied, use_as_labels, params, says):
    before = applied.get_field_schema()
    with pytest.raises(ValueError, match=says):
        use_as_labels(applied, **{"strategy": "yolo_box", "name": "mine", "progress": False, **params})
    assert applied.get_field_schema() == before and "mine_labels" not in applied.list_runs()


def test_the_instances_field_may_be_somebodys_too(applied, use_as_labels):
    applied.add_sample_field("mine_instances", fo.StringField)
    with pytest.raises(ValueError, match="'mine_instances' exists and is of another type; choose another name"):
        use_as_labels(applied, "yolo_box", "mine", progress=False)


def test_labels_of_other_classes_are_not_mixed(applied, use_as_labels):
    use_as_labels(applied[:2], "yolo_box", "mine", progress=False)
    applied.mask_targets["mine"] = {1: "dog"}
    applied.save()
    with pytest.raises(ValueError, match="2 other samples keep labels in 'mine' with the classes 1: dog"):
        use_as_labels(applied[2:], "yolo_box", "mine", progress=False)


def test_a_cascade_takes_the_next_one_where_one_finds_nobody(applied, finish_labels):
    found = [status == "ok" for status in applied.values(FIELDS.status)]
    assert any(found) and not all(found)
    done = finish_labels(applied, "cascade", ["yolo_box", "clip_point"], "mine", progress=False)
    assert str(done).startswith("6 samples have labels by 'cascade' of yolo_box, clip_point in 'mine'")
    assert applied.values("mine_source") == ["yolo_box" if some else "clip_point" for some in found]
    for sample in applied:
        source = StrategyFields.of("sam2", sample["mine_source"])
        assert np.array_equal(sample["mine"].get_mask(), sample[source.mask].get_mask())
        assert sample["mine_expected_iou"] == sample[source.score]


def test_a_strategy_that_failed_gives_way_and_one_that_was_not_applied_does_not(applied, finish_labels):
    applied[:1].set_values(FIELDS.status, ["error: gone"])
    applied[1:2].set_values(FIELDS.status, [None])
    done = finish_labels(applied, "cascade", ["yolo_box", "clip_point"], "mine", progress=False)
    assert applied.values("mine_source")[:2] == ["clip_point", None] and done.without == 1


def test_what_a_person_reviewed_is_replaced_only_when_that_is_asked_for(applied, finish_labels):
    finish_labels(applied, "one", "yolo_box", "mine", progress=False)
    applied[:3].set_values("mine_status", ["accepted", "edited", "to review"])
    again = dict(name="mine", existing="overwrite", progress=False)
    done = finish_labels(applied, "one", "clip_point", **again)
    assert (len(done.sample_ids), done.kept) == (4, 2) and "2 keep the label that they have" in str(done)
    assert applied.values("mine_source") == ["yolo_box"] * 2 + ["clip_point"] * 4
    finish_labels(applied, "one", "clip_point", reviewed=True, **again)
    assert set(applied.values("mine_source")) == {"clip_point"} and set(applied.values("mine_status")) == {"to review"}


def test_what_is_left_is_done_by_the_next_run(applied, finish_labels):
    finish_labels(applied[:2], "one", "yolo_box", "mine", progress=False)
    before = applied.values("mine.id")[:2]
    done = finish_labels(applied, "one", "yolo_box", "mine", existing="skip", progress=False)
    assert (len(done.sample_ids), done.kept) == (4, 2)
    assert applied.values("mine.id")[:2] == before and len(applied.exists("mine")) == 6


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"rule": "vote"}, "Unknown rule 'vote'; choose from one, cascade"),
        ({"strategies": ()}, "Say which strategies' results"),
        ({"strategies": ["yolo_box", "clip_point"]}, "The rule 'one' takes one strategy, not 2"),
        ({"existing": "keep"}, "existing must be one of error, skip, overwrite, not 'keep'"),
        ({"rule": "cascade", "strategies": ["yolo_box", "clip_box"]}, "no results of 'clip_box'"),
    ],
)
def test_a_request_that_means_nothing_writes_nothing(applied, finish_labels, params, says):
    before = applied.get_field_schema()
    with pytest.raises(ValueError, match=says):
        finish_labels(applied, **{"strategies": "yolo_box", "name": "mine", "progress": False, **params})
    assert applied.get_field_schema() == before and "mine_labels" not in applied.list_runs()


@pytest.fixture(scope="module")
def partly_labelled_once(applied_once):
    """Twelve samples, of which nine have a truth in ``checked``; two strategies' results."""
    dataset = copy_of(applied_once)
    dataset.add_samples([sample.copy() for sample in dataset])
    truths = [label.copy() for label in dataset.values("ground_truth")]
    dataset.set_values("checked", [*truths[:9], None, None, None])
    yield dataset
    dataset.delete()


@pytest.fixture
def partly_labelled(partly_labelled_once):
    dataset = copy_of(partly_labelled_once)
    yield dataset
    dataset.delete()


@pytest.mark.parametrize("rule", ["one", "cascade", "union", "learned"])
def test_with_a_truth_all_rules_are_tried_and_what_they_promise_is_told(partly_labelled, finish_labels, rule):
    done = finish_labels(partly_labelled, rule, name="mine", gt_field="checked", progress=False)
    assert set(done.trial.ious) == {"one", "cascade", "union", "learned"}
    assert all(len(ious) == 9 for ious in done.trial.ious.values())
    assert (done.promise.pictures, done.promise.labelled) == (3, 9)
    assert done.promise.low <= done.promise.mean <= done.promise.high
    assert "Rules on 9 labelled pictures" in str(done) and "random draw of all" in str(done)
    expected = partly_labelled.values("mine_expected_iou")
    assert len(partly_labelled.exists("mine")) == 12 and all(0 <= one <= 1 for one in expected)
    found = load_findings(partly_labelled, "mine")
    assert found.expected == pytest.approx(expected[:9], abs=1e-6)
    assert found.true == pytest.approx(done.trial.ious[rule], abs=1e-6)
    for sample in partly_labelled:
        sources = sample["mine_source"].split(", ")
        assert {one["source"] for one in sample["mine_instances"].detections} <= set(sources)
        assert set(sources) <= {"yolo_box", "clip_point"}


def test_where_all_samples_have_them_they_are_a_row_of_every_table(partly_labelled, finish_labels, evaluate_strategies):
    done = finish_labels(partly_labelled, "union", name="mine", gt_field="checked", progress=False)
    table = evaluate_strategies(partly_labelled, "checked", progress=False)
    assert {row.strategy for row in table} == {"yolo_box", "clip_point", "mine"}
    assert table["mine"].mean_iou == pytest.approx(done.trial.ious["union"].mean(), abs=1e-6)
    alone = evaluate_strategies(partly_labelled, "checked", strategies=["yolo_box"], overwrite=True, progress=False)
    assert [row.strategy for row in alone] == ["yolo_box"]


def test_a_copys_row_is_the_row_of_what_it_copies_and_labels_finished_from_it_are_the_same(
    partly_labelled, finish_labels, evaluate_strategies
):
    finish_labels(partly_labelled, "one", "yolo_box", "mine", progress=False)
    table = evaluate_strategies(partly_labelled, "checked", progress=False)
    mine, theirs = (asdict(table[name]) for name in ("mine", "yolo_box"))
    assert {**mine, "strategy": None, "difference": None} == {**theirs, "strategy": None, "difference": None}
    assert mine["difference"] and mine["difference"]["mean"] == theirs["difference"]["mean"]
    told = foo.get_operator("@promptlab/sam2-prompting/label_next").settled(partly_labelled)
    assert {told.better, told.worse} == {"yolo_box", "clip_point"}  # a copy is no better than what it copies
    scored = partly_labelled.exists("checked")
    finish_labels(scored, "one", "mine", "again", progress=False)
    for sample in scored:
        given, got = (sample[name].detections for name in (FIELDS.instances, "again_instances"))
        for name in ("label", "bounding_box", "confidence", "prior_confidence"):
            assert [one[name] for one in got] == [one[name] for one in given]
        assert all(np.array_equal(one.mask, other.mask) for one, other in zip(got, given, strict=True))


def test_a_union_shows_nobody_twice(partly_labelled, finish_labels):
    finish_labels(partly_labelled, "union", ["yolo_box", "clip_point"], "mine", progress=False)
    for sample in partly_labelled:
        mask = sample["mine"].get_mask()
        windows = [instance_window(one, *mask.shape) for one in sample["mine_instances"].detections]
        assert (mask > 0).sum() == (union(windows).area if windows else 0)
        for i, one in enumerate(windows):
            for other in windows[:i]:
                assert intersection(one, other) < 0.5 * min(one.area, other.area)


def test_what_was_left_gets_the_label_that_it_would_have_had(partly_labelled, finish_labels):
    whole = copy_of(partly_labelled)
    asked = dict(rule="learned", name="mine", gt_field="checked", progress=False)
    finish_labels(whole, **asked)
    finish_labels(partly_labelled, **asked)
    some = partly_labelled[4:8]
    for field in ("mine", "mine_instances", "mine_source", "mine_expected_iou", "mine_status"):
        some.set_values(field, [None] * 4)
    finish_labels(partly_labelled, existing="skip", **asked)
    for field in ("mine_source", "mine_expected_iou"):
        assert partly_labelled.values(field) == whole.values(field)
    whole.delete()


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"rule": "learned"}, "learns from samples that have a truth"),
        ({"gt_field": "nothing"}, "There is no label field 'nothing'"),
        ({"gt_field": "ground_truth"}, "6 of these samples have a label in 'ground_truth' and results"),
        ({"gt_field": "ground_truth", "name": "ground_truth"}, "can't be written over the truth"),
        ({"gt_field": "sam2_yolo_box"}, "is a result of 'yolo_box', which would be perfect by itself"),
    ],
)
def test_a_truth_that_teaches_nothing_is_refused(applied, finish_labels, params, says):
    with pytest.raises(ValueError, match=says):
        finish_labels(applied, **{"strategies": "yolo_box", "name": "mine", "progress": False, **params})
    assert "mine_labels" not in applied.list_runs()


def test_a_run_that_is_stopped_leaves_whole_samples(partly_labelled, monkeypatch):
    monkeypatch.setattr(lock, "RENEW_SECONDS", 0.02)
    plan, done = FinishPlan("one", "yolo_box", name="mine"), 0
    with pytest.raises(Stopped, match="of 12 samples have their labels; to do the others, finish the same again"):
        for step in finish(partly_labelled, plan):
            done = step.done
            if done == 5:
                request_stop(partly_labelled)
                time.sleep(0.5)  # the lock's thread hears of it
    assert len(partly_labelled.exists("mine")) == len(partly_labelled.exists("mine_status")) == done < 12


def test_what_is_expected_to_be_good_is_accepted_without_a_look_and_may_be_replaced(partly_labelled, finish_labels):
    asked = dict(name="mine", gt_field="checked", progress=False)
    finish_labels(partly_labelled, "union", **asked)
    middle = float(np.median(partly_labelled.values("mine_expected_iou")))
    done = finish_labels(partly_labelled, "union", accept_from=middle, existing="overwrite", **asked)
    expected = np.array(partly_labelled.values("mine_expected_iou"))
    accepted = np.array(partly_labelled.values("mine_status")) == "accepted"
    assert np.array_equal(accepted, expected >= middle) and accepted.sum() > 0
    assert done.promises[1].pictures == accepted[9:].sum() and "accepted masks" in str(done)
    again = finish_labels(partly_labelled, "union", existing="overwrite", **asked)
    assert again.kept == 0  # no person accepted them


def test_a_strategy_that_the_rest_lacks_tells_nothing_of_it(partly_labelled, finish_labels):
    """As after a comparison on the labelled part, and applying the winner to all others."""
    partly_labelled[9:].set_values("sam2_clip_point_status", [None] * 3)
    done = finish_labels(partly_labelled, "one", "yolo_box", "mine", gt_field="checked", progress=False)
    assert done.looked_at == ("yolo_box",) and done.promise.pictures == 3
    assert len(partly_labelled.exists("mine_expected_iou")) == 12
    all_of_both = finish_labels(partly_labelled, "cascade", name="both", gt_field="checked", progress=False)
    assert (len(all_of_both.sample_ids), all_of_both.without) == (9, 3)


def test_only_strategies_that_are_named_become_labels(partly_labelled, finish_labels):
    dataset = partly_labelled
    for field in ("", "_instances", "_status", "_score"):
        dataset.clone_sample_field(f"sam2_yolo_box{field}", f"sam2_clip_box{field}")  # a third one, as good as the best
    dataset.mask_targets["sam2_clip_box"] = dataset.mask_targets["sam2_yolo_box"]
    dataset.save()
    dataset.set_values("sam2_yolo_box_status", ["no_prompt"] * 12)
    named = ["yolo_box", "clip_point"]
    for rule in ("union", "learned"):
        done = finish_labels(dataset, rule, named, f"by_{rule}", gt_field="checked", progress=False)
        assert set(done.looked_at) == {*named, "clip_box"}
        sources = {one for source in dataset.values(f"by_{rule}_source") for one in source.split(", ")}
        assert sources <= set(named)
