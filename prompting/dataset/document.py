"""Whether this process's copy of a dataset's own document is what the database has."""

from __future__ import annotations

from collections import defaultdict

import bson
import fiftyone as fo
import fiftyone.core.odm as odm

LOADED = "last_loaded_at"
"""Who opens a dataset writes when, and changes nothing else."""


def is_current(dataset: fo.Dataset) -> bool:
    """Whether the copy says what the database says: the document, and those of runs, views and workspaces it refers to.

    FiftyOne takes four times as long to read a document as to write down what it holds, which is compared with what is
    stored. What was changed in the copy and not saved differs too; so may a dataset that was only just opened.
    """
    copies, database = defaultdict(dict), odm.get_db_conn()
    for document in _documents(dataset._doc):
        if isinstance(document, bson.DBRef):
            return False  # to one that is gone
        copies[document._get_collection_name()][document.id] = _comparable(document)
    return all(
        own == {found["_id"]: _said(found) for found in database[name].find({"_id": {"$in": list(own)}})}
        for name, own in copies.items()
    )


def _documents(doc: odm.DatasetDocument) -> list:
    lists = doc.saved_views, doc.workspaces
    runs = doc.annotation_runs, doc.brain_methods, doc.evaluations, doc.runs
    return [doc, *(one for some in lists for one in some), *(one for some in runs for one in some.values())]


def _comparable(document: odm.Document) -> dict:
    """As it would come back from the database, whose times have milliseconds."""
    return _said(bson.decode(bson.encode(document.to_mongo())))


def _said(stored: dict) -> dict:
    """All but what says nothing: an empty list is stored or not, as it came about."""
    return {key: value for key, value in stored.items() if key != LOADED and value not in (None, [], {})}
