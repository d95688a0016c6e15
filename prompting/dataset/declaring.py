"""Declaring fields, all at once, and what their masks' values mean.

The caller holds the dataset's document (:func:`prompting.dataset.lock.editing`), which is saved at its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

import fiftyone as fo
import fiftyone.core.odm as odm


def add_fields(dataset: fo.Dataset, types: Mapping[str, tuple]) -> None:
    """Add fields that a dataset lacks; those that it has stay as they are.

    ``add_sample_field()`` saves and reads the whole dataset document, a hundred fields and more, for each field; this
    leaves both to whoever holds it.

    Args:
        dataset: whose document was just read, and is saved afterwards (:func:`prompting.dataset.lock.editing`)
        types: field name -> (field type, embedded document type or None); a dot leads into a document

    Raises:
        ValueError: a field is there, and of another type
    """
    lacking: dict[str, fo.Field] = {}
    for path in sorted(types, key=lambda path: path.count(".")):  # documents before what is in them
        kind, document = types[path]
        there = dataset.get_field(path)
        if isinstance(there, kind) and getattr(there, "document_type", None) is document:
            continue
        parent, _, name = path.rpartition(".")
        field = odm.create_field(name, kind, embedded_doc_type=document)
        if there is not None:
            odm.validate_fields_match(path, field, there)
        elif (new := _new_document(lacking, parent)) is not None:
            new._fields[name] = field
        else:
            lacking[path] = field
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    for path, field in lacking.items():
        dataset._sample_doc_cls._add_field_schema(path, field, created_at=now)


def set_targets(dataset: fo.Dataset, name: str, targets: Mapping[int | str, str]) -> None:
    """Say what the values of a field's masks mean."""
    if dataset.mask_targets.get(name) != targets:
        dataset.mask_targets[name] = dict(targets)


def _new_document(lacking: Mapping[str, fo.Field], path: str) -> fo.EmbeddedDocumentField | None:
    """The document at a path, where it is one of these that aren't declared yet, or in one of them."""
    root, *names = path.split(".")
    field = lacking.get(root)
    for name in names if field is not None else ():
        field = field._fields[name]
        while isinstance(field, fo.ListField):
            field = field.field
    return field
