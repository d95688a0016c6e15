"""How the App shows results: colours that tell prompts apart, a sidebar that isn't flooded, one strategy at a time."""

from __future__ import annotations

import fiftyone as fo

from .agreement import agreement_field
from .storage import StrategyFields, heatmap_field
from .strategies import STRATEGIES
from .truth import truth_field

MASK, BOX, POSITIVE, NEGATIVE, TRUTH = "#ff8c00", "#50c8ff", "#3cdc3c", "#f03232", "#b464ff"


def shown_fields(dataset: fo.Dataset, prefix: str, strategy: str) -> list[str]:
    """What explains one strategy's result: its mask, its prompts, and the truth where there is one."""
    fields = StrategyFields.of(prefix, strategy)
    wanted = (fields.mask, fields.boxes, fields.positive, fields.negative, truth_field(prefix))
    return [name for name in wanted if dataset.has_sample_field(name)]


def arrange(dataset: fo.Dataset, prefix: str = "sam2") -> None:
    """Give the prefix's fields colours and put them into sidebar groups of their own, closed but for the masks.

    By itself the App opens every field of every strategy, and positive and negative points look alike. What a person
    set for these fields, or for any others, stays.
    """
    _colour(dataset, prefix)
    _group(dataset, prefix)
    dataset.save()


def _colour(dataset: fo.Dataset, prefix: str) -> None:
    colours = {truth_field(prefix): TRUTH}
    for strategy in STRATEGIES:
        fields = StrategyFields.of(prefix, strategy)
        colours |= {fields.mask: MASK, fields.boxes: BOX, fields.positive: POSITIVE, fields.negative: NEGATIVE}
    scheme = dataset.app_config.color_scheme or fo.ColorScheme(color_by="field")
    given = list(scheme.fields or [])
    named = {entry.get("path") for entry in given}
    wanted = ((path, colour) for path, colour in colours.items() if dataset.has_sample_field(path))
    scheme.fields = given + [{"path": path, "fieldColor": colour} for path, colour in wanted if path not in named]
    dataset.app_config.color_scheme = scheme


def _group(dataset: fo.Dataset, prefix: str) -> None:
    """Move our paths out of the App's own groups and FiftyOne's groups of our evaluations.

    A group that a person made keeps what it holds.
    """
    closed = {f"{prefix} {kind}": [] for kind in ("prompts", "instances", "scores", "errors")}
    defaults = fo.DatasetAppConfig.default_sidebar_groups(dataset)
    groups = [g for g in dataset.app_config.sidebar_groups or defaults if g.name not in closed]
    known = {path for group in groups for path in group.paths}
    for default in defaults:  # what came since the groups were made
        group = next((g for g in groups if g.name == default.name), None)
        new = [path for path in default.paths if path not in known]
        if group is not None:
            group.paths += new
        elif new:
            groups.append(fo.SidebarGroupDocument(name=default.name, paths=new))
    standard = {group.name for group in defaults}
    for group in groups:
        if group.name in standard or group.name.startswith(f"{prefix}_"):
            for path in list(group.paths):
                kind = _kind(path, prefix)
                if kind:
                    group.paths.remove(path)
                    closed[f"{prefix} {kind}"].append(path)
    groups = [g for g in groups if g.paths or not g.name.startswith(f"{prefix}_")]
    made = [fo.SidebarGroupDocument(name=n, paths=paths, expanded=False) for n, paths in closed.items() if paths]
    at = next((i + 1 for i, g in enumerate(groups) if g.name == "labels"), len(groups))
    dataset.app_config.sidebar_groups = groups[:at] + made + groups[at:]


def _kind(path: str, prefix: str) -> str | None:
    """The closed group that one of the plugin's paths belongs to; None for masks, and for paths of others."""
    for strategy in STRATEGIES:
        fields = StrategyFields.of(prefix, strategy)
        if path in (fields.boxes, fields.points, fields.positive, fields.negative, fields.rounds):
            return "prompts"
        if path == fields.instances:
            return "instances"
        if path in (fields.status, fields.score) or path.startswith(f"{prefix}_eval_{strategy}"):
            return "scores"
        if path.startswith(f"{fields.mask}_error"):
            return "errors"
    if path == heatmap_field(prefix):
        return "prompts"
    if path == agreement_field(prefix) or path.startswith(f"{prefix}_truth_"):
        return "scores"
    return None
