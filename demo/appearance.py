"""What the demo's dataset shows when the App opens: one strategy."""

from __future__ import annotations

import fiftyone as fo

from prompting.dataset.appearance import shown_fields


def show_first(dataset: fo.Dataset, strategy: str = "yolo_box", prefix: str = "sam2") -> None:
    """Open the App with one strategy's mask and prompts and the truth; by itself it shows all prompts and no mask."""
    dataset.app_config.active_fields = fo.ActiveFields(paths=shown_fields(dataset, prefix, strategy))
    dataset.app_config.color_scheme.opacity = 0.55
    dataset.save()
