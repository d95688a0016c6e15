"""Which pictures the panel speaks of: those of the person's own view, whatever the panel's buttons narrowed it to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import fiftyone as fo
from fiftyone.server.view import get_view

from .recent import Recent

SHOWN = "shown"
"""Where the panel's state keeps what a button showed: its title, by what its stage is known again, and the fields that
were shown before; and which of them a person made a view of their own."""

_known: Recent[tuple[str, str], str] = Recent()
"""The stages that buttons made lately: (dataset, key) -> title.

A quick second press brings the state that the first one left, but the view before it, whose stage would be a person's.
"""


@dataclass(frozen=True)
class Scope:
    """The person's view, and what a button of the panel shows of it.

    Attributes:
        dataset: the dataset
        stages: of the person's own view, as the App sends them
        ids: of its pictures; None for the whole dataset
        title: of what a button shows; None where the grid shows the person's view
    """

    dataset: fo.Dataset
    stages: list[dict]
    ids: frozenset[str] | None = None
    title: str | None = None

    @classmethod
    def of(cls, ctx) -> Scope:
        request = ctx.request_params
        name = request.get("view_name")
        stages = ctx.dataset.load_saved_view(name)._serialize() if name else list(request.get("view") or [])
        shown, title = ctx.panel.get_state(SHOWN) or {}, None
        while stages and (made := _made_here(ctx.dataset, stages[-1], shown, known=not name)):
            stages, title = stages[:-1], title or made
        filters, extended = request.get("filters"), request.get("extended")
        if not (stages or filters or extended):
            return cls(ctx.dataset, [], None, title)
        view = get_view(ctx.dataset, stages=stages, filters=filters, extended_stages=extended)
        ids = view.values("sample_id" if view._is_generated else "id")
        return cls(ctx.dataset, [] if view._is_generated else stages, frozenset(ids), title)

    @property
    def view(self) -> fo.DatasetView:
        """The person's own view, without what the sidebar filters: that stays in the sidebar."""
        return fo.DatasetView._build(self.dataset, self.stages) if self.stages else self.dataset.view()

    def narrow(self, ctx, title: str, sample_ids: Sequence[str]) -> None:
        """Show some of the person's pictures, in this order, so that it can be undone."""
        shown, key = ctx.panel.get_state(SHOWN) or {}, _key(sample_ids)
        before = shown.get("fields") if self.title else ctx.active_fields
        ctx.panel.set_state(SHOWN, {"title": title, "key": key, "fields": before, "own": shown.get("own")})
        _known[self.dataset.name, key] = title
        ctx.ops.set_view(self.view.select(list(sample_ids), ordered=True))

    def widen(self, ctx) -> None:
        """Back to the person's own view, and to the fields that were shown in it."""
        shown = ctx.panel.get_state(SHOWN) or {}
        ctx.panel.set_state(SHOWN, {"own": shown.get("own")})
        ctx.ops.clear_selected_samples()
        if self.stages:
            ctx.ops.set_view(self.view)
        else:
            ctx.ops.clear_view()
        if self.title and shown.get("fields"):
            ctx.ops.set_active_fields(shown["fields"])

    def adopt(self, ctx) -> None:
        """What a button showed becomes the person's own view."""
        shown = ctx.panel.get_state(SHOWN) or {}
        ctx.panel.set_state(SHOWN, {"own": shown.get("key")})


def _made_here(dataset: fo.Dataset, stage: dict, shown: dict, known: bool) -> str | None:
    """The title of a stage that a button made; None of a person's, and of one that they made their own."""
    key = _key(_selected(stage))
    if key is None or key == shown.get("own"):
        return None
    if key == shown.get("key"):
        return shown.get("title")
    return _known.get((dataset.name, key)) if known else None


def _selected(stage: dict) -> list[str] | None:
    """The ids that a stage selects, in order; None of another stage."""
    if not str(stage.get("_cls", "")).endswith(".Select"):
        return None
    return dict(stage.get("kwargs") or []).get("sample_ids")


def _key(sample_ids: Sequence[str] | None) -> str | None:
    """Short for many ids in their order: the panel's state travels with every request."""
    return hashlib.sha256("".join(sample_ids).encode()).hexdigest() if sample_ids else None
