"""Copies of datasets, made by the database: FiftyOne's clone takes twice as long over its own documents."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING

import bson
import gridfs

if TYPE_CHECKING:
    import fiftyone as fo

LISTS = {"saved_views": "views", "workspaces": "workspaces"}
RUNS = ("annotation_runs", "brain_methods", "evaluations", "runs")


def copy_of(dataset: fo.Dataset, name: str | None = None, persistent: bool = False) -> fo.Dataset:
    """What ``dataset.clone(name, persistent)`` gives, for a dataset of pictures; a test compares the two."""
    import fiftyone as fo
    import fiftyone.core.odm as odm
    import fiftyone.core.utils as fou

    database, now, copied = odm.get_db_conn(), datetime.utcnow(), bson.ObjectId()
    results = gridfs.GridFS(database)
    name, samples = name or f"copy-{uuid.uuid4().hex[:8]}", f"samples.{copied}"

    def again(collection: str, ids: list) -> dict:
        """Those documents, as the copy's own; their new ids."""
        found = list(database[collection].find({"_id": {"$in": ids}}))
        news = {one["_id"]: bson.ObjectId() for one in found}
        for one in found:
            when = {key: now for key in ("timestamp", "created_at", "last_modified_at") if key in one}
            one.update(when, _id=news[one["_id"]], _dataset_id=copied)
            if one.get("results"):
                one["results"] = results.put(results.get(one["results"]).read(), content_type="application/json")
        if found:
            database[collection].insert_many(found)
        return news

    stored = database.datasets.find_one({"_id": dataset._doc.id})
    for field in stored["sample_fields"]:
        _date(field, now)
    for key, collection in LISTS.items():
        stored[key] = list(again(collection, stored.get(key) or []).values())
    for key in RUNS:
        news = again("runs", list((stored.get(key) or {}).values()))
        stored[key] = {run: news[old] for run, old in (stored.get(key) or {}).items()}
    stored |= {
        "_id": copied, "name": name, "slug": fou.to_slug(name),
        "persistent": persistent, "sample_collection_name": samples,
        "created_at": now, "last_modified_at": now, "last_deletion_at": None, "last_loaded_at": None,
    }  # fmt: skip
    whose = {"_dataset_id": copied, "created_at": now, "last_modified_at": now}
    database[dataset._sample_collection_name].aggregate([{"$addFields": whose}, {"$out": samples}])
    for index, told in database[dataset._sample_collection_name].index_information().items():
        database[samples].create_index(told.pop("key"), name=index, **{k: v for k, v in told.items() if k != "v"})
    database.datasets.insert_one(stored)
    return fo.load_dataset(name)


def _date(field: dict, now: datetime) -> None:
    field["created_at"] = now
    for inner in field.get("fields") or []:
        _date(inner, now)
