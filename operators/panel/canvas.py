"""The panel's building blocks: text, rows of buttons, choices, tables and plots."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import fiftyone.operators.types as types

NO_BREAK, JOINER = "\u00a0", "\u2060"
LONGEST_NUMBER = 20


class Canvas:
    """A panel as it grows from top to bottom.

    The data of tables and plots travels apart from the layout (FiftyOne draws
    nothing for data that a view brings along): :meth:`show` sends both.
    """

    def __init__(self, redraw: Callable):
        self.root, self._redraw, self._data = types.Object(), redraw, {}

    def show(self, ctx) -> types.Property:
        """What ``render`` returns; the data is on its way."""
        ctx.ops.set_panel_data(self._data)
        narrow = {
            "grid": {"sx": {"gridTemplateColumns": "minmax(0, 1fr)", "px": 1}}
        }  # or a wide table widens the panel
        view = types.GridView(align_x="left", orientation="vertical", gap=2, componentsProps=narrow)
        return types.Property(self.root, view=view)

    def text(self, name: str, title: str, note: str = "") -> None:
        """A heading, and a sentence on what is below."""
        self.root.view(name, types.HeaderView(label=title, description=note, divider=True))

    def row(self, name: str) -> types.Object:
        """A row for buttons and choices."""
        return self.root.h_stack(name, gap=1, align_y="end", wrap=True)

    def choice(self, parent: types.Object, name: str, label: str, value: str, values: Iterable[str]) -> None:
        """A drop-down; the panel is drawn anew when it changes."""
        view, values = types.DropdownView(), list(values)
        for choice in values:
            view.add_choice(choice, label=choice)
        parent.enum(name, values, default=value, label=label, view=view, on_change=self._redraw)

    def table(self, name: str, table, on_click_row: Callable | None = None) -> None:
        """A :class:`prompting.tables.Table`, whose rows can be clicked where that does something."""
        hint = " Click a row to see that strategy on the pictures." if on_click_row else ""
        self.text(f"{name}_title", table.title, f"{table.note}{hint}".strip())
        keys = [f"column{i}" for i in range(len(table.columns))]
        clicks = {"on_click_row": on_click_row} if on_click_row else {}
        view, cells = types.TableView(componentsProps=_table_style(bool(clicks)), **clicks), types.Object()
        for key, label in zip(keys, table.columns):
            view.add_column(key, label=label)
            cells.str(key)
        self.root.list(name, cells, view=view)
        self._data[name] = [dict(zip(keys, map(_unbroken, row))) for row in table.rows]

    def plot(self, name: str, figure: dict, **events: Callable) -> None:
        """A figure of :mod:`prompting.analysis.figures`; none where there is nothing to draw."""
        if figure["data"]:
            height = f"{figure['layout'].get('height', 360)}px"
            config = {"displaylogo": False, "scrollZoom": False, "responsive": True}
            self.root.plot(name, layout=figure["layout"], config=config, height=height, width="100%", **events)
            self._data[name] = figure["data"]


def _table_style(clickable: bool) -> dict:
    """Narrow cells: a panel has half of the window."""
    return {
        "table": {"sx": {"minWidth": 0}},
        "tableHeadCell": {"sx": {"px": 1}},
        "tableBodyCell": {"sx": {"px": 1, **({"cursor": "pointer"} if clickable else {})}},
    }


def _unbroken(cell: str) -> str:
    """A number or an interval that stays in one line; sentences may be broken."""
    return cell if len(cell) > LONGEST_NUMBER else cell.replace(" ", NO_BREAK).replace("–", f"{JOINER}–{JOINER}")
