"""Whether the panel shows already what an event asks for.

The App tells of a changed view several times for each change, and again after
every drawing, and of a choice whenever it sets a drop-down itself. To draw for
each of them would never end.

Pages that show one dataset share the panel's state, where ``fiftyone app
launch`` hands it on, and its id. So a page says what it shows itself with every
choice, and draws what another page has changed: choices, a view, or scores.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid

from .canvas import HERE
from .choices import BASELINE, PREFIX, SLICE_BY, A, B, Choices

DRAWN = "drawn"
"""Where the panel's state keeps what was drawn last."""

AT_ONCE = 3.0
"""Seconds within which the same event of the same drawing is an echo: the App sends it before it has the answer."""

_claimed: dict[tuple, float] = {}


def mark(ctx, chosen: Choices) -> dict:
    """What tells a drawing from others."""
    of = {PREFIX: None, BASELINE: chosen.baseline, A: chosen.a, B: chosen.b, SLICE_BY: chosen.slice_by}
    if chosen.findings is not None:
        of[PREFIX] = chosen.prefix
    return {"drawing": uuid.uuid4().hex, "view": _view(ctx), "choices": list(of.values())}


def is_drawn(ctx) -> bool:
    """Whether the view and the choices are those of the last drawing, or of one that is under way."""
    state = ctx.panel.get_state
    wanted = [state(name) for name in (PREFIX, BASELINE, A, B, SLICE_BY)]
    drawn = state(HERE) or state(DRAWN) or {}
    choices = drawn.get("choices") or [None] * len(wanted)
    same = all(name is None or name == shown for name, shown in zip(wanted, choices))
    if same and drawn.get("view") == _view(ctx):
        return True
    claim, now = (ctx.panel_id, drawn.get("drawing"), _view(ctx), *wanted), time.monotonic()
    for other in [other for other, when in _claimed.items() if now - when > AT_ONCE]:
        _claimed.pop(other, None)
    echo = claim in _claimed
    _claimed[claim] = now
    return echo


def shows(ctx, content: str) -> bool:
    """Whether the page shows this :attr:`~.canvas.Canvas.content` itself."""
    return (ctx.panel.get_state(HERE) or {}).get("content") == content


def _view(ctx) -> str:
    request = ctx.request_params
    stages = [{"_cls": stage.get("_cls"), "kwargs": stage.get("kwargs")} for stage in request.get("view") or ()]
    of = [request.get("view_name"), stages, request.get("filters") or {}, request.get("extended") or {}]
    return hashlib.sha256(json.dumps(of, sort_keys=True, default=str).encode()).hexdigest()
