"""Whether the panel shows already what an event asks for.

The App tells of a changed view several times for each change, and again after
every drawing, and of a choice whenever it sets a drop-down itself. To draw for
each of them would never end.

Pages that show one dataset share the panel's state, where ``fiftyone app
launch`` hands it on, and its id. So a page says what it shows itself with every
choice, and draws what another page has changed: choices, a view, or scores. It
draws once for each: with every change of the state the App reads the dataset
again and tells of the view again, in each page.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid

from ..sidebar import groups
from .canvas import HERE, TOLD, listener
from .choices import BASELINE, PREFIX, SLICE_BY, A, B, Choices
from .recent import Recent
from .review import standings

DRAWN = "drawn"
"""Where the panel's state keeps what was drawn last."""

AT_ONCE = 3.0
"""Seconds within which the same event of the same drawing is an echo: the App sends it before it has the answer."""

_claimed: dict[tuple, float] = {}

_latest: Recent[tuple[str, str], dict] = Recent()
"""What was drawn last in any page, by dataset and panel: pages that hear of something put an older state back."""


def mark(ctx, chosen: Choices, content: str) -> dict:
    """What tells a drawing from others."""
    of = {PREFIX: None, SLICE_BY: chosen.slice_by}
    if chosen.findings is not None:
        pair = {chosen.path(BASELINE): chosen.baseline, chosen.path(A): chosen.a, chosen.path(B): chosen.b}
        of |= {PREFIX: chosen.prefix, **pair}
    return {
        "drawing": uuid.uuid4().hex,
        "view": _view(ctx),
        "choices": list(map(list, of.items())),
        "sidebar": _digest(groups(ctx.dataset)),
        "content": content,
        "reviews": _reviews(ctx),
    }


def tell(ctx, marked: dict) -> dict:
    """What the state says of a drawing: to all pages which it was, and to those that show an older one that it was.

    A page that heard of it, and drew the same, tells nobody. That the state changes with every drawing has a use: the
    App reads the dataset again, without which its sidebar would lack fields that a run made.
    """
    panel, state = (ctx.dataset.name, ctx.panel_id), ctx.panel.get_state
    older = {(drawn or {}).get("content") for drawn in (_latest.get(panel), state(HERE), state(DRAWN))}
    older -= {None, marked["content"]}
    _latest[panel] = marked
    if not older or is_told(ctx.params.get("path")):
        return {DRAWN: marked}
    return {DRAWN: marked, TOLD: {listener(content): marked["drawing"] for content in older}}


def is_told(path: str | None) -> bool:
    """Whether an event says that another page drew something."""
    return (path or "").startswith(f"{TOLD}.")


def has_groups(ctx, marked: dict) -> bool:
    """Whether the page drew with these groups in the sidebar before; another page's run may have made others since."""
    return (ctx.panel.get_state(HERE) or {}).get("sidebar") == marked["sidebar"]


def is_drawn(ctx) -> bool:
    """Whether the view and the choices are those of the last drawing, or of one that is under way.

    Of the page's own, where it makes a choice; else of any: who drew it tells the others.
    """
    state, latest = ctx.panel.get_state, _latest.get((ctx.dataset.name, ctx.panel_id))
    own = state(HERE) if ctx.params.get("path") else latest
    drawn = own or state(DRAWN) or latest or {}  # a page that was opened just now has no state yet
    choices = dict(drawn.get("choices") or ())
    wanted = [state(path) for path in choices]
    same = all(value is None or value == shown for value, shown in zip(wanted, choices.values()))
    if same and drawn.get("view") == _view(ctx):
        return True
    claim, now = (ctx.panel_id, drawn.get("drawing"), _view(ctx), *wanted), time.monotonic()
    for other in [other for other, when in _claimed.items() if now - when > AT_ONCE]:
        _claimed.pop(other, None)
    echo = claim in _claimed
    _claimed[claim] = now
    return echo


def misses_decisions(ctx) -> bool:
    """Whether labels were decided on since the last drawing in any page, in a review of its own panel."""
    latest = _latest.get((ctx.dataset.name, ctx.panel_id)) or ctx.panel.get_state(DRAWN)
    return latest is not None and latest.get("reviews") != _reviews(ctx)


def shows(ctx, content: str) -> bool:
    """Whether the page shows this :attr:`~.canvas.Canvas.content` itself."""
    return (ctx.panel.get_state(HERE) or {}).get("content") == content


def _reviews(ctx) -> list[str]:
    return [str(standing) for standing in standings(ctx.dataset).values()]


def _view(ctx) -> str:
    request = ctx.request_params
    stages = [{"_cls": stage.get("_cls"), "kwargs": stage.get("kwargs")} for stage in request.get("view") or ()]
    of = [request.get("view_name"), stages, request.get("filters") or {}, request.get("extended") or {}]
    return _digest(of)


def _digest(of) -> str:
    return hashlib.sha256(json.dumps(of, sort_keys=True, default=str).encode()).hexdigest()
