"""Telling the panels that are open in the App that a run ended."""

from __future__ import annotations

from collections.abc import Iterator

PANEL = "strategies_panel"
REDRAW = f"@promptlab/sam2-prompting/{PANEL}#redraw"


def redraw_open_panels(ctx) -> Iterator:
    """Messages that have every open panel of ours drawn anew, with the choices that were made in it.

    The App alone knows a panel's state. It adds it when an operator is prompted for, so this prompts for the
    panel's own event, without a form.
    """
    for panel_id in _panels(ctx.request_params.get("spaces") or {}):
        params = {"operator_uri": REDRAW, "panel_id": panel_id, "params": {}, "skip_prompt": True}
        yield ctx.trigger("prompt_user_for_operation", params)


def _panels(space: dict) -> Iterator[str]:
    for child in space.get("children") or ():
        if child.get("type") == PANEL:
            yield child.get("component_id") or child.get("id")
        yield from _panels(child)
