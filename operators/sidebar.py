"""The sidebar's groups, which a page takes from a dataset when it comes to it, and at no other time.

Not when it reads the dataset again, nor when it opens the one that it shows. So where a run made or removed groups, an
operator of the plugin's that runs in the page, ``sidebar.js``, shows them.
"""

from __future__ import annotations

import fiftyone as fo

SHOW = "@promptlab/sam2-prompting/show_sidebar_groups"


def groups(dataset: fo.Dataset) -> list[dict]:
    """What a page that is loaded now shows as the sidebar's groups."""
    from ..prompting.dataset.appearance import sidebar_groups

    made = sidebar_groups(dataset)
    return [{"name": group.name, "paths": list(group.paths), "expanded": group.expanded} for group in made]
