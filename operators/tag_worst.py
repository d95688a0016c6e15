"""``tag_worst``: tag the pictures on which a strategy does worst."""

from __future__ import annotations

import fiftyone.operators.types as types

from . import asking, forms
from .base import RunOperator

PARAMETERS = ("strategy", "count", "below", "tag", "prefix")
COUNT, TAG = 25, "annotate"


class TagWorst(RunOperator):
    """Tag the samples with a strategy's lowest scores, for annotation."""

    about = dict(
        name="tag_worst",
        label="SAM 2: tag the worst pictures",
        description="Tag the pictures with a strategy's lowest IoU, so that they are annotated first",
        icon="sell",
    )

    def resolve_input(self, ctx) -> types.Property:
        from ..prompting.errors import PromptingError
        from ..prompting.runs.tagging import find_worst

        inputs = types.Object()
        form = types.Property(inputs, view=types.View(label="Tag the worst pictures"))
        inputs.view_target(ctx, action_description="Tag")
        prefix = forms.ask_prefix(ctx, inputs)
        strategy = asking.ask_strategy(ctx, inputs, prefix)
        if strategy is None:
            return form
        inputs.int("count", default=COUNT, label="How many, at most")
        inputs.float("below", label="Only below", description="An IoU, such as 0.8; empty: any")
        inputs.str("tag", default=TAG, required=True, label="Tag")
        given = {"count": COUNT, "tag": TAG, **forms.chosen(ctx.params, ("count", "below", "tag"))}
        try:
            worst = find_worst(ctx.target_view(require_flat=True), strategy, **given, prefix=prefix)
        except PromptingError as error:
            forms.show_error(inputs, error)
            return form
        inputs.view("found", types.Notice(label=worst.told(done=False)))
        return form

    def _steps(self, ctx):
        from ..prompting.runs.tagging import tag_worst

        given, ended = {"count": COUNT, "tag": TAG, **forms.chosen(ctx.params, PARAMETERS)}, []
        yield from asking.tell_steps(ctx, tag_worst(ctx.target_view(require_flat=True), **given), ended)
        if not ctx.delegated:
            yield ctx.trigger("reload_dataset")
            yield ctx.ops.notify(str(ended[-1]), variant="success" if ended[-1].sample_ids else "info")

    def __call__(
        self,
        sample_collection,
        strategy: str,
        count: int = COUNT,
        below: float | None = None,
        tag: str = TAG,
        prefix: str = "sam2",
        progress: bool = True,
    ):
        """Tag the worst pictures, from Python; ``dataset.untag_samples(tag)`` takes the tag away again.

        The worst have the lowest IoU, or the lowest predicted IoU where none of the samples was evaluated.

        Args:
            sample_collection: a dataset or view
            strategy: whose scores
            count: how many, at most
            below: only scores below it, 0 to 1
            tag: the tag's name
            prefix: of the strategy's fields
            progress: show a progress bar

        Returns:
            the samples' ids and scores; ``print`` it

        Raises:
            ValueError: what was wrong with the request, before anything is tagged
        """
        from ..prompting.runs.tagging import tag_worst

        return asking.follow(tag_worst(sample_collection, strategy, count, tag, below, prefix), progress)
