"""``show_errors``: hit, missed and excess on the pictures."""

from __future__ import annotations

from collections.abc import Iterator

import fiftyone.operators.types as types

from .following import follow
from .one_strategy import OneStrategyOperator


class ShowErrors(OneStrategyOperator):
    """Show on the pictures where a strategy's masks are right and wrong."""

    about = dict(
        name="show_errors",
        label="SAM 2: show errors on the pictures",
        description="Hit, missed and excess of one strategy, as an overlay",
        icon="layers",
    )

    title, action, scored = "Show errors on the pictures", "Show", True

    def _ask(self, ctx, inputs: types.Object, strategy: str, prefix: str) -> None:
        from ..prompting.dataset.names import overlay_field
        from ..prompting.runs.error_overlay import showable

        count = len(showable(ctx.target_view(require_flat=True), strategy, prefix))
        said = f"{count} {'picture gets' if count == 1 else 'pictures get'} the overlay {overlay_field(prefix)}"
        inputs.view("count", types.Notice(label=f"{said}; what it showed before is replaced."))

    def _work(self, samples, strategy: str, **given) -> Iterator:
        from ..prompting.runs.error_overlay import show_errors

        return show_errors(samples, strategy, **given)

    def _show(self, ctx, given: dict, ended: list) -> Iterator:
        from ..prompting.dataset.names import overlay_field

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

        follow(self._work(sample_collection, strategy, prefix=prefix), progress)
        return overlay_field(prefix)
