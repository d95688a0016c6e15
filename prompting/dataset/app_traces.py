"""Forgetting what the App was told of fields that are gone: their colours, groups, ticks, and what mask values mean."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import fiftyone as fo

from .appearance import PLUGIN, is_our_group
from .present import known_strategies


def traces(dataset: fo.Dataset, prefixes: Collection[str], fields: Collection[str]) -> list[str]:
    """What :func:`forget` would take away, in words."""
    config, found = dataset.app_config, []
    if colours := [e for e in (config.color_scheme and config.color_scheme.fields) or () if _names(e, fields)]:
        found.append(f"colours of {len(colours)} fields")
    if groups := [g.name for g in config.sidebar_groups or () if any(_of(path, fields) for path in g.paths)]:
        found.append(f"paths in the groups {', '.join(groups)}")
    if empty := [g.name for g in config.sidebar_groups or () if not g.paths and _is_ours(dataset, g, prefixes)]:
        found.append(f"the empty groups {', '.join(empty)}")
    if ticked := [path for path in (config.active_fields and config.active_fields.paths) or () if _of(path, fields)]:
        found.append(f"ticks of {len(ticked)} fields")
    if targets := [name for name in dataset.mask_targets if name in fields]:
        found.append(f"what the values of {len(targets)} masks mean")
    return found


def forget(dataset: fo.Dataset, prefixes: Collection[str], fields: Collection[str]) -> None:
    """Take away all that names these fields, and the groups that are empty without them; the caller saves.

    What then is as FiftyOne would have it is left to FiftyOne again, as before the plugin set anything.

    Args:
        dataset: which has lost the fields
        prefixes: with which the plugin's groups of such fields begin
        fields: their names
    """
    for name in fields:
        dataset.mask_targets.pop(name, None)
    _forget_colours(dataset, fields)
    _forget_groups(dataset, prefixes, fields)
    _forget_ticks(dataset, fields)


def _is_ours(dataset: fo.Dataset, group: fo.SidebarGroupDocument, prefixes: Collection[str]) -> bool:
    return any(is_our_group(group.name, prefix, known_strategies(dataset, prefix)) for prefix in prefixes)


def _names(entry: dict, fields: Collection[str]) -> bool:
    return _of(entry.get("path") or "", fields)


def _of(path: str, fields: Collection[str]) -> bool:
    parts = path.split(".")
    return any(".".join(parts[:n]) in fields for n in range(1, len(parts) + 1))


def _forget_colours(dataset: fo.Dataset, fields: Collection[str]) -> None:
    scheme = dataset.app_config.color_scheme
    if scheme is None or not any(_names(entry, fields) for entry in scheme.fields or ()):
        return
    scheme.fields = [entry for entry in scheme.fields if not _names(entry, fields)]
    dataset.app_config.color_scheme = None if _settings(scheme) == {"color_by": "field"} else scheme


def _settings(scheme: fo.ColorScheme) -> dict:
    return {name: value for name, value in scheme.to_dict().items() if value and name not in ("_id", "id")}


def _forget_groups(dataset: fo.Dataset, prefixes: Collection[str], fields: Collection[str]) -> None:
    groups = dataset.app_config.sidebar_groups
    if groups is None:
        return
    for group in groups:
        group.paths = [path for path in group.paths if not _of(path, fields)]
    kept = [group for group in groups if group.paths or not _is_ours(dataset, group, prefixes)]
    standard, known = fo.DatasetAppConfig.default_sidebar_groups(dataset), {path for g in kept for path in g.paths}
    same = _as_seen(kept, known) == _as_seen(standard, known)
    dataset.app_config.sidebar_groups = None if same else kept


def _as_seen(groups: Sequence[fo.SidebarGroupDocument], known: Collection[str]) -> list[tuple]:
    """What is seen of groups: one that nobody opened or closed is open, and the App adds fields that are new to it."""
    seen = [
        (group.name, [path for path in group.paths if path in known], group.expanded is not False) for group in groups
    ]
    return [group for group in seen if group[1]]


def _forget_ticks(dataset: fo.Dataset, fields: Collection[str]) -> None:
    """What the plugin ticked is ticked no more, be it somebody's own labels; what a person ticked stays."""
    config = dataset.app_config
    ours = dict((config.plugins or {}).get(PLUGIN) or {})
    ticked = list(ours.get("active_fields") or ())
    now = _without(config.active_fields.paths if config.active_fields else (), fields)
    set_here = _without(ticked, fields) != ticked and now == _without(ticked, fields)
    if config.active_fields is not None:
        config.active_fields.paths = now
        if set_here or not (now or config.active_fields.exclude):
            config.active_fields = None
    if _without(ticked, fields) != ticked:
        kept = {name: value for name, value in ours.items() if name != "active_fields"}
        others = {name: value for name, value in config.plugins.items() if name != PLUGIN}
        config.plugins = {**others, **({PLUGIN: kept} if kept else {})}


def _without(paths: Sequence[str], fields: Collection[str]) -> list[str]:
    return [path for path in paths if not _of(path, fields)]
