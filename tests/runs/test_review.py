"""Reviewing labels: each decision is one change that can be taken back, and the strategies' own fields never change."""

import warnings

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest

from prompting.dataset.names import ACCEPTED, EDITED, SENT, TO_REVIEW, FinalFields, StrategyFields
from prompting.runs.review import Review
from tests.copies import copy_of

PLUGIN = "@promptlab/sam2-prompting"
FIELDS, CLIP = FinalFields.of("labels"), StrategyFields.of("sam2", "clip_point")
TIMES = {"last_modified_at"}
EXPECTED = [0.9, 0.3, 0.8, 0.5, 0.7, 0.6]


@pytest.fixture(scope="module")
def finished_once(applied_once):
    """Labels of yolo_box on six photographs, with an expected IoU each; clone it."""
    dataset = copy_of(applied_once)
    foo.get_operator(f"{PLUGIN}/finish_labels")(dataset, strategies="yolo_box", progress=False)
    dataset.set_values(FIELDS.expected_iou, EXPECTED)
    yield dataset
    dataset.delete()


@pytest.fixture
def finished(finished_once):
    dataset = copy_of(finished_once)
    yield dataset
    dataset.delete()


@pytest.fixture
def review(finished):
    return foo.get_operator(f"{PLUGIN}/review_labels")(finished)


@pytest.fixture
def crowded(finished):
    """The id of the photograph with the most instances."""
    counts = [len(found) for found in finished.values(f"{FIELDS.instances}.detections.id")]
    assert max(counts) > 1
    return finished.values("id")[int(np.argmax(counts))]


def documents(dataset: fo.Dataset) -> list[dict]:
    """Every sample as the database has it, but for when it was changed."""
    return [{k: v for k, v in doc.items() if k not in TIMES} for doc in dataset._sample_collection.find().sort("_id")]


def strategies(dataset: fo.Dataset) -> list[dict]:
    return [{k: v for k, v in doc.items() if k.startswith("sam2_")} for doc in documents(dataset)]


def mask_of(dataset: fo.Dataset, sample_id: str, field: str = FIELDS.mask) -> np.ndarray:
    return dataset[sample_id][field].get_mask()


def test_the_worst_expected_comes_first_and_what_is_decided_is_not_asked_again(review, finished):
    ids = finished.values("id")
    worst_first = [ids[i] for i in np.argsort(EXPECTED)]
    assert review.queue() == worst_first
    review.accept(worst_first[0])
    review.take(worst_first[1], "clip_point")
    review.annotate(worst_first[2])
    assert review.queue() == worst_first[3:]
    assert str(review) == ("3 of 6 pictures of 'labels' are decided: 1 accepted, 1 edited, 1 sent to annotation.")
    states = dict(zip(ids, finished.values(FIELDS.status)))
    assert [states[one] for one in worst_first[:4]] == [ACCEPTED, EDITED, TO_REVIEW, TO_REVIEW]


def test_next_goes_on_in_the_queue_and_round_its_end(review, finished):
    first, second, *_, last = review.queue()
    assert review.after(None) == first and review.after(first) == second and review.after(last) == first
    for one in review.queue()[1:]:
        review.accept(one)
    assert review.after(first) is None and review.after(second) == first


def test_where_it_was_left_is_in_the_dataset(review, finished):
    review.accept(review.queue()[0])
    finished.reload()
    assert Review(fo.load_dataset(finished.name)).queue() == review.queue()
    with pytest.raises(ValueError, match="There are no samples in this view"):
        Review(finished.match_tags("nothing"))
    assert Review(finished.limit(2).select_fields("filepath")).standing().total == 2  # whatever the view hides


def test_accepting_twice_is_accepting_once(review):
    first = review.queue()[0]
    assert review.accept(first).what == "accepted"
    assert review.accept(first) is None
    review.undo()
    assert review.queue()[0] == first and review.undo() is None


def test_another_strategys_masks_are_copied(review, finished, crowded):
    review.take(crowded, "clip_point")
    sample = finished[crowded]
    assert np.array_equal(mask_of(finished, crowded), mask_of(finished, crowded, CLIP.mask))
    assert [one.mask.tobytes() for one in sample[FIELDS.instances].detections] == [
        one.mask.tobytes() for one in sample[CLIP.instances].detections
    ]
    assert {one["source"] for one in sample[FIELDS.instances].detections} == {"clip_point"}
    assert sample[FIELDS.mask].id != sample[CLIP.mask].id
    assert (sample[FIELDS.source], sample[FIELDS.status]) == ("clip_point", EDITED)
    assert sample[FIELDS.expected_iou] is None  # it was expected of other masks


def test_a_dropped_instance_leaves_what_lies_beneath(review, finished, crowded):
    from prompting.labels.instances import instance_mask

    before = mask_of(finished, crowded)
    dropped, *others = finished[crowded][FIELDS.instances].detections
    review.drop(crowded, dropped.id)
    sample = finished[crowded]
    after = mask_of(finished, crowded)
    assert [one.id for one in sample[FIELDS.instances].detections] == [one.id for one in others]
    beneath = np.any([instance_mask(one, *before.shape) for one in others], axis=0)
    gone = instance_mask(dropped, *before.shape)
    assert np.array_equal(after, np.where(gone & ~beneath, 0, before)) and not np.array_equal(after, before)
    review.drop(crowded, *(one.id for one in others))
    assert not mask_of(finished, crowded).any() and finished[crowded][FIELDS.status] == EDITED


def test_every_decision_is_taken_back_to_the_byte_the_last_one_first(review, finished, crowded):
    states, ids = [documents(finished)], finished.values("id")
    others = [one for one in ids if one != crowded]
    for decide in (
        lambda: review.drop(crowded, finished[crowded][FIELDS.instances].detections[0].id),
        lambda: review.take(crowded, "clip_point"),
        lambda: review.accept(others[0]),
        lambda: review.annotate(others[1]),
        lambda: review.drop(crowded, finished[crowded][FIELDS.instances].detections[0].id),
        lambda: review.take(others[2], "clip_point"),
    ):
        decide()
        states.append(documents(finished))
    assert strategies(finished) == [{k: v for k, v in doc.items() if k.startswith("sam2_")} for doc in states[0]]
    while len(states) > 1:
        assert documents(finished) == states.pop()
        assert review.undo() is not None
    assert documents(finished) == states[0] and review.undo() is None


def test_what_somebody_changed_since_is_not_undone(review, finished, crowded):
    first = next(one for one in finished.values("id") if one != crowded)
    review.accept(first)
    review.take(crowded, "clip_point")
    sample = finished[crowded]
    sample[FIELDS.instances].detections[0].label = "someone"
    sample.save()
    with pytest.raises(ValueError, match="its label was changed by something else since"):
        review.undo()
    assert finished[crowded][FIELDS.instances].detections[0].label == "someone"
    assert review.undo().sample_id == first


def test_a_tag_of_a_persons_own_is_not_taken_back(review, finished):
    first, second = review.queue()[:2]
    sample = finished[first]
    sample.tags.append(SENT)
    sample.save()
    assert review.annotate(first) is None and review.queue()[0] == second
    review.annotate(second)
    finished.untag_samples(SENT)
    assert review.undo() is None  # nothing is left of it
    assert review.queue()[:2] == [first, second]


def test_what_somebody_deleted_of_a_strategy_is_offered_no_more(review, finished):
    one = review.queue()[0]
    finished.delete_sample_fields(["sam2_clip_point", "labels_instances", "labels_status"])
    assert [other.strategy for other in review.look(one).others] == ["yolo_box"]
    assert not review.look(one).instances and not review.masks(one).instances
    for ask in (lambda: review.take(one, "clip_point"), lambda: review.masks(one, ("sam2", "clip_point"))):
        with pytest.raises(ValueError, match="Fields of 'clip_point' were deleted"):
            ask()
    assert review.accept(one) and review.standing().accepted == 1 and review.undo() and review.queue()[0] == one


def test_labels_that_nobody_decided_on_are_no_truth_without_a_word(review, finished, evaluate_strategies):
    with pytest.warns(UserWarning, match="6 labels of 'labels' were accepted or edited by nobody"):
        evaluate_strategies(finished, "labels", progress=False)
    for one in review.queue():
        review.accept(one)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluate_strategies(finished, "labels", overwrite=True, progress=False)


def test_labels_whose_record_stayed_behind_get_a_new_one(finished):
    copy = finished.limit(3).clone()
    with pytest.raises(ValueError, match=r"have no record.*finish into them again with existing='skip'"):
        foo.get_operator(f"{PLUGIN}/review_labels")(copy)
    foo.get_operator(f"{PLUGIN}/finish_labels")(copy, strategies="yolo_box", existing="skip", progress=False)
    assert len(foo.get_operator(f"{PLUGIN}/review_labels")(copy)) == 3
    copy.delete()


def test_pictures_that_were_tagged_as_the_worst_are_reviewed_like_others(review, finished):
    foo.get_operator("@promptlab/sam2-prompting/tag_worst")(finished, "yolo_box", count=2, progress=False)
    assert len(review.queue()) == len(finished) and not review.standing().sent


def test_what_waits_for_annotation_is_no_longer_accepted(review, finished):
    first, second = review.queue()[:2]
    review.accept(first)
    review.annotate(first)
    review.annotate(second)
    assert (review.standing().accepted, review.standing().sent) == (0, 2)  # as many as would be sent
    finished.untag_samples(SENT)
    assert (review.standing().accepted, review.standing().sent) == (1, 0)


def test_who_decides_on_what_somebody_else_just_changed_is_told(review, finished, monkeypatch):
    first = review.queue()[0]
    raw = review._labels.raw(first)
    monkeypatch.setattr(review._labels, "raw", lambda _: raw)  # read before the other one wrote
    Review(finished).take(first, "clip_point")
    states = documents(finished)
    with pytest.raises(ValueError, match="was changed by somebody else just now"):
        review.accept(first)
    assert documents(finished) == states and review.undo() is None  # it is another's to take back
    assert review.undo(anybodys=True).what == "replaced by clip_point's"


def test_a_decision_that_was_never_carried_out_is_passed_over(review, finished, monkeypatch):
    """The process ended after the decision was written down, and before the sample was changed."""
    first, second = review.queue()[:2]
    review.accept(first)
    monkeypatch.setattr(review._labels, "update", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        review.accept(second)
    monkeypatch.undo()
    assert review.undo().sample_id == first and review.undo() is None


@pytest.mark.parametrize(
    ("decide", "says"),
    [
        (lambda review, one: review.take(one, "clip_box"), "no results of 'clip_box'"),
        (lambda review, one: review.take(one, "nobody"), "Unknown strategy"),
        (lambda review, one: review.drop(one, "0" * 24), "has no such instances"),
        (lambda review, one: review.drop(one), "has no such instances"),
        (lambda review, one: review.accept("0" * 24), "There is no sample"),
        (lambda review, one: review.accept("no id"), "There is no sample"),
    ],
)
def test_what_can_not_be_decided_changes_nothing(review, finished, decide, says):
    states, first = documents(finished), review.queue()[0]
    with pytest.raises(ValueError, match=says):
        decide(review, first)
    assert documents(finished) == states and review.undo() is None


def test_masks_that_are_missing_or_mean_something_else_are_not_taken(review, finished):
    first, second = review.queue()[:2]
    sample = finished[first]
    sample[CLIP.status] = "error: gone"
    sample.save()
    with pytest.raises(ValueError, match="'clip_point' has no result for"):
        review.take(first, "clip_point")
    finished.mask_targets[CLIP.mask] = {1: "dog"}
    finished.save()
    with pytest.raises(ValueError, match="'clip_point' have the classes"):
        review.take(second, "clip_point")
    assert {other.strategy for other in review.look(first).others} == {"yolo_box"}


def test_a_look_says_what_there_is_to_choose_from(review, finished, crowded):
    look = review.look(crowded)
    count = len(finished[crowded][FIELDS.instances].detections)
    overlap = {other.strategy: other.overlap for other in look.others}
    assert (look.status, look.source, look.sent, len(look.instances)) == (TO_REVIEW, "yolo_box", False, count)
    assert overlap["yolo_box"] == 1 and overlap["clip_point"] < 1
    assert {one.source for one in look.instances} == {"yolo_box"}


def test_labels_of_an_earlier_version_are_reviewed_too(finished):
    """They have no status, no source and no expected IoU."""
    finished.delete_sample_fields([FIELDS.status, FIELDS.source, FIELDS.expected_iou])
    review, states = Review(finished), documents(finished)
    assert review.queue() == finished.values("id")
    first, second = review.queue()[:2]
    review.accept(first)
    review.take(second, "clip_point")
    assert finished.values(FIELDS.status)[:3] == [ACCEPTED, EDITED, None]
    while review.undo():
        pass
    assert documents(finished) == states


def test_only_labels_of_the_plugins_own_are_reviewed(applied):
    with pytest.raises(ValueError, match="There are no labels 'ground_truth'; finish some first"):
        Review(applied, "ground_truth")


@pytest.mark.parametrize("tag", ["", "  ", None, 5])
def test_a_tag_that_is_none_is_refused_before_a_sample_is_lost_by_it(finished_once, tag):
    with pytest.raises(ValueError, match="The tag needs a name"):
        Review(finished_once, tag=tag)


@pytest.mark.parametrize("sample", [None, 5, ["a"]])
def test_what_is_no_sample_is_refused(finished_once, sample):
    with pytest.raises(ValueError, match="on a sample or on its id"):
        Review(finished_once).accept(sample)


def test_instances_are_named_as_they_are_or_by_their_ids_and_a_decision_is_printed_in_a_line(review, crowded, finished):
    first, second, *_ = finished[crowded][FIELDS.instances].detections
    with pytest.raises(ValueError, match="no such instances"):
        review.drop(crowded, [first.id, second.id])
    decision = review.drop(crowded, first, second.id)
    assert str(decision) == f"{crowded} was edited: 2 instances dropped." and len(repr(decision)) < 300
