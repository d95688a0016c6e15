"""What a run's dialog shows in its end, put together."""

from __future__ import annotations

import fiftyone.operators.types as types


def with_notes(notices: list, shown: dict | None) -> dict:
    """What a run's dialog shows in the end, and what was to be noted above it: a note at the edge is gone in seconds.

    Args:
        notices: the run's ``notify`` messages
        shown: the parameters of the ``show_output`` that came last
    """
    outputs = types.Object()
    for i, notice in enumerate(notices):
        outputs.md(getattr(notice, "body", notice).params["message"], name=f"note{i}")
    return above(outputs, shown)


def above(outputs: types.Object, shown: dict | None) -> dict:
    """The parameters of a ``show_output`` with more above what it shows already."""
    more = types.Property(outputs).to_json()
    if shown is None:
        return {"outputs": more, "results": {}}
    kept = shown["outputs"]["type"]
    both = {**kept, "properties": {**more["type"]["properties"], **kept["properties"]}}
    return {"outputs": {**shown["outputs"], "type": both}, "results": shown["results"]}
