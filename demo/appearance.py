"""How the demo's dataset looks when the App opens: one strategy's masks and prompts, and a sidebar that fits."""

from __future__ import annotations

import fiftyone as fo

MASK, BOX, POINT = "#ff8c00", "#50c8ff", "#3cdc3c"


def arrange(dataset: fo.Dataset, strategy: str = "yolo_box", prefix: str = "sam2") -> None:
    """Show one strategy; masks in the group of labels, prompts and everything else in groups that are closed.

    By itself the App hides all masks, shows all strategies' prompts on top of each other, and opens every group.
    """
    shown = {
        f"{prefix}_{strategy}": MASK,
        f"{prefix}_{strategy}_prompt_boxes": BOX,
        f"{prefix}_{strategy}_prompt_points": POINT,
    }
    groups = []
    for group in fo.DatasetAppConfig.default_sidebar_groups(dataset):
        prompts = [path for path in group.paths if "_prompt_" in path]
        group.paths = [path for path in group.paths if path not in prompts]
        group.expanded = group.name == "labels"
        groups.append(group)
        if prompts:
            groups.append(fo.SidebarGroupDocument(name="prompts", paths=prompts, expanded=False))
    dataset.app_config.sidebar_groups = groups
    dataset.app_config.active_fields = fo.ActiveFields(paths=list(shown))
    dataset.app_config.color_scheme = fo.ColorScheme(
        color_by="field", opacity=0.55, fields=[{"path": path, "fieldColor": color} for path, color in shown.items()]
    )
    dataset.save()
