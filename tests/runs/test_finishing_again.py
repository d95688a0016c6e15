"""Labels that are there when others are finished: whose they are, what is decided on them, what is said of them."""

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest

from prompting.dataset import saving
from prompting.dataset.proposed import proposed
from prompting.runs import crew
from prompting.runs.crew import _Alone
from prompting.runs.finish_plan import FinishPlan
from prompting.runs.finished import Finished
from prompting.runs.finishing import finish as steps_of
from prompting.runs.outlining import outline_labels
from prompting.runs.review import Review
from tests.copies import copy_of
from tests.runs.discs import discs, iou

finish = foo.get_operator("@promptlab/sam2-prompting/finish_labels")
COUNT, LABELLED = 60, 20


@pytest.fixture(scope="module")
def discs_once():
    dataset = discs(COUNT, LABELLED, strategies={"yolo_box": (0.0, 0.5), "clip_point": (0.3, 6.0)})
    yield dataset
    dataset.delete()


@pytest.fixture
def dataset(discs_once):
    clone = copy_of(discs_once)
    yield clone
    clone.delete()


def test_what_is_promised_is_of_the_labels_alone_that_this_finishing_made(dataset):
    finish(dataset[COUNT - 30 :], "one", "clip_point", progress=False)  # a bad rule, before there was a truth
    asked = dict(gt_field="gt", existing="skip", accept_from=0.5, progress=False)
    done = finish(dataset, "one", "yolo_box", **asked)
    assert (done.kept, done.promise.pictures, done.promise.besides) == (30, COUNT - 30 - LABELLED, 30)
    assert "30 other labels without a truth, of earlier finishings or edited, are not spoken for" in str(done)
    truly = np.mean([iou(sample) for sample in dataset[LABELLED : COUNT - 30]])
    assert done.promise.low <= truly <= done.promise.high
    again = finish(dataset, "one", "yolo_box", **asked)  # the same of the same: still spoken for
    assert (again.promise.mean, again.promise.pictures) == (done.promise.mean, done.promise.pictures)
    assert done.promises[1].pictures == len(dataset[LABELLED:].match(fo.ViewField("labels_status") == "accepted"))
    other = finish(dataset, "one", "yolo_box", **{**asked, "accept_from": 0.9})
    assert other.promise.pictures == done.promise.pictures and other.promises[1].pictures == 0


@pytest.mark.parametrize(("existing", "reviewed"), [("overwrite", False), ("overwrite", True), ("skip", False)])
def test_what_a_person_decides_while_labels_are_finished_stays(dataset, existing, reviewed, monkeypatch):
    monkeypatch.setattr(saving, "SAVE_EVERY_SECONDS", 0.0)
    first, last = dataset[:1], dataset[-1:]
    finish(dataset if existing == "overwrite" else first, "one", "clip_point", progress=False)
    ended, last_id = None, last.first().id
    for step in steps_of(dataset, FinishPlan("one", "yolo_box", existing=existing, reviewed=reviewed)):
        if getattr(step, "done", None) == 10:
            if existing == "overwrite":
                Review(dataset).take(last_id, "clip_point")
            else:
                last.set_values("labels", [fo.Segmentation(mask=np.ones((30, 40), np.uint8))])
            meant = dataset._sample_collection.find_one({"_id": last.first()._id})
        ended = step
    assert isinstance(ended, Finished) and ended.meanwhile == 1 and last_id not in ended.sample_ids
    assert "1 of them one of somebody's during this run" in str(ended)
    assert dataset._sample_collection.find_one({"_id": last.first()._id}) == meant
    assert len(dataset.match(fo.ViewField("labels_source") == "yolo_box")) == len(ended.sample_ids)


def test_a_person_accepts_what_was_accepted_for_what_is_expected_of_it(dataset):
    finish(dataset, "one", "yolo_box", gt_field="gt", accept_from=0.01, progress=False)
    review, ids = Review(dataset), dataset.values("id")
    standing = review.standing()
    assert (standing.accepted, standing.decided, standing.unseen, standing.left) == (0, 0, COUNT, 0)
    assert (
        str(review)
        == f"0 of {COUNT} pictures of 'labels' are decided; {COUNT} of the others accepted for their expected IoU."
    )
    assert review.look(ids[0]).unseen and review.accept(ids[0]).what == "accepted" and review.accept(ids[0]) is None
    review.accept(ids[1])
    review.undo()
    review.annotate(ids[2])
    standing = review.standing()
    assert (standing.accepted, standing.sent, standing.unseen, standing.left) == (1, 1, COUNT - 2, 0)
    done = finish(dataset, "one", "clip_point", existing="overwrite", progress=False)
    assert (
        done.kept == 1 and dataset[ids[0]].labels_source == "yolo_box" and dataset[ids[1]].labels_source == "clip_point"
    )


def test_a_cascade_needs_its_next_one_where_the_first_found_nobody(dataset):
    """As people do it: the cheap one for all pictures, the dear one for the rest of them."""
    nobody = [3, 40]
    dataset.set_values("sam2_yolo_box_status", ["no_prompt" if i in nobody else "ok" for i in range(COUNT)])
    for i in nobody:
        dataset[i : i + 1].set_values("sam2_yolo_box_instances", [fo.Detections()])
    others = dataset.select([one for i, one in enumerate(dataset.values("id")) if i not in nobody])
    for field in ("", "_instances", "_status"):
        others.set_values(f"sam2_clip_point{field}", [None] * len(others))
    order = ["yolo_box", "clip_point"]
    done = finish(dataset, "cascade", order, gt_field="gt", progress=False)
    assert (len(done.sample_ids), done.without, set(done.trial.ious)) == (COUNT, 0, {"one", "cascade"})
    assert len(done.trial.ious["one"]) == LABELLED and done.promise.pictures == COUNT - LABELLED
    sources = dataset.values("labels_source")
    assert [i for i, source in enumerate(sources) if source == "clip_point"] == nobody
    assert len(finish(dataset, "union", order, "both", progress=False).sample_ids) == len(nobody)
    dataset[3:4].set_values("sam2_clip_point_status", [None])
    assert finish(dataset, "cascade", order, "most", progress=False).without == 1


def test_where_the_rules_strategy_failed_there_is_no_label_and_nothing_is_promised_of_it(dataset):
    """Named or not: what is promised is of masks that are there, and those are told that aren't, with the reason."""
    broken = [2, 7, 30, 41, 55]
    dataset.set_values("sam2_yolo_box_status", ["error: broken" if i in broken else "ok" for i in range(COUNT)])
    for field in ("sam2_yolo_box", "sam2_yolo_box_instances"):
        values = dataset.values(field)
        dataset.set_values(field, [None if i in broken else value for i, value in enumerate(values)])
    told = {}
    for name, strategy in (("named", "yolo_box"), ("unnamed", ())):
        done = told[name] = finish(dataset, "one", strategy, name, gt_field="gt", progress=False)
        assert len(done.sample_ids) == len(dataset.exists(name)) == COUNT - 5 and done.without == done.broken == 5
        assert "5 lack a result and were left as they are: a strategy failed there. Apply it again" in str(done)
        assert done.promise.labelled == LABELLED - 2 and done.promise.pictures == COUNT - LABELLED - 3
    assert told["unnamed"].promise.mean == pytest.approx(told["named"].promise.mean, abs=0.02)
    done = finish(dataset, "cascade", ["yolo_box", "clip_point"], "both", progress=False)
    assert len(done.sample_ids) == COUNT and "lack" not in str(done)


def test_a_view_that_hides_instances_chooses_pictures_and_hides_nobody_of_a_label(dataset):
    view = dataset.filter_labels("sam2_yolo_box_instances", fo.ViewField("confidence") > 0.9)
    hidden = dataset.select(view.values("id")).count("sam2_yolo_box_instances.detections")
    assert view.count("sam2_yolo_box_instances.detections") < hidden
    done = finish(view, "one", "yolo_box", progress=False)
    assert len(done.sample_ids) == len(view) and dataset.count("labels_instances.detections") == hidden
    outline_labels(dataset.filter_labels("labels_instances", fo.ViewField("confidence") > 0.9), "labels")
    assert dataset.count("labels_outlines.polylines") == hidden


def test_pictures_that_were_proposed_are_told_apart_from_a_random_draw(dataset):
    """Tagged by either goal, twice, and labelled since."""
    propose = foo.get_operator("@promptlab/sam2-prompting/label_next")
    told = dict(gt_field="gt", count=3, progress=False)
    ids = {*propose(dataset, **told).sample_ids}
    ids |= {*propose(dataset, "settle", a="yolo_box", b="clip_point", tag="another", **told).sample_ids}
    assert proposed(dataset) == ids and len(ids) > 3
    ids |= {*propose(dataset, **told).sample_ids}
    everyone = dict(zip(dataset.values("id"), dataset.values("everyone")))
    dataset.set_values("gt", {one: everyone[one].copy() for one in ids}, key_field="id")
    done = finish(dataset, "one", "yolo_box", gt_field="gt", progress=False)
    assert (done.promise.labelled, done.promise.proposed, done.promise.left_out) == (LABELLED, len(ids), True)


def test_of_two_people_the_second_is_told_and_each_takes_back_what_is_theirs(dataset):
    finish(dataset, "one", "yolo_box", progress=False)
    one, other = dataset.values("id")[:2]
    anna, ben = Review(dataset), Review(dataset)
    anna.look(one), ben.look(one)
    ben.accept(other)
    anna.take(one, "clip_point")
    for decide in (lambda: ben.accept(one), lambda: ben.take(one, "yolo_box"), lambda: ben.annotate(one)):
        with pytest.raises(ValueError, match="meanwhile; look at it again"):
            decide()
    assert dataset[one].labels_source == "clip_point"
    assert ben.undo().sample_id == other and ben.undo() is None and anna.last().sample_id == one
    ben.look(one)
    ben.take(one, "yolo_box")
    with pytest.raises(ValueError, match="changed by something else since"):
        anna.undo()
    assert ben.undo().sample_id == one and dataset[one].labels_source == "clip_point"
    ben.accept(other)
    assert Review(dataset).undo() is None and Review(dataset).undo(anybodys=True).sample_id == other
    assert Review(dataset, session=ben.session).last() is None


@pytest.mark.parametrize("reviewed", [None, False, True])
def test_what_was_written_before_its_worker_died_is_nobodys_decision(dataset, monkeypatch, reviewed):
    """The fault is forced: a crew that does a page again. What somebody decided on in between stays."""
    one, other, third = dataset.values("id")[:3]
    if reviewed is not None:
        finish(dataset, "one", "clip_point", progress=False)
        Review(dataset).accept(one)

    class Again(_Alone):
        def outcomes(self, items, at_once=1):
            list(self._work.do({one: items[one] for one in [*items][:4]}))
            Review(dataset).accept(third)
            before = dataset.values("labels.id")[:4]
            yield from self._work.do(items)
            assert dataset.values("labels.id")[:4] == before

    monkeypatch.setattr(crew, "_Alone", Again)
    existing = "error" if reviewed is None else "overwrite"
    done = list(steps_of(dataset, FinishPlan("one", "yolo_box", existing=existing, reviewed=bool(reviewed))))[-1]
    kept = {one} if reviewed is False else set()
    assert set(done.sample_ids) == {*dataset.values("id")} - kept - {third} and other in done.sample_ids
    assert (done.meanwhile, done.kept) == (1, 1 + len(kept)) and dataset[third].labels_status == "accepted"
    assert done.replaced == (0 if reviewed is None else len(done.sample_ids))
    assert (dataset[one].labels_status == "accepted") == bool(kept) and len(dataset.exists("labels")) == COUNT


def test_samples_that_nobody_could_label_are_left_as_they_are_and_told(dataset, monkeypatch):
    """The fault is forced: a crew that gives one up, as Ray's does whose worker died of it twice."""

    class Poisoned(_Alone):
        def outcomes(self, items, at_once=1):
            one, *others = items
            yield from self._work._job.fail({one: None}, "the worker died twice")
            yield from self._work.do(dict.fromkeys(others))

    monkeypatch.setattr(crew, "_Alone", Poisoned)
    done = list(steps_of(dataset, FinishPlan("one", "yolo_box")))[-1]
    assert (done.failed, len(done.sample_ids)) == (1, COUNT - 1) and dataset.first().labels is None
    assert "1 could not be labelled and were left as they were; the first: " in str(done)
    assert "0000.png, the worker died twice." in str(done)
    path = dataset.first().filepath
    with pytest.raises(ValueError, match=f"Nothing can be learned from {path}: the worker died twice; or leave it out"):
        list(steps_of(dataset, FinishPlan("learned", gt_field="gt", name="other")))
