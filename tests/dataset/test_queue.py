"""The order in which labels are reviewed: the same from wherever it is asked for, and no label is read for it."""

import uuid

import fiftyone as fo
import numpy as np
import pytest

from prompting.dataset.labelled import Labelled
from prompting.dataset.names import ACCEPTED, EDITED, SENT, TO_REVIEW, FinalFields
from prompting.dataset.queue import Queue

FIELDS = FinalFields.of("labels")
EXPECTED = [0.5, None, 0.2, 0.5, None, 0.9, 0.1, 0.4, 0.3, None, 0.6, 0.0]
STATES = [TO_REVIEW] * 3 + [None, TO_REVIEW, ACCEPTED, EDITED] + [TO_REVIEW] * 5
WAITING, WITHOUT = (7, 9, 6), 11


@pytest.fixture
def dataset():
    dataset = fo.Dataset(f"queue-{uuid.uuid4().hex[:8]}")
    dataset.add_samples([fo.Sample(f"{i}.png") for i in range(len(EXPECTED))], progress=False)
    for name, (kind, document) in FIELDS.types().items():
        dataset.add_sample_field(name, kind, embedded_doc_type=document)
    dataset.set_values(FIELDS.expected_iou, EXPECTED)
    dataset.set_values(FIELDS.status, STATES)
    masks = [fo.Segmentation(mask=np.zeros((2, 2), np.uint8)) for _ in EXPECTED]
    dataset.set_values(FIELDS.mask, [None if i == WITHOUT else mask for i, mask in enumerate(masks)])
    dataset.select([dataset.values("id")[i] for i in WAITING]).tag_samples(SENT)
    yield dataset
    dataset.delete()


def in_order(places) -> list[int]:
    """Those of which nothing is expected, then the worst expected first."""
    return sorted(places, key=lambda i: (EXPECTED[i] is not None, EXPECTED[i] or 0, i))


@pytest.mark.parametrize("indexed", [True, False], ids=["by the indexes", "without"])
def test_the_next_is_the_queues_wherever_one_is(dataset, indexed, monkeypatch):
    if not indexed:
        monkeypatch.setattr(fo.Dataset, "create_index", lambda self, spec: None)
    queue, ids = Queue(Labelled(dataset, "labels"), dataset.view(), SENT), dataset.values("id")
    labelled = in_order(set(range(len(ids))) - {WITHOUT})
    free = [i for i in labelled if STATES[i] in (TO_REVIEW, None) and i not in WAITING]
    assert queue.ids() == [ids[i] for i in free]
    for place, i in enumerate(labelled):
        if i not in free and EXPECTED[i] is None:
            continue  # decided, and nothing expected of it: it has no place any more
        around = [*labelled[place + 1 :], *labelled[:place]]
        assert queue.after(ids[i]) == ids[next(j for j in around if j in free)], i
    assert queue.after(None) == queue.after("nobody") == ids[free[0]]
    counts = queue.counts()
    assert counts.total() == len(labelled) and sum(count for (_, waits), count in counts.items() if waits) == 3
    assert counts[TO_REVIEW, False] == len(free) and counts[EDITED, True] == 1 and counts[ACCEPTED, False] == 1


def test_where_of_most_nothing_is_expected_these_come_last(dataset):
    """As of a class that is rare: who looks at all pictures without it first gives up before she sees one with it."""
    ids = dataset.values("id")
    dataset.set_values(FIELDS.expected_iou, [None] * 8 + [0.5, None, 0.2, None])
    queue = Queue(Labelled(dataset, "labels"), dataset.view(), SENT)
    assert queue.ids()[:2] == [ids[10], ids[8]] and queue.after(None) == ids[10]
    assert queue.after(ids[8]) == queue.ids()[2] and queue.after(queue.ids()[-1]) == ids[10]


def test_a_view_has_its_own_queue(dataset):
    view = dataset.match(fo.ViewField(FIELDS.expected_iou) > 0.3)
    queue, ids = Queue(Labelled(dataset, "labels"), view, SENT), dataset.values("id")
    assert queue.ids() == [ids[i] for i in (0, 3, 10)] and queue.after(ids[10]) == ids[0]


def test_no_request_reads_all_samples(dataset, monkeypatch):
    """Of labels that nobody decided on; each plan of the database begins at an index."""
    asked, ask = [], fo.DatasetView._aggregate
    monkeypatch.setattr(fo.DatasetView, "_aggregate", lambda self, **how: asked.append(how) or ask(self, **how))
    queue = Queue(Labelled(dataset, "labels"), dataset.view(), SENT)
    for request in (queue.counts, queue.unseen, lambda: queue.after(None), lambda: queue.after(dataset.first().id)):
        request()
    assert len(asked) == 10
    for how in asked:
        command = {"aggregate": dataset._sample_collection_name, "pipeline": how["post_pipeline"], "cursor": {}}
        plan = str(dataset._sample_collection.database.command("explain", command))
        assert ("IXSCAN" in plan or "COUNT_SCAN" in plan) and "COLLSCAN" not in plan, how


def test_the_indexes_go_with_the_fields(dataset):
    before = set(dataset.list_indexes())
    Queue(Labelled(dataset, "labels"), dataset.view(), SENT)
    assert len(set(dataset.list_indexes()) - before) == 3
    dataset.delete_sample_fields([FIELDS.status])
    assert set(dataset.list_indexes()) == before
