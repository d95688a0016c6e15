"""``stop_run``: ask a run to end where all is whole."""

from __future__ import annotations

from collections.abc import Iterable

import fiftyone.operators as foo
import fiftyone.operators.types as types

from . import forms
from .base import Described
from .panel.running import how_far

NOTHING = "Nothing runs on this dataset."
ASKED = "The run ends after this picture; what is done stays."


class StopRun(Described):
    """Stop what runs on a dataset: from the run's own dialog, another page, or Python."""

    about = dict(
        name="stop_run",
        label="SAM 2: stop a run",
        description="Have a run end after the picture it is at; what is done stays",
        icon="stop_circle",
    )

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(**self.about, dynamic=True)

    def resolve_input(self, ctx) -> types.Property:
        from ..prompting.dataset.stopping import runs

        inputs = types.Object()
        going = runs(ctx.dataset)
        if not going:
            forms.show_problem(inputs, NOTHING)
        for prefix, run in going.items():
            inputs.view(
                f"run_{prefix}", types.Notice(label=f"Running with the prefix {prefix}: {run.what}, {how_far(run)}")
            )
        return types.Property(inputs, view=types.View(label="Stop what runs on this dataset"))

    def execute(self, ctx) -> None:
        from ..prompting.dataset.stopping import runs

        prefix = ctx.params.get("prefix")
        ctx.ops.notify(_stop(ctx.dataset, [prefix] if prefix else runs(ctx.dataset)), variant="info")

    def __call__(self, dataset, prefix: str = "sam2") -> str:
        """Stop from Python, wherever the run is.

        Args:
            dataset: the dataset
            prefix: of the fields that the run writes

        Returns:
            what was asked, as a sentence
        """
        return _stop(dataset, [prefix])


def _stop(dataset, prefixes: Iterable[str]) -> str:
    from ..prompting.dataset.stopping import request_stop

    asked = [request_stop(dataset, prefix) for prefix in prefixes]
    return ASKED if any(asked) else NOTHING
