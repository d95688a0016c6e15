"""In which order labels are reviewed, and how far that is: asked of the database, which has indexes for it.

With many labels a person waits for what is read of all of them at each decision; so nothing is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import fiftyone.core.collections as foc
from bson import ObjectId

from .finals import ACCEPTED_BY, EXPECTATION
from .labelled import Labelled
from .names import ACCEPTED, TO_REVIEW

NUMBER, TEXT = {"$type": "number"}, {"$type": "string"}
THERE = {"$gte": ObjectId("0" * 24)}
"""Of an id: any, which an index can tell, and that one isn't missing it can't."""
NEXT = {"$limit": 2}
"""One more than is asked for: the sample that is open may be the first."""


class Queue:
    """Samples with a label that nobody decided on: those of which nothing is expected, in the samples' own order, then
    the others, the worst expected first.

    Without a truth nothing is expected of a picture on which nobody was found, and whom a strategy missed is what is
    most likely wrong. Only where that is more than half of all labels, as of a class that is rare, they come last.

    Args:
        labels: of a name
        samples: a dataset or view with all its fields
        tag: of samples that wait, and are not in the queue
    """

    def __init__(self, labels: Labelled, samples: foc.SampleCollection, tag: str):
        self._labels, self._samples, self._tag = labels, samples, tag
        fields = labels.fields
        self._there = {f"{fields.mask}._id": THERE}
        self._open = {**self._there, fields.status: {"$in": [TO_REVIEW, None]}, "tags": {"$ne": tag}}
        if {fields.status, fields.expected_iou} <= set(labels.there):
            for first in ((fields.status, fields.expected_iou, "id"), ("tags", fields.status), self._accepted()):
                labels.dataset.create_index([(path, 1) for path in (*first, f"{fields.mask}.id")])

    def counts(self) -> Counter[tuple[str, bool]]:
        """How many labels there are: (status, whether it waits) -> number."""
        status = self._labels.fields.status
        all_of, waiting = Counter(), Counter()
        for told, conditions in ((all_of, {}), (waiting, {"tags": self._tag})):
            for there in (TEXT, None):  # the index knows of a text, and must look whether one is missing
                match = {**conditions, status: there, **self._there}
                rows = self._ask({"$match": match}, {"$group": {"_id": f"${status}", "count": {"$sum": 1}}})
                told.update({row["_id"] or TO_REVIEW: row["count"] for row in rows})
        rest = {(status, False): count - waiting[status] for status, count in all_of.items()}
        return Counter(rest | {(status, True): count for status, count in waiting.items()})

    def unseen(self) -> int:
        """How many labels were accepted for what is expected of them, and don't wait."""
        by, status = self._accepted()
        match = {by: EXPECTATION, status: ACCEPTED}
        rows = ([*self._ask({"$match": {**match, **more}}, {"$count": "count"})] for more in ({}, {"tags": self._tag}))
        every, waiting = (sum(row["count"] for row in counted) for counted in rows)
        return every - waiting

    def _accepted(self) -> tuple[str, str]:
        fields = self._labels.fields
        return f"{fields.mask}.{ACCEPTED_BY}", fields.status

    def ids(self) -> list[str]:
        """All of the queue, as far as it is now."""
        parts = [self._unexpected(), self._expected({})]
        return [one for part in (parts if self._found_mostly() else reversed(parts)) for one in part]

    def after(self, sample_id: str | None) -> str | None:
        """The next after a sample, from the beginning after the last; None where no other is left."""
        found = (one for part in self._round(sample_id) for one in part)  # asked for one part after the other
        return next((one for one in found if one != sample_id), None)

    def _round(self, sample_id: str | None) -> Iterator[Iterator[str] | list[str]]:
        """The queue from a sample on, and then from the beginning."""
        iou = self._labels.fields.expected_iou
        here = sample_id and self._labels.find(sample_id)
        expected = here.get(iou) if here else None
        if expected is not None:
            yield self._expected({iou: expected, "_id": {"$gt": here["_id"]}}, NEXT)
            yield self._expected({iou: {"$gt": expected}}, NEXT)
            yield self._unexpected()
            yield self._expected({}, NEXT)
            return
        unexpected = self._unexpected() if here else []
        if sample_id in unexpected:
            yield unexpected[unexpected.index(sample_id) + 1 :]
            yield self._expected({}, NEXT)
            yield unexpected
            return
        parts = [self._unexpected, partial(self._expected, {}, NEXT)]
        yield from (part() for part in (parts if self._found_mostly() else reversed(parts)))

    def _found_mostly(self) -> bool:
        """Whether something is expected of half of the labels at least, those aside that a person made another of."""
        every = {**self._there, self._labels.fields.status: {"$in": [TO_REVIEW, ACCEPTED]}}
        known = {
            **every,
            self._labels.fields.expected_iou: {"$gte": 0},
        }  # which an index can tell, unlike a missing one
        total, expected = (
            sum(row["count"] for row in self._ask({"$match": match}, {"$count": "count"})) for match in (every, known)
        )
        return 2 * expected >= total

    def _expected(self, conditions: Mapping[str, Any], *limit: Mapping[str, Any]) -> Iterator[str]:
        """Ids of those of which something is expected, the worst first."""
        iou = self._labels.fields.expected_iou
        match = {"$match": {**self._open, iou: NUMBER, **conditions}}
        rows = self._ask(match, {"$sort": {iou: 1, "_id": 1}}, *limit, {"$project": {"_id": 1}})
        return (str(row["_id"]) for row in rows)

    def _unexpected(self) -> list[str]:
        match = {"$match": {**self._open, self._labels.fields.expected_iou: None}}
        return [str(row["_id"]) for row in self._ask(match, {"$project": {"_id": 1}})]

    def _ask(self, *stages: Mapping[str, Any]) -> Iterator[dict]:
        return self._samples._aggregate(post_pipeline=list(stages))
