"""Pieces of the operators' forms, and how their values are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import fiftyone.operators.types as types

from ..prompting.spelling import listed_names
from .words import LABELS, in_form_words


def choose_several(
    inputs: types.Object,
    name: str,
    choices: dict[str, str],
    default: Iterable[str],
    label: str,
    description: str = "",
    required: bool = True,
    typed: bool = False,
):
    """A list of checkable values, each with a line of description; others may be typed where that is said."""
    view = types.AutocompleteView(allow_duplicates=False) if typed else types.DropdownView(multiple=True)
    for value, meaning in choices.items():
        view.add_choice(value, label=value, description=meaning)
    more = {"description": description} if description else {}
    inputs.list(name, types.String(), default=list(default), required=required, label=label, view=view, **more)


def choose_one(inputs: types.Object, name: str, choices: dict[str, str], default: str | None, label: str, **kwargs):
    """One of a few values, each with a line of description."""
    view = types.DropdownView()
    for value, description in choices.items():
        view.add_choice(value, label=value, description=description)
    inputs.enum(name, list(choices), default=default, label=label, view=view, **{"required": True, **kwargs})


def choose_by_button(inputs: types.Object, name: str, choices: dict[str, tuple[str, str]], default: str, **kwargs):
    """One of a few values, all of them seen at once: value -> (title, a line of description)."""
    view = types.RadioGroup(orientation="vertical")
    for value, (title, description) in choices.items():
        view.add_choice(value, label=title, description=description)
    inputs.enum(name, kwargs.pop("values", list(choices)), default=default, label=LABELS[name], view=view, **kwargs)


def suggest(inputs: types.Object, name: str, choices: Iterable[str], default: str, label: str, description: str = ""):
    """A text with suggestions."""
    view = types.AutocompleteView(allow_user_input=True)
    for value in choices:
        view.add_choice(value, label=value)
    inputs.str(name, default=default, label=label, description=description, view=view)


def show_problem(inputs: types.Object, message: str) -> None:
    """A red sentence on top that keeps the form from being executed."""
    problem = types.Property(types.Void(), view=types.Error(label=message))
    problem.invalid = True
    problem.error_message = message
    # on top, where it is seen without scrolling: why Execute is grey
    inputs.properties = {"problem": problem, **inputs.properties}


def show_error(inputs: types.Object, error: Exception, elsewhere: Mapping[str, str] = MappingProxyType({})) -> None:
    """What is wrong, in the form's own words: on top, once, with a mark at the field that has to change.

    Args:
        inputs: the whole form
        error: a :class:`~prompting.errors.PromptingError`
        elsewhere: the field to mark for a parameter that has none of its own just now
    """
    name = getattr(error, "parameter", None)
    place = name if name in inputs.properties else elsewhere.get(name)
    message = in_form_words(str(error), inputs.properties, place)
    if place in inputs.properties:
        inputs.properties[place].invalid = True
        inputs.properties[place].error_message = "See above."
        label = getattr(inputs.properties[place].view, "label", None) or LABELS.get(place, place)
        message = message if message.startswith(label) else f"{label}: {message}"
    show_problem(inputs, message)


def ask_prefix(ctx, inputs: types.Object) -> str:
    """Whose results: asked only where a dataset has several prefixes, else that of its last run."""
    from ..prompting.dataset.last_run import last_asked
    from ..prompting.dataset.present import prefixes

    there = prefixes(ctx.dataset)
    default = last_asked(ctx.dataset).get("prefix") if there else None
    default = default if default in there else (there[-1] if there else "sam2")
    given = ctx.params.get("prefix") or default
    if len(there) > 1 or given != default:
        suggest(inputs, "prefix", there, default, LABELS["prefix"], "Of the strategies' fields")
    else:
        inputs.str("prefix", default=default, label=LABELS["prefix"], view=types.HiddenView(label=LABELS["prefix"]))
    return given


def tell(ctx, share: float, label: str, stoppable: bool = True):
    """Progress for the App: a message where a generator runs, the Runs page where it is delegated.

    FiftyOne's own ``set_progress`` opens a dialog over everything else, which nobody can stop the run from; this is the
    same dialog with a button that does.
    """
    if ctx.delegated:
        return ctx.set_progress(progress=share, label=label)
    if not stoppable:
        return ctx.trigger("set_progress", {"progress": share, "label": label})
    outputs = types.Object()
    outputs.float("progress", view=types.ProgressView(label=label))
    if share < 1:
        _ask_to_stop(ctx, outputs)
    return ctx.ops.show_output(types.Property(outputs).to_json(), {"progress": share})


def _ask_to_stop(ctx, outputs: types.Object) -> None:
    from ..prompting.dataset.stopping import running

    prefix = ctx.params.get("prefix") or "sam2"
    run = running(ctx.dataset, prefix)
    stopping = run is not None and run.stopping
    outputs.btn(
        "stop",
        label="Stopping after this picture" if stopping else "Stop",
        icon="stop_circle",
        disabled=stopping,
        on_click="@promptlab/sam2-prompting/stop_run",
        params={"prefix": prefix},
        variant="contained",
    )


def sentence(progress, unit: str = "samples") -> str:
    """How far a run is, in words."""
    from ..prompting.runs.progress import time_left

    if getattr(progress, "doing", None):
        place = f" {progress.done + 1} of {progress.total}" if progress.total else ""
        return f"{progress.doing}{place}{time_left(progress.seconds_left)}"
    failed = f", {progress.failed} failed" if progress.failed else ""
    unknown = progress.seconds_left is None and 0 < progress.done < progress.total
    each_second = getattr(progress, "each_second", None)
    failed += f", {each_second:.3g} samples/s" if each_second else ""
    left = ", how long the rest takes the next ones tell" if unknown else time_left(progress.seconds_left)
    return f"{progress.done} of {progress.total} {unit}{failed}{left}"


def share(progress) -> float:
    """How far a run is, 0 to 1."""
    if not progress.total:
        return 0.0 if getattr(progress, "doing", None) else 1.0
    return progress.done / progress.total


def chosen(params: dict, known: Iterable[str], lists: Iterable[str] = ()) -> dict:
    """The parameters that were given a value.

    What the operator doesn't have is left out: the App adds keys of its own, such as ``view_target``, or ``panel_id``
    where a panel opened the form.

    Args:
        params: as the App or a caller gave them
        known: all that the operator has
        lists: those that are lists of names, and may be one name or text with commas
    """
    given = {name: params[name] for name in known if params.get(name) not in (None, "", {})}
    return {name: _names(value) if name in lists else value for name, value in given.items()}


def show_tables(ctx, tables, link: tuple[str, str] | None = None, then: tuple[str, str, dict] | None = None):
    """The tables of a result, one below the other, as an operator's output.

    Args:
        ctx: of the operator
        tables: :class:`~prompting.analysis.tables.Table`
        link: a button's words, and the address that it opens in a tab of its own, for the App has to stay
        then: a button's words, the operator whose form it opens, and what that is filled in with
    """
    outputs, cells = types.Object(), {}
    if then:
        label, uri, params = then
        outputs.btn("then", label=label, icon="done", variant="contained", on_click=uri, prompt=True, params=params)
    if link:
        apart = {"button": {"target": "_blank", "rel": "noopener"}}
        outputs.btn("link", label=link[0], href=link[1], icon="open_in_new", variant="contained", componentsProps=apart)
    for i, table in enumerate(tables):
        keys = [f"column{k}" for k in range(len(table.columns))]
        view = types.TableView()
        for key, label in zip(keys, table.columns):
            view.add_column(key, label=label)
        row_type = types.Object()
        for key in keys:
            row_type.str(key)
        outputs.md(f"**{table.title}**\n\n{table.note}", name=f"title{i}")
        outputs.list(f"table{i}", row_type, view=view)
        cells[f"table{i}"] = [dict(zip(keys, row)) for row in table.rows]
    return ctx.ops.show_output(types.Property(outputs).to_json(), cells)


def names(value: str | Iterable[str] | None) -> tuple[str, ...] | None:
    """A list of names out of text with commas; anything else stays as it is. A name with a comma stands in quotes."""
    return _names(value) if isinstance(value, str) else value


def _names(value: str | Iterable[str]) -> tuple[str, ...]:
    return listed_names(value) if isinstance(value, str) else tuple(part.strip() for part in value if str(part).strip())


def label_fields(samples, *label_types) -> dict[str, str]:
    """The fields of these label types, each with its type's name."""
    schema = samples.get_field_schema() if samples is not None else {}
    found = {name: getattr(field, "document_type", None) for name, field in schema.items()}
    return {name: document.__name__ for name, document in found.items() if document in label_types}
