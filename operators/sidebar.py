"""The sidebar's groups, which a page reads when it is loaded, and at no other time.

The App takes them anew when it comes to a dataset from elsewhere: not when it reads the dataset again, nor when it
opens the one that it shows. So where a run made or removed groups, its dialog ends with a button that loads the page.
"""

from __future__ import annotations

import fiftyone as fo


def groups(dataset: fo.Dataset) -> list[tuple[str, tuple[str, ...]]]:
    """What a page that is loaded now takes the sidebar's groups from."""
    return [(group.name, tuple(group.paths)) for group in dataset.app_config.sidebar_groups or ()]
