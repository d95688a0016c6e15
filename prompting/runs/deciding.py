"""One decision on one sample's label: kept, so that it can be taken back, and carried out in one update."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..dataset.decisions import Decision, Decisions, fingerprint
from ..dataset.labelled import Labelled
from ..errors import PromptingError


def decide(
    labels: Labelled,
    raw: Mapping[str, Any],
    what: str,
    changes: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
    tag: str | None = None,
    untag: str | None = None,
    session: str = "",
) -> Decision:
    """Keep a decision and carry it out: in this order, so that a process that ends in between loses nothing.

    Args:
        labels: that it is about
        raw: the sample as it was read
        what: was decided, in words, such as ``accepted``
        changes: of the label's fields, as the database holds them
        before: the label that taking it back restores; None: the one that was read
        tag: that the sample gets, and loses when it is taken back
        untag: that it loses, whatever becomes of the decision
        session: which alone takes it back; empty: any

    Raises:
        PromptingError: the sample isn't as it was read any more; nothing is kept
    """
    labels.declare_status()
    now, decisions = labels.of(raw), Decisions(labels.dataset, labels.name)
    after = fingerprint({**now, **changes})
    decision = decisions.add(str(raw["_id"]), what, now if before is None else before, after, tag, session)
    tags = {"$addToSet": {"tags": tag}} if tag else {"$pull": {"tags": untag}} if untag else {}
    try:
        labels.update(raw, {"$set": changes, **tags})
    except PromptingError:
        decisions.forget(decision)
        raise
    return decision
