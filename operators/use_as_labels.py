"""``use_as_labels``: finishing labels by the rule of one strategy, as the panel's button for the winner asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import fiftyone.operators as foo

from ..prompting.final.names import ONE
from ..prompting.plan import ERROR, OVERWRITE
from .finish_labels import NAME, FinishLabels


class UseAsLabels(FinishLabels):
    """A strategy's masks as labels; it is in no menu, where :class:`FinishLabels` offers this among other rules."""

    about = {
        **FinishLabels.about,
        "name": "use_as_labels",
        "label": "SAM 2: use a strategy's masks as labels",
        "description": "Copy one strategy's masks into fields of your own; finish_labels can also join several",
    }

    title, rule = "Use a strategy's masks as labels", ONE

    @property
    def config(self) -> foo.OperatorConfig:
        config = super().config
        config.unlisted = True
        return config

    def _steps(self, ctx) -> Iterator:
        ctx.params["rule"] = self.rule
        if ctx.params.pop("overwrite", False):
            ctx.params["existing"] = OVERWRITE
        return super()._steps(ctx)

    def __call__(
        self,
        sample_collection,
        strategy: str,
        name: str = NAME,
        prefix: str = "sam2",
        overwrite: bool = False,
        progress: bool = True,
    ):
        """``finish_labels`` by the rule ``one``.

        Args:
            sample_collection: a dataset or view
            strategy: whose masks
            name: the field to write
            prefix: of the strategy's fields
            overwrite: replace labels that samples have there already and that nobody accepted or edited
            progress: show a progress bar

        Returns:
            what was written: ``print`` it

        Raises:
            ValueError: what was wrong with the request, before anything is written
        """
        existing = OVERWRITE if overwrite else ERROR
        return super().__call__(
            sample_collection, ONE, strategy, name, existing=existing, prefix=prefix, progress=progress
        )
