"""``use_as_labels``: a strategy's masks as labels of one's own."""

from __future__ import annotations

import fiftyone.operators.types as types

from . import asking, forms
from .base import RunOperator

PARAMETERS = ("strategy", "name", "prefix", "overwrite")
NAME = "labels"


class UseAsLabels(RunOperator):
    """Copy a strategy's masks and instances into fields that stay when its results are removed."""

    about = dict(
        name="use_as_labels",
        label="SAM 2: use a strategy's masks as labels",
        description="Copy a strategy's masks and instances into fields of your own",
        icon="label",
    )

    def resolve_input(self, ctx) -> types.Property:
        from ..prompting.dataset.names import instances_field
        from ..prompting.errors import PromptingError
        from ..prompting.runs.final_labels import plan_takeover

        inputs = types.Object()
        form = types.Property(inputs, view=types.View(label="Use a strategy's masks as labels"))
        inputs.view_target(ctx, action_description="Label")
        prefix = forms.ask_prefix(ctx, inputs)
        strategy = asking.ask_strategy(ctx, inputs, prefix)
        if strategy is None:
            return form
        name = ctx.params.get("name") or NAME
        told = f"For the masks; the instances go to {instances_field(name)}"
        inputs.str("name", default=NAME, required=True, label="Name of the labels", description=told)
        samples = ctx.target_view(require_flat=True)
        try:
            takeover = plan_takeover(samples, strategy, name, prefix, overwrite=True)
        except PromptingError as error:
            forms.show_error(inputs, error)
            return form
        count, replaced = len(takeover.sample_ids), takeover.replaced
        said = f"{count} of {count + takeover.without} samples have masks of {strategy}."
        if not replaced:
            inputs.view("count", types.Notice(label=said))
            return form
        said += f" {replaced} of them have a label in {name} or {takeover.instances} already."
        inputs.view("count", types.Warning(label=said))
        inputs.bool("overwrite", default=False, label=f"Replace these {replaced} labels, for good")
        if not ctx.params.get("overwrite"):
            forms.show_problem(
                inputs, f"{replaced} labels would be lost: tick that they may be, or choose another name."
            )
        return form

    def _steps(self, ctx):
        from ..prompting.runs.final_labels import use_as_labels

        given, ended = {"name": NAME, **forms.chosen(ctx.params, PARAMETERS)}, []
        yield from asking.tell_steps(ctx, use_as_labels(ctx.target_view(require_flat=True), **given), ended)
        if not ctx.delegated:
            yield ctx.trigger("reload_dataset")
            yield ctx.ops.notify(str(ended[-1]), variant="success")

    def __call__(
        self,
        sample_collection,
        strategy: str,
        name: str = NAME,
        prefix: str = "sam2",
        overwrite: bool = False,
        progress: bool = True,
    ):
        """Use a strategy's masks as labels, from Python.

        The masks go to the field ``name``, a Segmentation with the strategy's classes, and the instances to
        ``<name>_instances``, Detections with masks. They are copies: removing the strategy's results leaves them. The
        registered run ``<name>_labels`` says what they came from. Samples without a result are left as they are.

        Args:
            sample_collection: a dataset or view
            strategy: whose masks
            name: the field to write
            prefix: of the strategy's fields
            overwrite: replace labels that samples have there already
            progress: show a progress bar

        Returns:
            what was written: ``print`` it

        Raises:
            ValueError: what was wrong with the request, before anything is written
        """
        from ..prompting.runs.final_labels import use_as_labels

        return asking.follow(use_as_labels(sample_collection, strategy, name, prefix, overwrite), progress)
