"""``use_as_labels``: a strategy's masks as labels of one's own."""

from __future__ import annotations

from collections.abc import Iterator

import fiftyone.operators.types as types

from . import forms
from .following import follow
from .one_strategy import OneStrategyOperator

NAME = "labels"


class UseAsLabels(OneStrategyOperator):
    """Copy a strategy's masks and instances into fields that stay when its results are removed."""

    about = dict(
        name="use_as_labels",
        label="SAM 2: use a strategy's masks as labels",
        description="Copy a strategy's masks and instances into fields of your own",
        icon="label",
    )

    title, action, defaults = "Use a strategy's masks as labels", "Label", {"name": NAME}

    def _ask(self, ctx, inputs: types.Object, strategy: str, prefix: str) -> None:
        from ..prompting.dataset.names import instances_field
        from ..prompting.runs.final_labels import plan_takeover

        name = ctx.params.get("name") or NAME
        told = f"For the masks; the instances go to {instances_field(name)}"
        inputs.str("name", default=NAME, required=True, label="Name of the labels", description=told)
        takeover = plan_takeover(ctx.target_view(require_flat=True), strategy, name, prefix, overwrite=True)
        count, replaced = len(takeover.sample_ids), takeover.replaced
        said = f"{count} of {count + takeover.without} samples have masks of {strategy}."
        if not replaced:
            inputs.view("count", types.Notice(label=said))
            return
        said += f" {replaced} of them have a label in {name} or {takeover.instances} already."
        inputs.view("count", types.Warning(label=said))
        inputs.bool("overwrite", default=False, label=f"Replace these {replaced} labels, for good")
        if not ctx.params.get("overwrite"):
            forms.show_problem(
                inputs, f"{replaced} labels would be lost: tick that they may be, or choose another name."
            )

    def _work(self, samples, strategy: str, **given) -> Iterator:
        from ..prompting.runs.final_labels import use_as_labels

        return use_as_labels(samples, strategy, **given)

    def _show(self, ctx, given: dict, ended: list) -> Iterator:
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
        given = dict(name=name, prefix=prefix, overwrite=overwrite)
        return follow(self._work(sample_collection, strategy, **given), progress)
