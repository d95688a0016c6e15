"""What the operators have in common: a form that changes as it is filled, and a run that tells how far it is."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator

import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..prompting.errors import Stopped
from .panel.open_panels import redraw_open_panels


class RunOperator(foo.Operator, ABC):
    """An operator that runs at once, with progress, or delegated; a subclass adds a form and ``_steps``.

    Attributes:
        about: its name, label, description and icon
    """

    about: dict[str, str]

    def __repr__(self) -> str:
        """How it is called, and what it does: what ``print`` shows."""
        parameters = inspect.signature(self.__call__).parameters.values()
        plain = inspect.Signature([parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters])
        called = self.about["name"] + str(plain)
        return f"{called}\n    {self.about['description']}. help() tells what each parameter means."

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

    def execute(self, ctx) -> Iterator:
        """The steps of a run; an error is shown before it is raised, for the App shows none that a generator raises."""
        try:
            yield from self._steps(ctx)
        except Stopped as stopped:  # an end like another: what was done is whole, and is shown
            if ctx.delegated:
                ctx.set_progress(label=str(stopped))
            else:
                outputs = types.Object()
                outputs.view("stopped", types.Notice(label=str(stopped)))
                yield ctx.trigger("reload_dataset")
                yield ctx.ops.notify(str(stopped), variant="warning")
                yield ctx.ops.show_output(types.Property(outputs).to_json(), {})
        except Exception as error:
            if not ctx.delegated:
                outputs = types.Object()
                outputs.view("failure", types.Error(label=str(error) or type(error).__name__))
                yield ctx.ops.show_output(types.Property(outputs).to_json(), {})
            raise
        if not ctx.delegated:
            yield from redraw_open_panels(ctx)

    @abstractmethod
    def _steps(self, ctx) -> Iterator:
        """What the App is told, one message after the other, while the work is done."""
