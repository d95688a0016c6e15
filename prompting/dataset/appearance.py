"""How the App shows results: a colour a strategy, a sidebar that isn't flooded, one strategy at a time."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import fiftyone as fo

from ..analysis.palette import NEGATIVE, POSITIVE, TRUTH, colours_of
from ..prompts.strategies import find
from .names import (
    StrategyFields,
    agreement_field,
    error_field,
    evaluation_key,
    heatmap_field,
    objects_field,
    overlay_field,
    patches_key,
    truth_field,
)
from .present import known_strategies

PLUGIN = "@promptlab/sam2-prompting"
EARLIER_COLOURS = frozenset(("#ff8c00", "#50c8ff", "#3cdc3c", "#f03232", "#b464ff"))
"""What earlier versions gave; a strategy had none of its own."""

HEXADECIMAL = re.compile("#[0-9a-fA-F]{6}")

_EARLIER_GROUPS = ("prompts", "instances", "scores", "errors")
"""Groups of earlier versions, one for all strategies."""


def shown_fields(dataset: fo.Dataset, prefix: str, strategy: str) -> list[str]:
    """What explains a strategy's result: its prompts, its mask, and the truth where there is one, the first on top."""
    fields = StrategyFields.of(prefix, strategy)
    wanted = (fields.positive, fields.negative, fields.boxes, fields.mask, truth_field(prefix))
    return [name for name in wanted if dataset.has_sample_field(name)]


def active_fields(dataset: fo.Dataset, prefix: str, strategy: str, gt_field: str | None = None) -> list[str]:
    """One strategy's result, and a person's own labels as the App shows them by itself; nothing else of ours.

    Args:
        dataset: with results
        prefix: of the strategies' fields
        strategy: whose result
        gt_field: the truth, which isn't shown twice
    """
    shown = shown_fields(dataset, prefix, strategy)
    rendered = {gt_field} if truth_field(prefix) in shown else set()
    labels = dataset.get_field_schema(ftype=fo.EmbeddedDocumentField, embedded_doc_type=fo.Label)
    ours = _drawn_fields(dataset, prefix)
    return shown + [path for path in labels if path not in rendered and path not in ours]


def arrange(dataset: fo.Dataset, prefix: str = "sam2") -> None:
    """Give the strategies their colours, and put their fields into a closed sidebar group each, but for the masks.

    By itself the App opens every field of every strategy, all in colours of chance. What a person set for these
    fields, or for any others, stays. The caller saves.
    """
    _colour(dataset, prefix)
    _group(dataset, prefix)


def show(dataset: fo.Dataset, prefix: str, strategy: str, gt_field: str | None = None, replace: bool = True) -> None:
    """Let the App open with one strategy's result, in place of all fields at once.

    What a person chose stays: only what was set here last, or nothing at all, is replaced. The caller saves.

    Args:
        dataset: with results
        prefix: of the strategies' fields
        strategy: whose result
        gt_field: the truth, which isn't shown twice
        replace: whether another strategy's result that was set here gives way
    """
    config = dataset.app_config
    ours = dict((config.plugins or {}).get(PLUGIN) or {})
    now = list(config.active_fields.paths or ()) if config.active_fields else []
    set_here = bool(now) and now == list(ours.get("active_fields") or ())
    if now and not (set_here and (replace or not all(map(dataset.has_sample_field, now)))):
        return
    paths = active_fields(dataset, prefix, strategy, gt_field)
    config.active_fields = fo.ActiveFields(paths=paths)
    config.plugins = {**(config.plugins or {}), PLUGIN: {**ours, "active_fields": paths}}


def strategy_colours(dataset: fo.Dataset, prefix: str) -> dict[str, str]:
    """The colour of each of the prefix's strategies: what its masks have in the App already, or one that none has."""
    known = known_strategies(dataset, prefix)
    names = [name for name in known if dataset.has_field(StrategyFields.of(prefix, name).mask)]
    there = {entry.get("path"): entry for entry in field_colours(dataset) if not _is_earlier(entry)}
    masks = {name: there.get(StrategyFields.of(prefix, name).mask, {}).get("fieldColor") for name in names}
    return colours_of(names, {name: colour for name, colour in masks.items() if HEXADECIMAL.fullmatch(colour or "")})


def colours(dataset: fo.Dataset, prefix: str) -> dict[str, str]:
    """The colour of each of the prefix's fields that are drawn."""
    drawn = {truth_field(prefix): TRUTH}
    for strategy, colour in strategy_colours(dataset, prefix).items():
        fields = StrategyFields.of(prefix, strategy)
        drawn |= dict.fromkeys((fields.mask, fields.instances, fields.boxes, fields.rounds), colour)
        drawn |= {fields.positive: POSITIVE, fields.negative: NEGATIVE}
        drawn |= {f"{prefix}_eval_{strategy}_iou": colour}  # a tag on the thumbnail
    return {path: colour for path, colour in drawn.items() if dataset.has_field(path)}


def field_colours(dataset: fo.Dataset) -> list[dict]:
    """The colours of fields that the dataset has for the App, as its ``set_color_scheme`` takes them.

    The App reads them when it opens a dataset, and not when it reads the dataset again.
    """
    scheme = dataset.app_config.color_scheme
    return [dict(entry) for entry in (scheme.fields if scheme else None) or ()]


def _colour(dataset: fo.Dataset, prefix: str) -> None:
    wanted = colours(dataset, prefix)
    scheme = dataset.app_config.color_scheme or fo.ColorScheme(color_by="field")
    kept = [entry for entry in scheme.fields or () if not (entry.get("path") in wanted and _is_earlier(entry))]
    named = {entry.get("path") for entry in kept}
    scheme.fields = kept + [{"path": path, "fieldColor": wanted[path]} for path in wanted if path not in named]
    dataset.app_config.color_scheme = scheme


def _is_earlier(entry: Mapping) -> bool:
    """Whether a colour was given by an earlier version, and to all strategies the same."""
    return set(entry) == {"path", "fieldColor"} and entry["fieldColor"] in EARLIER_COLOURS


def _group(dataset: fo.Dataset, prefix: str) -> None:
    """Move our paths out of the App's own groups and FiftyOne's groups of our evaluations.

    A group that a person made keeps what it holds.
    """
    strategies = known_strategies(dataset, prefix)
    closed = {name: [] for name in _group_names(prefix, strategies)}
    earlier = {f"{prefix} {kind}" for kind in _EARLIER_GROUPS}
    defaults = fo.DatasetAppConfig.default_sidebar_groups(dataset)
    before = dataset.app_config.sidebar_groups or defaults
    expanded = {group.name: bool(group.expanded) for group in before if group.name in closed}
    groups = [g for g in before if g.name not in closed and g.name not in earlier]
    known = {path for group in groups for path in group.paths}
    _add_newcomers(groups, defaults)
    standard = {group.name for group in defaults}
    for group in groups:
        if group.name in standard or group.name.startswith(f"{prefix}_"):
            for path in list(group.paths):
                name = _group_of(path, prefix, strategies)
                if name:
                    group.paths.remove(path)
                    closed[name] += [leaf for leaf in _leaves(dataset, path) if leaf == path or leaf not in known]
    groups = [g for g in groups if g.paths or not is_our_group(g.name, prefix, strategies)]
    made = [
        fo.SidebarGroupDocument(name=name, paths=_in_order(paths, prefix), expanded=expanded.get(name, False))
        for name, paths in closed.items()
        if paths
    ]
    at = next((i + 1 for i, g in enumerate(groups) if g.name == "labels"), len(groups))
    dataset.app_config.sidebar_groups = groups[:at] + made + groups[at:]


def sidebar_groups(dataset: fo.Dataset) -> list[fo.SidebarGroupDocument]:
    """The groups as a page that is loaded now shows them: with the fields that came since they were made."""
    defaults = fo.DatasetAppConfig.default_sidebar_groups(dataset)
    if dataset.app_config.sidebar_groups is None:  # nobody arranged any
        return defaults
    groups = [group.copy() for group in dataset.app_config.sidebar_groups]
    _add_newcomers(groups, defaults)
    return groups


def _add_newcomers(groups: list[fo.SidebarGroupDocument], defaults: Sequence[fo.SidebarGroupDocument]) -> None:
    """Put what came since the groups were made where it is by default."""
    known = {path for group in groups for path in group.paths}
    for default in defaults:
        group = next((g for g in groups if g.name == default.name), None)
        new = [path for path in default.paths if path not in known]
        if group is not None:
            group.paths += new
        elif new:
            groups.append(fo.SidebarGroupDocument(name=default.name, paths=new))


def is_our_group(name: str, prefix: str, strategies: Collection[str]) -> bool:
    """Whether a group is called as this or an earlier version, or FiftyOne for our evaluations, calls one of ours."""
    kinds = ("pictures", *_EARLIER_GROUPS)
    if name in (f"{prefix} {kind}" for kind in kinds):
        return True
    starts = (f"{prefix} ", evaluation_key(prefix, ""), patches_key(prefix, ""))
    stems = [name.removeprefix(start) for start in starts if name.startswith(start)]
    return any(stem in strategies or find(stem) for stem in stems)


def _group_names(prefix: str, strategies: Sequence[str]) -> list[str]:
    return [*(f"{prefix} {strategy}" for strategy in strategies), f"{prefix} pictures"]


def _group_of(path: str, prefix: str, strategies: Sequence[str]) -> str | None:
    """The closed group that one of the plugin's paths belongs to; None for masks, and for paths of others."""
    for strategy in strategies:
        fields = StrategyFields.of(prefix, strategy)
        documents = (error_field(prefix, strategy),)
        parts = any(path == document or path.startswith(f"{document}.") for document in documents)
        scores = path.startswith(f"{prefix}_eval_{strategy}_") and path.rpartition("_")[0] in (
            f"{prefix}_eval_{strategy}",
            f"{prefix}_eval_{strategy}_boundary",
        )
        counts = path.rpartition("_")[0] == patches_key(prefix, strategy)
        if parts or scores or counts or path in fields.everything[1:]:
            return f"{prefix} {strategy}"
    if path in (heatmap_field(prefix), agreement_field(prefix)) or path.startswith(f"{prefix}_truth_"):
        return f"{prefix} pictures"
    return None


def _leaves(dataset: fo.Dataset, path: str) -> list[str]:
    """A document's numbers; the App's own groups know its first level alone."""
    field = dataset.get_field(path)
    if isinstance(field, fo.EmbeddedDocumentField) and not issubclass(field.document_type, fo.Label):
        return [f"{path}.{name}" for name in field.get_field_schema()]
    return [path]


def _in_order(paths: list[str], prefix: str) -> list[str]:
    """First what is drawn and what it scored, then the evaluation, then the parts of the loss."""

    def rank(path: str) -> int:
        if path.startswith(f"{prefix}_eval_"):
            return 1 if path.endswith("_iou") else 2
        return 3 if "_error" in path.removeprefix(prefix) else 0

    return sorted(paths, key=rank)


def _drawn_fields(dataset: fo.Dataset, prefix: str) -> set[str]:
    """All that the plugin may have written which the App draws."""
    ours = {truth_field(prefix), overlay_field(prefix), heatmap_field(prefix), objects_field(prefix)}
    for strategy in known_strategies(dataset, prefix):
        ours |= {*StrategyFields.of(prefix, strategy).everything, error_field(prefix, strategy)}
    return ours
