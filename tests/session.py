"""What the session of ``fiftyone app launch`` hears of the orders that the App carries out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fiftyone.core.session.events import Event
from fiftyone.server.inputs import SelectedLabel


def hear(orders: Iterable[tuple[str, dict]]) -> list:
    """The events, built as the session's client builds them: it reconnects, and sets all pages back, where one fails.

    Args:
        orders: operators' names with their parameters
    """
    return [Event.from_data(name, data) for order, params in orders for name, data in _told(order, params)]


def _told(order: str, params: dict) -> Iterator[tuple[str, dict]]:
    """An event's name and its data, as FiftyOne 1.22's App and server make them of an order."""
    if order in ("set_selected_labels", "clear_selected_labels"):  # the App hands on these of a label's keys alone
        kept = ("label_id", "field", "sample_id", "frame_number")
        labels = [SelectedLabel(**{key: label.get(key) for key in kept}) for label in params.get("labels", ())]
        yield "select_labels", {"labels": [vars(label) for label in labels]}
    elif order in ("set_selected_samples", "clear_selected_samples"):
        given = [{"id": one} if isinstance(one, str) else one for one in params.get("samples", ())]
        yield "select_samples", {"samples": [{"id": one["id"], "type": one.get("type") or "default"} for one in given]}
    elif order == "open_sample":
        yield "set_sample", {"sample_id": params.get("id"), "group_id": params.get("group_id")}
    elif order == "set_color_scheme":
        yield "set_color_scheme", {"color_scheme": {"fields": params["fields"]}}
