"""The panel as FiftyOne's server runs it: a request with a method and the panel's state, answered with what to do."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import dataclass

import fiftyone.operators as foo
import pytest

from tests.session import hear

PANEL = "@promptlab/sam2-prompting/strategies_panel"


@dataclass(frozen=True)
class Answer:
    """What the App is told to do: operators' names with their parameters, the last of each."""

    orders: dict[str, dict]

    @property
    def view(self) -> dict:
        """The panel's building blocks by name, but for the one that nobody sees."""
        blocks = self.orders["show_panel_output"]["output"]["type"]["properties"]
        return {name.partition("_shape")[0]: block for name, block in blocks.items() if name != "all"}

    @property
    def sent(self) -> dict:
        """Rows of the tables and traces of the plots, by the keys that the App knows them by."""
        return {name: value for name, value in self.orders["set_panel_data"]["data"].items() if name != "drawn_here"}

    @property
    def data(self) -> dict:
        """The same by their names."""
        return {name.partition("_shape")[0]: value for name, value in self.sent.items()}

    @property
    def here(self) -> dict:
        """What the page that asked remembers of its drawing."""
        return self.orders["set_panel_data"]["data"]["drawn_here"]

    @property
    def text(self) -> str:
        """All that can be read but the tables' rows."""
        return str(self.orders["show_panel_output"])

    @property
    def shown_ids(self) -> list[str]:
        """The samples that the grid is set to, in its order."""
        return dict(self.orders["set_view"]["view"][-1]["kwargs"])["sample_ids"]

    @property
    def hears_at(self) -> str:
        """The path at which the page that shows this hears of others' drawings."""
        (name,) = self.orders["show_panel_output"]["output"]["type"]["properties"]["all"]["type"]["properties"]
        return f"all.{name}"

    @property
    def state(self) -> dict:
        """What the panel remembers from now on."""
        return self.orders["patch_panel_state"]["state"]


@pytest.fixture
def ask():
    """Have the panel do something."""

    def ask(
        dataset,
        method: str = "on_load",
        state: dict | None = None,
        view=None,
        at: str | None = None,
        sample: str | None = None,
        **params,
    ) -> Answer:
        here = {"section": at} if at else {}
        if any({"baseline", "a", "b"} & set((state or {}).get(row) or ()) for row in ("top", "pair")):
            state = _kept(state, ask(dataset).state)
        request = {"__method__": method, "panel_id": "test", "panel_state": {**here, **(state or {})}, **params}
        result = foo.execute_operator(
            PANEL, {"dataset": dataset, "view": view, "current_sample": sample}, params=request
        )
        result.raise_exceptions()
        orders = [(order["operator_uri"].split("/")[-1], order["params"]) for order in _orders(result)]
        hear(orders)
        patched = [params["state"] for name, params in orders if name == "patch_panel_state"]
        state = {"patch_panel_state": {"state": dict(ChainMap(*reversed(patched)))}} if patched else {}
        return Answer({**dict(orders), **state})

    return ask


def _kept(state: dict, drawn: dict) -> dict:
    """Choices by the paths that the App keeps them at, which end with what there is to choose from."""
    ending = next(path for path in drawn if path.startswith("top.baseline")).removeprefix("top.baseline")
    rows = {row: {f"{name}{ending}": value for name, value in state.get(row, {}).items()} for row in ("top", "pair")}
    return {**state, **rows}


def _orders(result) -> list[dict]:
    return result.to_json()["executor"]["requests"]
