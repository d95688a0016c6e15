"""Which pictures to label next, and whether it takes any more."""

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest

from prompting.dataset.next_labels import load_order
from prompting.dataset.proposed import note_proposed
from prompting.runs.removal import remove_results
from tests.copies import copy_of


@pytest.fixture(scope="module")
def label_next():
    return foo.get_operator("@promptlab/sam2-prompting/label_next")


@pytest.fixture(scope="module")
def copies_once(applied_once):
    """Six pictures and their copies."""
    dataset = copy_of(applied_once)
    dataset.add_samples([sample.copy() for sample in dataset])
    yield dataset
    dataset.delete()


@pytest.fixture
def copies(copies_once):
    dataset = copy_of(copies_once)
    yield dataset
    dataset.delete()


def test_those_that_teach_most_are_tagged_and_no_copy_of_them(copies, label_next):
    chosen = label_next(copies, count=6, progress=False)
    assert len(chosen.sample_ids) == 6 == copies.count_sample_tags()["label next"]
    files = copies.select(chosen.sample_ids).values("filepath")
    assert len(set(files)) == 6  # one of each pair
    assert "6 samples of 12 without a label tagged 'label next'; 0 are labelled" in str(chosen)


def test_what_is_labelled_or_tagged_already_is_not_chosen_nor_is_its_copy(copies, label_next):
    ids = copies.values("id")
    copies.set_values("checked", [label.copy() for label in copies.values("ground_truth")[:3]] + [None] * 9)
    first = label_next(copies, count=2, gt_field="checked", progress=False)
    second = label_next(copies, count=1, gt_field="checked", progress=False)
    files = dict(zip(ids, copies.values("filepath")))
    chosen = [files[one] for one in (*first.sample_ids, *second.sample_ids)]
    assert len(set(chosen)) == 3 and not set(chosen) & {files[one] for one in ids[:3]}
    assert first.labelled == 3 and copies.count_sample_tags()["label next"] == 3
    assert second.waiting == 2 and "3 are labelled, and 2 had the tag already." in str(second)


def test_a_worse_expectation_comes_first(copies, label_next):
    finish = foo.get_operator("@promptlab/sam2-prompting/finish_labels")
    finish(copies, "one", "yolo_box", "mine", progress=False)
    expected = [1.0] * 12
    expected[4] = 0.0
    copies.set_values("mine_expected_iou", expected)
    assert label_next(copies, count=1, progress=False).sample_ids == (copies.values("id")[4],)


def test_those_that_settle_come_in_an_order_that_is_kept(copies, label_next, evaluate_strategies):
    asked = dict(goal="settle", a="yolo_box", b="clip_point", progress=False)
    first = label_next(copies, count=7, **asked)  # nobody has labelled any, and there is no field for it
    draw = load_order(copies).draw
    assert first.sample_ids == draw.ids[:7] and first.enough is None
    assert (draw.distances[:7] > 0).all()
    truth = dict(zip(copies.values("id"), copies.values("ground_truth")))
    copies.set_values("checked", {one: truth[one].copy() for one in first.sample_ids}, key_field="id")
    evaluate_strategies(copies, "checked", progress=False)
    second = label_next(copies, count=2, gt_field="checked", **asked)
    differing = [one for one, distance in zip(draw.ids, draw.distances) if distance > 0]
    assert second.sample_ids == tuple(differing[7:9]) and load_order(copies).draw.ids == draw.ids
    assert second.enough.labelled == 7 and "by what 7 labelled ones tell" in str(second)
    assert label_next.settled(copies) == second.enough
    copies.delete_samples([draw.ids[0]])  # a gap in the order that nobody can fill
    third = label_next(copies, count=1, gt_field="checked", **asked)
    assert third.sample_ids == tuple(differing[9:10]) and third.enough.labelled == 6
    assert third.enough.high - third.enough.low < 2 * draw.distances[1:].sum() / 11  # those after it speak for others
    list(remove_results(copies))
    assert load_order(copies) is None


def test_what_a_person_decided_on_in_a_review_is_labelled(copies, label_next):
    foo.get_operator("@promptlab/sam2-prompting/finish_labels")(copies, "one", "yolo_box", progress=False)
    review, ids = foo.get_operator("@promptlab/sam2-prompting/review_labels")(copies), copies.values("id")
    for one in ids[:4]:
        review.accept(one)
    for gt_field in (None, "labels"):
        told = label_next(copies, count=12, tag=f"by {gt_field}", gt_field=gt_field, progress=False)
        assert set(told.sample_ids) == set(ids[4:]) and told.labelled == 4


def test_without_an_order_the_best_two_of_the_table_are_compared(explained, label_next):
    told = label_next.settled(explained)
    iou = np.array(explained.values(["sam2_eval_yolo_box_iou", "sam2_eval_clip_point_iou"]))
    assert told.better == "yolo_box" and told.difference == pytest.approx((iou[0] - iou[1]).mean())
    assert told.settled  # all are labelled


def test_without_an_order_only_a_random_draw_speaks_for_the_others_and_in_no_datasets_order(explained, label_next):
    ids, (ours, theirs) = explained.values("id"), ("sam2_eval_yolo_box_iou", "sam2_eval_clip_point_iou")
    explained.set_values(ours, [1.0, 1.0, 0.2, 0.2, 0.2, None])
    explained.set_values(theirs, [0.5, 0.5, 0.4, 0.4, 0.4, None])
    explained.add_samples([fo.Sample(f"not applied {i}.png") for i in range(3)])
    told = label_next.settled(explained)
    assert (told.labelled, told.pictures, told.better) == (5, 6, "yolo_box")
    note_proposed(explained, "sam2", ids[:2])
    told = label_next.settled(explained)
    assert (told.labelled, told.better) == (5, "yolo_box") and told.difference == pytest.approx((2 * 0.5 - 4 * 0.2) / 6)


def test_what_is_left_ranks_where_somebody_deleted_fields(applied, label_next):
    foo.get_operator("@promptlab/sam2-prompting/finish_labels")(applied, "one", "yolo_box", progress=False)
    applied.delete_sample_fields(["labels_expected_iou", "sam2_clip_point", "sam2_yolo_box_score"])
    assert len(label_next(applied, count=np.int64(2), progress=False).sample_ids) == 2
    with pytest.raises(ValueError, match="has masks of both 'yolo_box' and 'clip_point'"):
        label_next(applied, "settle", a="yolo_box", b="clip_point", progress=False)


def test_what_is_no_dataset_is_said_by_whatever_reads_one(label_next):
    sweep = foo.get_operator("@promptlab/sam2-prompting/sweep_strategies")
    for ask in (label_next.settled, sweep.last):
        with pytest.raises(ValueError, match="needs a FiftyOne dataset or view, not 'mine'"):
            ask("mine")


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"goal": "shine"}, "Unknown goal 'shine'"),
        ({"seed": -1}, "seed must be a whole number of 0 or more"),
        ({"gt_field": 5}, "no label field 5"),
        ({"count": 0}, "count must be a whole number above 0"),
        ({"tag": " "}, "The tag needs a name"),
        ({"goal": "settle"}, "Say which two strategies"),
        ({"goal": "settle", "a": "yolo_box", "b": "yolo_box"}, "as good as itself"),
        ({"goal": "settle", "a": "yolo_box", "b": "clip_box"}, "no results of 'clip_box'"),
        ({"gt_field": "grund_truth"}, "no label field 'grund_truth'.*is it 'ground_truth' that is meant"),
        ({"gt_field": "filepath"}, "no label field 'filepath'"),
        ({"prefix": "sam3"}, "takes finished labels, or two strategies"),
    ],
)
def test_bad_requests_tag_nothing(applied, label_next, params, says):
    with pytest.raises(ValueError, match=says):
        label_next(applied, **{"progress": False, **params})
    assert not applied.count_sample_tags()
