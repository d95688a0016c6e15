"""What a review tags goes to FiftyOne's annotation backend and comes back: masks are painted anew, and undo works."""

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest

from prompting.dataset.names import ACCEPTED, EDITED, SENT, TO_REVIEW, FinalFields
from prompting.runs import annotating
from tests.copies import copy_of
from tests.operators.asking import form
from tests.runs.desk import DESK

PLUGIN = "@promptlab/sam2-prompting"
FIELDS = FinalFields.of("labels")
annotate = foo.get_operator(f"{PLUGIN}/annotate_labels")


@pytest.fixture
def finished(applied_once):
    dataset = copy_of(applied_once)
    foo.get_operator(f"{PLUGIN}/finish_labels")(dataset, strategies="yolo_box", progress=False)
    yield dataset
    dataset.delete()


@pytest.fixture
def desk(monkeypatch):
    monkeypatch.setitem(fo.annotation_config.backends, "desk", {"config_cls": "tests.runs.desk.DeskBackendConfig"})


@pytest.fixture
def review(finished):
    return foo.get_operator(f"{PLUGIN}/review_labels")(finished)


def two(finished) -> list[str]:
    """The ids of two samples with instances, the first with the most."""
    counts = np.array([len(found or ()) for found in finished.values(f"{FIELDS.instances}.detections.id")])
    return np.array(finished.values("id"))[np.argsort(-counts, kind="stable")[:2]].tolist()


def test_what_comes_back_edited_is_painted_anew_and_can_be_taken_back(finished, review, desk):
    edited, same = two(finished)
    for one in (edited, same):
        review.annotate(one)
    before = finished[edited].copy()
    annotate(finished, anno_key="round_1")
    assert set(DESK["round_1"]) == {edited, same}
    gone = next(iter(DESK["round_1"][edited]))
    del DESK["round_1"][edited][gone]

    told = annotate.fetch(finished, anno_key="round_1")
    assert (told.edited, told.accepted) == ((edited,), (same,))
    finished.reload()
    now = finished[edited]
    assert gone not in [one.id for one in now[FIELDS.instances].detections]
    assert len(now[FIELDS.instances].detections) == len(before[FIELDS.instances].detections) - 1
    assert now[FIELDS.mask].get_mask().sum() < before[FIELDS.mask].get_mask().sum()
    assert (now[FIELDS.status], finished[same][FIELDS.status]) == (EDITED, ACCEPTED)
    assert not finished.match_tags(SENT)

    assert [review.undo().sample_id for _ in range(2)] in ([same, edited], [edited, same])
    back = finished[edited]
    assert np.array_equal(back[FIELDS.mask].get_mask(), before[FIELDS.mask].get_mask())
    assert len(back[FIELDS.instances].detections) == len(before[FIELDS.instances].detections)
    assert back[FIELDS.status] == TO_REVIEW


def test_a_fetch_that_was_broken_off_is_done_again_and_taken_back_to_what_was(finished, review, desk, monkeypatch):
    one = two(finished)[0]
    review.annotate(one)
    before = finished[one].copy()
    annotate(finished, anno_key="round_1")
    del DESK["round_1"][one][next(iter(DESK["round_1"][one]))]
    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(annotating, "decide", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        annotating.fetch(finished, "labels", "round_1")
    assert not review.last().what.startswith("edited") and review.standing().sent == 1
    told = annotate.fetch(finished, anno_key="round_1")
    assert told.edited == (one,) and finished[one][FIELDS.status] == EDITED
    assert finished[one][FIELDS.mask].get_mask().sum() < before[FIELDS.mask].get_mask().sum()
    assert review.undo().what == "edited in annotation"
    assert len(finished[one][FIELDS.instances].detections) == len(before[FIELDS.instances].detections)


def test_what_cannot_be_sent_or_fetched_is_said_before_anything_is(finished, review, desk, monkeypatch):
    with pytest.raises(ValueError, match="No sample of 'labels' has the tag 'sent to annotation'"):
        annotate(finished)
    review.annotate(two(finished)[0])
    with pytest.raises(ValueError, match="no backend 'cvat' with a key or a user; choose from desk"):
        annotate(finished, backend="cvat")
    with pytest.raises(ValueError, match="letters, digits and _"):
        annotate(finished, anno_key="round 1")
    with pytest.raises(ValueError, match="no annotation run 'round_9' of 'labels'; there is: none"):
        annotate.fetch(finished, anno_key="round_9")
    monkeypatch.delitem(fo.annotation_config.backends, "desk")
    with pytest.raises(ValueError, match="FiftyOne knows no annotation backend"):
        annotate(finished)


def test_what_is_sent_already_is_not_sent_again(finished, review, desk):
    first, second = two(finished)
    review.annotate(first)
    annotate(finished)
    with pytest.raises(ValueError, match="All samples with the tag 'sent to annotation' are in annotation runs"):
        annotate(finished)
    review.annotate(second)
    annotate(finished)  # under a key of its own
    one, other = finished.list_annotation_runs()
    assert (set(DESK[one]), set(DESK[other])) == ({first}, {second})
    assert annotate.fetch(finished).accepted == (second,) and review.standing().sent == 1


def test_a_backend_is_known_by_its_key(monkeypatch):
    assert annotating.backends() == []
    monkeypatch.setitem(fo.annotation_config.backends, "cvat", {"url": "https://app.cvat.ai", "api_key": "k"})
    assert annotating.backends() == ["cvat"]


def test_the_menu_sends_and_fetches_what_its_form_begins_with(finished, review, desk):
    one = two(finished)[0]
    assert f"No other picture has the tag “{SENT}”" in form("annotate_labels", finished)["problem"]["error_message"]
    review.annotate(one)
    finished.reload()
    begins = {name: field["default"] for name, field in form("annotate_labels", finished).items() if "default" in field}
    assert (begins["name"], begins["way"], begins["backend"]) == ("labels", "send", "desk")
    foo.execute_operator(f"{PLUGIN}/annotate_labels", {"dataset": finished}, params=begins)
    finished.reload()
    assert finished.list_annotation_runs() == [begins["anno_key"]]
    back = {"name": "labels", "way": "fetch", "run": begins["anno_key"]}
    foo.execute_operator(f"{PLUGIN}/annotate_labels", {"dataset": finished}, params=back)
    finished.reload()
    assert finished[one][FIELDS.status] == ACCEPTED
