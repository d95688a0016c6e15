"""Declaring fields, all at once."""

from __future__ import annotations

from collections.abc import Mapping

import fiftyone as fo
import fiftyone.core.odm as odm


def add_fields(dataset: fo.Dataset, types: Mapping[str, tuple]) -> None:
    """Add fields that a dataset lacks; those that it has stay as they are.

    ``add_sample_field()`` saves and reads the whole dataset document, a hundred fields and more, for each field.

    Args:
        dataset: whose document nobody else changes meanwhile (:func:`prompting.dataset.lock.editing`)
        types: field name -> (field type, embedded document type or None); a dot leads into a document
    """
    fields = {
        name: odm.create_field(name.rpartition(".")[2], kind, embedded_doc_type=document)
        for name, (kind, document) in types.items()
    }
    for depth in sorted({name.count(".") for name in fields}):  # documents before what is in them
        dataset._merge_sample_field_schema({name: one for name, one in fields.items() if name.count(".") == depth})
    dataset.save()
