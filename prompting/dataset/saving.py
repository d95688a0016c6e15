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
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from typing import Any

import bson
import fiftyone as fo
import fiftyone.core.collections as foc
import fiftyone.core.utils as fou
import numpy as np
from pymongo import UpdateOne, WriteConcern
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError, DocumentTooLarge, OperationFailure

from .mask_files import MaskFiles

SAVE_EVERY_SECONDS, MOST_AT_ONCE = 1.0, 500
LARGE, ROOMY = 2**20, 4 * 2**20
"""The bytes of a mask from which on the time that compressing takes counts more than the room, until so many bytes of a
sample are written."""
MOST_BYTES, ROOM_BYTES = 16 * 2**20, 32 * 2**10
TOO_LARGE = {10334, 17419, 17420}
"""MongoDB's numbers for a document that is larger than 16 MB, or would be after an update."""
FULL = (
    "error: with this result the sample's document would pass the 16 MB that MongoDB keeps for one; keep the masks on"
    " disk (mask_dir), delete another strategy's fields, or give this one fewer prompts or a smaller picture"
)
WRITTEN = "last_modified_at"
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
        passed_over: ids of samples that weren't what they had to be when they were written, and stay as they were; not
            those that say the same already, for who wrote them died before it could tell
    """

    def __init__(
        self,
        dataset: fo.Dataset,
        samples: _Forgiving,
        refused: dict[str, str],
        files: MaskFiles | None,
    ):
        self._samples, self.refused, self._files = samples, refused, files
        self._collection, self._field = dataset._sample_collection, cache(dataset.get_field)
        self.passed_over: set[str] = set()
        self._pending: dict[str, UpdateOne] = {}
        self._written = time.monotonic()

    def write(
        self,
        sample_id: str,
        values: Mapping[str, Any] | Iterable[tuple[str, Any]],
        filepath: str = "",
        only: Mapping[str, Any] | None = None,
    ) -> None:
        """:meth:`add`, and write what waits where it is time to."""
        self.add(sample_id, values, filepath, only)
        self.flush_in_time()

    def add(
        self,
        sample_id: str,
        values: Mapping[str, Any] | Iterable[tuple[str, Any]],
        filepath: str = "",
        only: Mapping[str, Any] | None = None,
    ) -> None:
        """Have fields of a sample written with the next batch, in one update; nothing of it where this raises.

        Args:
            sample_id: whose fields
            values: field name -> value, or pairs of them: plain values, labels, documents, None, or an iterator of
                Detections for a field that holds such; each sample is written once. Pairs and iterators are asked for
                one after the other, so that of a crowd's masks one at a time is there.
            filepath: of its picture, for masks that go to files; they are written at once, before the document
                that names them
            only: what MongoDB must find the sample to be when it is written, or it stays as it is: somebody may have
                changed it since it was read; None: whatever it is
        """
        plain, room = {}, _Room()
        for name, value in values.items() if isinstance(values, Mapping) else values:
            place = _Place(self._files, name, sample_id, filepath) if self._files else None
            plain[name] = _serialized(self._field(name), value, room, place)
        if plain:
            now = datetime.now(timezone.utc).replace(tzinfo=None)
            update = {"$set": {**plain, WRITTEN: now.replace(microsecond=now.microsecond // 1000 * 1000)}}
            self._pending[sample_id] = UpdateOne({**(only or {}), "_id": bson.ObjectId(sample_id)}, update)

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
            if conditional := [operation for operation in operations if len(operation._filter) > 1]:
                self.passed_over.update(self._unwritten(conditional))
            fo.Sample._reload_docs(self._collection.name, sample_ids=ids)
        self._written = time.monotonic()

    def _unwritten(self, operations: Sequence[UpdateOne]) -> Iterator[str]:
        """The ids of samples that are there and weren't written just now, which the time says that each has."""
        wanted = {operation._filter["_id"]: dict(_plain(operation._doc["$set"])) for operation in operations}
        read = dict.fromkeys(name for of in wanted.values() for name in of)
        for found in self._collection.find({"_id": {"$in": list(wanted)}}, dict.fromkeys(read, 1)):
            said, sample_id = dict(_plain(found)), str(found["_id"])
            differs = {name for name, value in wanted[found["_id"]].items() if said.get(name) != value}
            if WRITTEN in differs and differs != {WRITTEN} and sample_id not in self.refused:
                yield sample_id


def _plain(document: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    """What a document says, but for ids, masks and lists: where, and what."""
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _plain(value, f"{within}{name}.")
        elif not isinstance(value, (bytes, list, bson.ObjectId)) and name != "mask_path":
            yield within + name, value


class _Room:
    """How many bytes of a sample's masks are written already."""

    taken = 0


@dataclass(frozen=True)
class _Place:
    """The file of a label that isn't the database's to hold."""

    files: MaskFiles
    field: str
    sample_id: str
    filepath: str

    def write(self, label: fo.Segmentation | fo.Detection) -> str:
        """Write its mask; the file's path."""
        return self.files.write(self.field, self.sample_id, self.filepath, str(label.id), label.mask)


def _serialized(field: fo.Field, value: Any, room: _Room, place: _Place | None) -> Any:
    """A value as the database holds it."""
    if value is None:
        return None
    if isinstance(value, fo.Detections) and place:
        value = iter(value.detections)
    if isinstance(value, Iterator):
        plain = field.to_mongo(fo.Detections())
        for detection in value:
            plain["detections"].append(_label(detection, room, place))
        return plain
    return _label(value, room, place) if isinstance(value, fo.Segmentation) else field.to_mongo(value)


def _label(label: fo.Segmentation | fo.Detection, room: _Room, place: _Place | None) -> Any:
    """A label that may have a mask.

    A large mask is compressed as FiftyOne does it, but at zlib's lowest level: that takes a third of the time, and
    reading it a quarter, for twice the bytes.
    """
    if label.mask is not None and place:
        plain = _without_mask(label)
        plain["mask_path"] = place.write(label)
        return plain
    if label.mask is None or label.mask.nbytes < LARGE or room.taken > ROOMY:
        plain = label.to_mongo()
    else:
        plain = _without_mask(label)
        plain["mask"] = _compressed(label.mask)
    room.taken += len(plain.get("mask") or b"")
    return plain


def _without_mask(label: fo.Segmentation | fo.Detection) -> MutableMapping[str, Any]:
    """A label as the database holds it, but for its mask; another label without it would take longer to make."""
    return label.to_mongo(fields=[name for name in label if name != "mask"])


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
    files: MaskFiles | None = None,
) -> Iterator[Writer]:
    """Write fields of samples, a batch a second; what is left is written at the end, whatever ends it.

    Args:
        dataset: whose samples
        parts: fields that belong together: of a sample that is refused, each part is tried for itself
        on_refusal: told the sample's id, the fields that weren't written, and why
        files: where masks go; None: into the samples' documents
    """
    refused: dict[str, str] = {}
    samples = dataset._sample_collection
    # what is told to be done is in the journal: it outlives a database that is killed
    kept = samples.with_options(write_concern=WriteConcern(**{**samples.write_concern.document, "j": True}))
    writer = Writer(dataset, _Forgiving(kept, parts, refused, on_refusal), refused, files)
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
