"""Writing fields of samples in batches, where one that MongoDB refuses loses nobody else's results.

MongoDB keeps a sample, with all its fields, in one document of 16 MB at most.
FiftyOne's batches end at the first that is larger: some of the others are saved
then, some are not, and the run is over. Here each is tried for itself, and of
the one that is refused, each strategy for itself.

FiftyOne's own way of saving a sample costs as much as all that was read of it: to find what changed, it compresses each
mask again, and large ones as thoroughly as small ones. This writes what is new, and looks at nothing else.
"""

from __future__ import annotations

import io
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

import bson
import fiftyone as fo
import fiftyone.core.collections as foc
import fiftyone.core.utils as fou
import numpy as np
from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError, DocumentTooLarge, OperationFailure

SAVE_EVERY_SECONDS, MOST_AT_ONCE = 1.0, 500
LARGE, ROOMY = 2**20, 4 * 2**20
"""The bytes of a mask from which on the time that compressing takes counts more than the room, until so many bytes of a
sample are written."""
MOST_BYTES, ROOM_BYTES = 16 * 2**20, 32 * 2**10
TOO_LARGE = {10334, 17419, 17420}
"""MongoDB's numbers for a document that is larger than 16 MB, or would be after an update."""
FULL = (
    "error: with this result the sample's document would pass the 16 MB that MongoDB keeps for one; delete another"
    " strategy's fields, apply this one in a clone of the dataset, or give it fewer prompts or a smaller picture"
)
UNSPEAKABLE = "error: the result holds a value that MongoDB can't store ({})"


def nearly_full(view: foc.SampleCollection) -> list[str]:
    """The ids of samples whose documents have no room for what FiftyOne itself writes about them: scores, say."""
    dataset = view._dataset
    ids = [bson.ObjectId(sample_id) for sample_id in view.values("id")]
    full = []
    for page in fou.iter_batches(ids, 1000):
        sizes = [{"$match": {"_id": {"$in": list(page)}}}, {"$project": {"size": {"$bsonSize": "$$ROOT"}}}]
        pipeline = [*sizes, {"$match": {"size": {"$gt": MOST_BYTES - ROOM_BYTES}}}]
        full += [str(found["_id"]) for found in dataset._sample_collection.aggregate(pipeline)]
    return full


class Writer:
    """Writes values of fields from time to time; see :func:`writing`.

    Attributes:
        refused: sample id -> why what was written of it, or a part of that, could not be stored
    """

    def __init__(self, dataset: fo.Dataset, samples: _Forgiving, refused: dict[str, str]):
        self._dataset, self._samples, self.refused = dataset, samples, refused
        self._pending: dict[str, UpdateOne] = {}
        self._written = time.monotonic()

    def write(self, sample_id: str, values: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """:meth:`add`, and write what waits where it is time to."""
        self.add(sample_id, values)
        self.flush_in_time()

    def add(self, sample_id: str, values: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Have fields of a sample written with the next batch, in one update; nothing of it where this raises.

        Args:
            sample_id: whose fields
            values: field name -> value, or pairs of them: plain values, labels, documents, None, or an iterator of
                Detections for a field that holds such; each sample is written once. Pairs and iterators are asked for
                one after the other, so that of a crowd's masks one at a time is there.
        """
        plain, room = {}, _Room()
        for name, value in values.items() if isinstance(values, Mapping) else values:
            plain[name] = _serialized(self._dataset.get_field(name), value, room)
        if plain:
            update = {"$set": {**plain, "last_modified_at": datetime.now(timezone.utc).replace(tzinfo=None)}}
            self._pending[sample_id] = UpdateOne({"_id": bson.ObjectId(sample_id)}, update)

    def flush_in_time(self) -> None:
        """Write what waits, where it has waited long enough."""
        if time.monotonic() - self._written > SAVE_EVERY_SECONDS or len(self._pending) >= MOST_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self._pending:
            ids, operations = list(self._pending), list(self._pending.values())
            self._pending = {}
            self._samples.bulk_write(operations)
            fo.Sample._reload_docs(self._dataset._sample_collection_name, sample_ids=ids)
        self._written = time.monotonic()


class _Room:
    """How many bytes of a sample's masks are written already."""

    taken = 0


def _serialized(field: fo.Field, value: Any, room: _Room) -> Any:
    """A value as the database holds it."""
    if value is None:
        return None
    if isinstance(value, Iterator):
        plain = field.to_mongo(fo.Detections())
        for detection in value:
            plain["detections"].append(_label(detection, room))
        return plain
    return _label(value, room) if isinstance(value, fo.Segmentation) else field.to_mongo(value)


def _label(label: fo.Segmentation | fo.Detection, room: _Room) -> Any:
    """A label that may have a mask.

    A large mask is compressed as FiftyOne does it, but at zlib's lowest level: that takes a third of the time, and
    reading it a quarter, for twice the bytes.
    """
    if label.mask is None or label.mask.nbytes < LARGE or room.taken > ROOMY:
        plain = label.to_mongo()
    else:
        others = {name: part for name, part in label.iter_fields() if name != "mask"}
        plain = type(label)(**others).to_mongo()
        plain["mask"] = _compressed(label.mask)
    room.taken += len(plain.get("mask") or b"")
    return plain


def _compressed(array: np.ndarray) -> bytes:
    """What ``np.save`` would write, compressed without a copy of it."""
    with io.BytesIO() as head:
        np.lib.format.write_array_header_1_0(head, np.lib.format.header_data_from_array_1_0(array))
        start = head.getvalue()
    made = zlib.compressobj(zlib.Z_BEST_SPEED)
    return b"".join((made.compress(start), made.compress(np.ascontiguousarray(array).data), made.flush()))


@contextmanager
def writing(
    dataset: fo.Dataset,
    parts: Sequence[Sequence[str]] = (),
    on_refusal: Callable[[str, Sequence[str], str], None] = lambda sample_id, names, why: None,
) -> Iterator[Writer]:
    """Write fields of samples, a batch a second; what is left is written at the end, whatever ends it.

    Args:
        dataset: whose samples
        parts: fields that belong together: of a sample that is refused, each part is tried for itself
        on_refusal: told the sample's id, the fields that weren't written, and why
    """
    refused: dict[str, str] = {}
    writer = Writer(dataset, _Forgiving(dataset._sample_collection, parts, refused, on_refusal), refused)
    try:
        yield writer
    finally:
        writer.flush()


class _Forgiving:
    """A collection that batches are written to, of which only what MongoDB refuses is missing afterwards."""

    def __init__(self, samples: Collection, parts, refused: dict[str, str], on_refusal):
        self._samples, self._parts, self._refused, self._on_refusal = samples, parts, refused, on_refusal

    def bulk_write(self, operations: Sequence[UpdateOne]) -> None:
        """As pymongo's, in no order; a sample that is gone is nobody's error either, for it matches nothing."""
        try:
            self._samples.bulk_write(operations, ordered=False)
        except Exception as error:
            if _reason(error) is None:
                raise
            if len(operations) > 1:
                if isinstance(error, BulkWriteError):  # all others are saved
                    operations = [operations[refusal["index"]] for refusal in error.details["writeErrors"]]
                for operation in operations:
                    self.bulk_write([operation])
            else:
                self._in_parts(operations[0], _reason(error))

    def _in_parts(self, operation: UpdateOne, why: str) -> None:
        """Save what can be saved of a sample, part by part, and tell of the rest."""
        values, together = operation._doc["$set"], [set(part) for part in self._parts]
        others = set(values) - set().union(*together)
        sample_id = str(operation._filter["_id"])
        groups = [group for group in (others, *together) if group & set(values)]
        for group in groups:
            update = {"$set": {name: value for name, value in values.items() if name in group}}
            if len(groups) > 1:
                try:
                    self._samples.bulk_write([UpdateOne(operation._filter, update)])
                    continue
                except Exception as error:
                    why = _reason(error)
                    if why is None:
                        raise
            self._refused[sample_id] = why
            self._on_refusal(sample_id, sorted(group), why)


def _reason(error: Exception) -> str | None:
    """What a person is told of a document that can't be stored; None where it is the database that failed."""
    if isinstance(error, BulkWriteError):
        codes = {refusal["code"] for refusal in error.details["writeErrors"]}
        return FULL if codes and codes <= TOO_LARGE else None
    if isinstance(error, DocumentTooLarge) or (isinstance(error, OperationFailure) and error.code in TOO_LARGE):
        return FULL
    if isinstance(error, (bson.errors.BSONError, OverflowError, UnicodeEncodeError)):
        return UNSPEAKABLE.format(" ".join(str(error).split())[:200])
    return None
