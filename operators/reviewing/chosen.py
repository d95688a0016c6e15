"""What the review panel is about: which labels, which picture, and which strategy's masks are looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...prompting.runs.review import Review

NAME, LOOKED, PICKED, DRAWN, SESSION = "name", "looked", "picked", "drawn", "session"
"""Where the panel's state keeps the name of the labels, the strategy that a person looks at, the instances selected by
their rows, what was drawn, and whose decisions are taken back."""


@dataclass(frozen=True)
class Chosen:
    """What a request is about.

    Attributes:
        names: of all labels that there are
        name: of those that are reviewed; None where there are none
        sample_id: of the picture that is open; None in the grid
        picked: the ids of the label's instances that are selected in the picture
        selected: those, and the ones that are selected by their rows
        looked: prefix and strategy whose masks are looked at in place of the label; None for the label
    """

    names: tuple[str, ...]
    name: str | None
    sample_id: str | None
    picked: tuple[str, ...]
    selected: tuple[str, ...]
    looked: tuple[str, str] | None

    @classmethod
    def of(cls, ctx) -> Chosen:
        from ...prompting.dataset.names import instances_field
        from ...prompting.dataset.owned import labels_there

        names = tuple(name for name in labels_there(ctx.dataset) if ctx.dataset.has_sample_field(name))
        given = ctx.panel.get_state(NAME)
        name = given if given in names else next(iter(names), None)
        picked = [
            label["label_id"]
            for label in ctx.selected_labels or ()
            if name and label.get("field") == instances_field(name) and label.get("sample_id") == ctx.current_sample
        ]
        rows = ctx.panel.get_state(PICKED) or {}
        by_row = rows["instances"] if rows.get("sample") == ctx.current_sample and rows else []
        looked = ctx.panel.get_state(LOOKED) or {}
        at = (looked["prefix"], looked["strategy"]) if looked.get("sample") == ctx.current_sample and looked else None
        selected = dict.fromkeys([*picked, *by_row])
        return cls(names, name, ctx.current_sample, tuple(picked), tuple(selected), at)

    @property
    def drawn(self) -> list:
        """By what a drawing is known to be of the same."""
        return [self.name, self.sample_id, list(self.selected)]

    def review(self, ctx) -> Review:
        """The review of the pictures in the App's view."""
        from ...prompting.runs.review import Review

        return Review(ctx.view, self.name, session=session_of(ctx))


def session_of(ctx) -> str:
    """Of the page's panel; one that has none gets one."""
    import uuid

    session = ctx.panel.get_state(SESSION)
    if not session:
        session = uuid.uuid4().hex
        ctx.panel.set_state(SESSION, session)
    return session
