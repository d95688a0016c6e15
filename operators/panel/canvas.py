"""The panel's building blocks: text, rows of buttons, choices, tables and plots."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable

import fiftyone.operators.types as types

NO_BREAK, JOINER = "\u00a0", "\u2060"
LONGEST_NUMBER = 20

TOLD = "all"
"""Where the state keeps which drawing followed what a page may show; by :func:`listener`."""

HERE = "drawn_here"
"""Where a page's own data keeps what it shows itself."""

CLICK_A_ROW = "Click a row to see that strategy on the pictures."

SHAPED = re.compile(r"\w+_shape[0-9a-f]{8}")
"""A key of data that was drawn, by :func:`_key`."""

# A row's cells are as wide as what they hold, and go to the next line where a narrow panel has no room.
WRAPPED = {"grid": {"sx": {"display": "flex", "flexWrap": "wrap", "alignItems": "flex-end"}}}
HIDDEN = {"container": {"sx": {"display": "none"}}}
NARROW = {"item": {"sx": {"width": "auto", "maxWidth": "100%"}}}


def listener(content: str) -> str:
    """By what name, in the row TOLD, a page that shows this content hears of another drawing.

    A drop-down is there that nobody sees: the App tells of every choice that another page made, with what this one
    shows. The page that drew shows something else by then: it doesn't hear of itself, which would have it draw, and the
    App read the dataset, a second time.
    """
    return content[:16]


class Canvas:
    """A panel as it grows from top to bottom.

    The data of tables and plots travels apart from the layout (FiftyOne draws
    nothing for data that a view brings along): :meth:`show` sends both.

    Whenever a choice is made, the App copies all data that it shows into the
    panel's state, which all pages share, and then draws state and data merged
    element by element: what is shorter than in another page would keep that one's
    end. So data of different shapes have different keys, and the copies are taken
    out of the state with every drawing.
    """

    def __init__(self, redraw: Callable):
        self.root, self._redraw, self._data = types.Object(), redraw, {}
        self._passing, self._moving = set(), {}

    @property
    def content(self) -> str:
        """By what two drawings are known to be the same; without what passes by itself."""
        lasting = {name: of.to_json() for name, of in self.root.properties.items() if name not in self._passing}
        return hashlib.sha256(json.dumps([lasting, self._data], default=str).encode()).hexdigest()

    def show(self, ctx, state: dict, here: dict) -> None:
        """Draw, and then tell the pages that still show what was there before.

        Args:
            ctx: of the panel
            state: what the panel's state must say, in every page that shows the dataset: they share it
            here: what this page alone remembers, and says with every choice
        """
        content, hidden = self.content, types.DropdownView(componentsProps=HIDDEN)  # the content without what hears
        self.row(TOLD).enum(listener(content), [], view=hidden, on_change=self._redraw)
        self._send_data(ctx, {HERE: here})
        ctx.ops.show_panel_output(self._laid_out())
        self._send_state(ctx, {HERE: None, **state})

    def send(self, ctx, state: dict) -> types.Property:
        """What ``render`` returns, for a panel whose pages needn't hear of each other."""
        self._send_data(ctx, {})
        self._send_state(ctx, state)
        return self._laid_out()

    def _send_data(self, ctx, here: dict) -> None:
        ctx.ops.set_panel_data({**self._data, **self._moving, **here})

    def _send_state(self, ctx, state: dict) -> None:
        copies = filter(SHAPED.fullmatch, ctx.panel_state or ())
        ctx.ops.patch_panel_state({**dict.fromkeys((*copies, *self._data, *self._moving)), **state})

    def _laid_out(self) -> types.Property:
        # or a wide table widens the panel
        narrow = {"grid": {"sx": {"gridTemplateColumns": "minmax(0, 1fr)", "px": 1}}}
        view = types.GridView(align_x="left", orientation="vertical", gap=2, componentsProps=narrow)
        return types.Property(self.root, view=view)

    def text(self, name: str, title: str, note: str = "", passing: bool = False, divider: bool = True) -> None:
        """A heading, and a sentence on what is below; one that is passing makes no other drawing of it."""
        self.root.view(name, types.HeaderView(label=title, description=note, divider=divider))
        if passing:
            self._passing.add(name)

    def moving(self, name: str, sentence: str) -> None:
        """A sentence that an event may replace, by patching the data of that name, with nothing else drawn anew."""
        self.root.str(name, view=types.MarkdownView())
        self._moving[name] = sentence
        self._passing.add(name)

    def every(self, milliseconds: int, event: Callable, **params) -> None:
        """Have an event come again and again while this is drawn."""
        self.root.view("timer", types.TimerView(interval=milliseconds, on_interval=event, params=params))

    def row(self, name: str) -> types.Object:
        """A row for buttons and choices."""
        return self.root.h_stack(name, gap=1, align_y="end", componentsProps=WRAPPED)

    def button(
        self,
        row: types.Object,
        name: str,
        label: str,
        on_click: Callable,
        icon: str = "",
        main: bool = False,
        tab: bool = False,
        **params,
    ):
        """A button that keeps its words in one line; ``params`` come with its event. A tab is what is shown already."""
        variant = "contained" if main else "outlined" if tab else None
        kwargs = ({"variant": variant} if variant else {}) | ({"params": params} if params else {})
        props = {**NARROW, "button": {"sx": {"whiteSpace": "nowrap"}}}
        row.btn(name, label=label, on_click=on_click, icon=icon or None, componentsProps=props, **kwargs)

    def choice(self, parent: types.Object, name: str, label: str, value: str, values: Iterable[str]) -> None:
        """A drop-down; the panel is drawn anew when it changes."""
        view, values = types.DropdownView(componentsProps=NARROW), list(values)
        for choice in values:
            view.add_choice(choice, label=choice)
        parent.enum(name, values, default=value, label=label, view=view, on_change=self._redraw)

    def table(self, name: str, table, on_click_row: Callable | None = None, hint: str = CLICK_A_ROW) -> None:
        """A :class:`prompting.analysis.tables.Table`, whose rows can be clicked where that does something."""
        self.text(f"{name}_title", table.title, f"{table.note} {hint if on_click_row else ''}".strip())
        keys = [f"column{i}" for i in range(len(table.columns))]
        clicks = {"on_click_row": on_click_row} if on_click_row else {}
        view, cells = types.TableView(componentsProps=_table_style(bool(clicks)), **clicks), types.Object()
        for key, label in zip(keys, table.columns):
            view.add_column(key, label=label)
            cells.str(key)
        rows = [dict(zip(keys, map(_unbroken, row))) for row in table.rows]
        self.root.list(self._keep(name, rows), cells, view=view)

    def picture(self, name: str, uri: str, width: int) -> None:
        """A picture of so many pixels, or as wide as the panel where that is narrower."""
        key = self._keep(f"{name}_{hashlib.sha256(uri.encode()).hexdigest()[:8]}", uri)
        self.root.str(key, view=types.ImageView(width=f"min(100%, {width}px)"))

    def plot(self, name: str, figure: dict, **events: Callable) -> None:
        """A figure of :mod:`prompting.analysis.figures`; none where there is nothing to draw.

        Plotly's toolbar would cover the titles; what its buttons do, the mouse does.
        """
        if figure["data"]:
            height = f"{figure['layout'].get('height', 360)}px"
            config = {"displaylogo": False, "displayModeBar": False, "scrollZoom": False, "responsive": True}
            name = self._keep(name, figure["data"])
            self.root.plot(name, layout=figure["layout"], config=config, height=height, width="100%", **events)

    def _keep(self, name: str, data: list[dict] | str) -> str:
        """Send data along; its key."""
        key = _key(name, data)
        self._data[key] = data
        return key


def _key(name: str, data: list[dict] | str) -> str:
    """A key that only data of the same shape has: as many rows, the same cells, traces of the same length."""
    return f"{name}_shape{hashlib.sha256(json.dumps(_shape(data)).encode()).hexdigest()[:8]}"


def _shape(value):
    if isinstance(value, dict):
        return {key: _shape(of) for key, of in sorted(value.items())}
    return [_shape(of) for of in value] if isinstance(value, (list, tuple)) else 0


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
