"""Every panel of ours that is open in the App hears that a run ended, and no other."""

from types import SimpleNamespace

import fiftyone.operators as foo
import pytest

PANEL = "strategies_panel"


@pytest.fixture
def redraw_open_panels():
    """The function, as the operators use it."""
    import sys

    package = type(foo.get_operator("@promptlab/sam2-prompting/apply_strategies")).__module__.rpartition(".")[0]
    return sys.modules[f"{package}.panel.open_panels"].redraw_open_panels


def told(redraw_open_panels, spaces) -> list[dict]:
    ctx = SimpleNamespace(request_params={"spaces": spaces}, trigger=lambda name, params: {"name": name, **params})
    return list(redraw_open_panels(ctx))


def test_open_panels_are_found_wherever_they_are(redraw_open_panels):
    ours = {"type": PANEL, "component_id": "left"}, {"type": PANEL, "id": "right"}
    spaces = {"children": [{"children": [{"type": "Samples", "id": "grid"}, ours[0]]}, {"children": [ours[1]]}]}
    orders = told(redraw_open_panels, spaces)
    assert [order["panel_id"] for order in orders] == ["left", "right"]
    for order in orders:
        assert (order["name"], order["skip_prompt"]) == ("prompt_user_for_operation", True)
        assert order["operator_uri"] == f"@promptlab/sam2-prompting/{PANEL}#redraw"


@pytest.mark.parametrize("spaces", [None, {}, {"children": None}, {"children": [{"type": "Samples", "id": "grid"}]}])
def test_nobody_is_told_where_none_is_open(redraw_open_panels, spaces):
    assert told(redraw_open_panels, spaces) == []
