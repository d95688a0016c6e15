"""What the operators have in common: a form that changes as it is filled, and a run that tells how far it is."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator

import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..prompting.errors import Stopped
from ..prompting.plan import OVERWRITE
from .dialog import with_notes
from .pace import Pace
from .panel.open_panels import redraw_open_panels
from .sidebar import SHOW, groups
from .words import in_form_words


class Described(foo.Operator):
    """An operator whose ``print`` says how it is called, and what it does.

    Attributes:
        about: its name, label, description and icon
    """

    about: dict[str, str]

    def __init_subclass__(cls, **settings):
        """Let ``help`` begin with how it is called: of an object, it shows what its class is."""
        super().__init_subclass__(**settings)
        called = cls.__dict__.get("__call__")
        if called is not None and called.__doc__:
            cls.__doc__ = f"{cls.__doc__}\n\n{called_as(cls)}\n\n{inspect.getdoc(called)}"

    def __repr__(self) -> str:
        """How it is called, and what it does: what ``print`` shows."""
        return f"{called_as(type(self))}\n    {self.about['description']}. help() tells what each parameter means."


def called_as(operator: type[Described]) -> str:
    """An operator's name, and what it takes, without types."""
    _, *parameters = inspect.signature(operator.__call__).parameters.values()
    plain = inspect.Signature([parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters])
    return operator.about["name"] + str(plain)


class RunOperator(Described, ABC):
    """An operator that runs at once, with progress, or delegated; a subclass adds a form and ``_steps``."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of what a request may say: those of ``__call__``, but for what only Python gives."""
        given = inspect.signature(self.__call__).parameters
        return tuple(name for name in given if name not in ("sample_collection", "dataset", "progress", "delegate"))

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            **self.about,
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
        )

    def resolve_type(self, ctx, type):
        """A form as the App draws it, which first asks for one without values and then fills in the defaults.

        Until it has, it would say of each of them that it is required: on a slow machine for seconds.
        """
        resolved = super().resolve_type(ctx, type)
        if type == "inputs":
            for name, asked in resolved.type.properties.items():
                if asked.default is not None and name not in ctx.params:  # what somebody emptied is in the parameters
                    asked.required = False
        return resolved

    def execute(self, ctx) -> Iterator:
        """The steps of a run; an error is shown before it is raised, for the App shows none that a generator raises."""
        from ..prompting.dataset.appearance import field_colours

        groups_before, colours_before = groups(ctx.dataset), field_colours(ctx.dataset)
        result, notices, pace = None, [], Pace()
        try:
            for message in self._steps(ctx):
                if pace.skips(_shown(message)):
                    continue
                if _is_notice(message):  # shown in the dialog's end, where it stays until Done is pressed
                    notices.append(message)
                    continue
                if _is_result(message):  # the last is kept until all that is to be noted is known
                    message, result = result, message
                if message is not None:
                    yield message
        except Stopped as stopped:  # an end like another: what was done is whole, and is shown
            if ctx.delegated:
                ctx.set_progress(label=in_form_words(str(stopped), {}))
            else:
                yield ctx.trigger("reload_dataset")
                result = self._show_stopped(ctx, stopped)
        except Exception as error:
            if not ctx.delegated:
                outputs = types.Object()
                outputs.view("failure", types.Error(label=str(error) or type(error).__name__))
                yield ctx.ops.show_output(types.Property(outputs).to_json(), {})
            raise
        if not ctx.delegated:
            if notices:
                result = ctx.ops.show_output(**with_notes(notices, _shown(result)))
            ctx.dataset.reload()
            if (colours := field_colours(ctx.dataset)) != colours_before:
                yield ctx.trigger("set_color_scheme", {"fields": colours})
            if (made := groups(ctx.dataset)) != groups_before:
                yield ctx.trigger(SHOW, {"groups": made})
        if result is not None:
            yield result
        if not ctx.delegated:
            yield from redraw_open_panels(ctx)

    def _show_stopped(self, ctx, stopped: Stopped):
        """What is done, how to go on, and a button that does."""
        outputs = types.Object()
        outputs.view("stopped", types.Notice(label=in_form_words(str(stopped), {})))
        again = {name: value for name, value in ctx.params.items() if name != "panel_id"}
        if stopped.rest:
            again["existing"] = stopped.rest
        if target := ctx.request_params.get("view_target"):
            again["view_target"] = target
        label = "Do all again" if stopped.rest == OVERWRITE else "Do the rest"
        outputs.btn("rest", label=label, icon="play_arrow", on_click=self.uri, params=again)
        return ctx.ops.show_output(types.Property(outputs).to_json(), {})

    @abstractmethod
    def _steps(self, ctx) -> Iterator:
        """What the App is told, one message after the other, while the work is done."""


def _is_result(message) -> bool:
    """Whether a message has the run's dialog show its end: that all is done, or what came out."""
    shown = _shown(message)
    return shown is not None and (shown.get("results") or {}).get("progress", 1) >= 1


def _is_notice(message) -> bool:
    """Whether a message would be a note at the window's edge, which is gone in seconds."""
    return getattr(getattr(message, "body", None), "operator_uri", "").endswith("notify")


def _shown(message) -> dict | None:
    """What a message shows in the run's dialog."""
    told = getattr(message, "body", message)
    return told.params if getattr(told, "operator_uri", "").endswith("show_output") else None
