"""The panel's building blocks: text, rows of buttons, choices, tables and plots."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import fiftyone.operators.types as types

NO_BREAK, JOINER = "\u00a0", "\u2060"


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
        return types.Property(self.root, view=types.GridView(align_x="left", orientation="vertical", gap=2))

    def text(self, name: str, title: str, note: str = "") -> None:
        """A heading, and a sentence on what is below."""
        self.root.md(f"#### {title}\n\n{note}", name=name)

    def row(self, name: str) -> types.Object:
        """A row for buttons and choices."""
        return self.root.h_stack(name, gap=1, align_y="end", wrap=True)

    def choice(self, parent: types.Object, name: str, label: str, value: str, values: Iterable[str]) -> None:
        """A drop-down; the panel is drawn anew when it changes."""
        view, values = types.DropdownView(), list(values)
        for choice in values:
            view.add_choice(choice, label=choice)
        parent.enum(name, values, default=value, label=label, view=view, on_change=self._redraw)

    def table(self, name: str, table, on_show: Callable | None = None) -> None:
        """A :class:`prompting.tables.Table`, with an eye in each row where a row can be shown."""
        self.text(f"{name}_title", table.title, table.note)
        view, cells = types.TableView(), types.Object()
        keys = [f"column{i}" for i in range(len(table.columns))]
        for key, label in zip(keys, table.columns):
            view.add_column(key, label=label)
            cells.str(key)
        if on_show is not None:
            view.add_row_action("show", on_click=on_show, label="Show on the pictures", icon="visibility")
        self.root.list(name, cells, view=view)
        self._data[name] = [dict(zip(keys, map(_unbroken, row))) for row in table.rows]

    def plot(self, name: str, figure: dict, **events: Callable) -> None:
        """A figure of :mod:`prompting.analysis.figures`; none where there is nothing to draw."""
        if figure["data"]:
            height = f"{figure['layout'].get('height', 360)}px"
            config = {"displaylogo": False, "scrollZoom": False, "responsive": True}
            self.root.plot(name, layout=figure["layout"], config=config, height=height, width="100%", **events)
            self._data[name] = figure["data"]


def _unbroken(cell: str) -> str:
    """A cell that stays in one line."""
    return cell.replace(" ", NO_BREAK).replace("–", f"{JOINER}–{JOINER}")
