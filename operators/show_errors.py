"""``show_errors``: hit, missed and excess on the pictures."""

from __future__ import annotations

import fiftyone.operators.types as types

from . import asking, forms
from .base import RunOperator

PARAMETERS = ("strategy", "prefix")


class ShowErrors(RunOperator):
    """Show on the pictures where a strategy's masks are right and wrong."""

    about = dict(
        name="show_errors",
        label="SAM 2: show errors on the pictures",
        description="Hit, missed and excess of one strategy, as an overlay",
        icon="layers",
    )

    def resolve_input(self, ctx) -> types.Property:
        from ..prompting.dataset.names import overlay_field
        from ..prompting.errors import PromptingError
        from ..prompting.runs.error_overlay import showable

        inputs = types.Object()
        form = types.Property(inputs, view=types.View(label="Show errors on the pictures"))
        inputs.view_target(ctx, action_description="Show")
        prefix = forms.ask_prefix(ctx, inputs)
        strategy = asking.ask_strategy(ctx, inputs, prefix, scored=True)
        if strategy is None:
            return form
        try:
            count = len(showable(ctx.target_view(require_flat=True), strategy, prefix))
        except PromptingError as error:
            forms.show_error(inputs, error)
            return form
        said = f"{count} {'picture gets' if count == 1 else 'pictures get'} the overlay {overlay_field(prefix)}"
        inputs.view("count", types.Notice(label=f"{said}; what it showed before is replaced."))
        return form

    def _steps(self, ctx):
        from ..prompting.dataset.names import overlay_field
        from ..prompting.runs.error_overlay import show_errors

        given = forms.chosen(ctx.params, PARAMETERS)
        yield from asking.tell_steps(ctx, show_errors(ctx.target_view(require_flat=True), **given), [])
        if not ctx.delegated:
            yield ctx.trigger("reload_dataset")
            yield ctx.ops.set_active_fields([overlay_field(given.get("prefix", "sam2"))])
            told = f"Where {given['strategy']} is right and wrong: hit green, missed vermilion, excess light blue."
            yield ctx.ops.notify(told, variant="info")

    def __call__(self, sample_collection, strategy: str, prefix: str = "sam2", progress: bool = True) -> str:
        """Show errors, from Python, after an evaluation.

        Each picture's hit, missed and excess pixels go to the field ``<prefix>_overlay``, a Segmentation of colours,
        whose mask targets say which is which (a fourth is for pixels that both have as different classes); pixels of
        ignored crowds aren't drawn. There is one such field: what it held before, of any pictures, is replaced.

        Args:
            sample_collection: a dataset or view
            strategy: whose masks
            prefix: of the strategy's fields
            progress: show a progress bar

        Returns:
            the field's name

        Raises:
            ValueError: what was wrong with the request, before anything is written
        """
        from ..prompting.dataset.names import overlay_field
        from ..prompting.runs.error_overlay import show_errors

        asking.follow(show_errors(sample_collection, strategy, prefix), progress)
        return overlay_field(prefix)
