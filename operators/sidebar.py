"""The sidebar's groups, which a page reads when it is loaded, and at no other time.

The App takes them anew when it comes to a dataset from elsewhere: not when it reads the dataset again, nor when it
opens the one that it shows. So where a run made or removed groups, its dialog ends with a button that loads the page.
"""

from __future__ import annotations

from urllib.parse import quote

import fiftyone as fo
import fiftyone.operators.types as types


def groups(dataset: fo.Dataset) -> list[tuple[str, tuple[str, ...]]]:
    """What a page that is loaded now takes the sidebar's groups from."""
    return [(group.name, tuple(group.paths)) for group in dataset.app_config.sidebar_groups or ()]


def with_reload(ctx, shown: dict | None) -> dict:
    """What a run's dialog shows in the end, and a button below it.

    Args:
        ctx: of the run
        shown: the parameters of the ``show_output`` that came last
    """
    outputs = types.Object()
    outputs.md("The sidebar gets its groups when the page is loaded.", name="sidebar")
    outputs.btn("reload", label="Load the page again", icon="refresh", href=f"/datasets/{quote(ctx.dataset.name)}")
    below = types.Property(outputs).to_json()
    if shown is None:
        return {"outputs": below, "results": {}}
    kept = shown["outputs"]["type"]
    both = {**kept, "properties": {**kept["properties"], **below["type"]["properties"]}}
    return {"outputs": {**shown["outputs"], "type": both}, "results": shown["results"]}
