"""``use_as_labels``: finishing labels by the rule of one strategy, as the panel's button for the winner asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike

import fiftyone.operators as foo

from ..prompting.final.names import ONE
from ..prompting.plan import ERROR, OVERWRITE
from . import engine_choice
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
        mask_dir: str | PathLike | None = None,
        rel_dir: str | PathLike | None = None,
        engine: str = engine_choice.HERE,
        workers: int | None = None,
        ray_address: str | None = None,
        cpus_per_worker: int = 1,
        gpus_per_worker: float | None = None,
        progress: bool = True,
    ):
        """``finish_labels`` by the rule ``one``.

        Args:
            sample_collection: a dataset or view
            strategy: whose masks
            name: the field to write
            prefix: of the strategy's fields
            overwrite: replace labels that samples have there already and that nobody accepted or edited
            mask_dir, rel_dir: a folder for the labels' masks, as in ``finish_labels``
            engine, workers, ray_address, cpus_per_worker, gpus_per_worker: who does it, as in ``finish_labels``
            progress: show a progress bar

        Returns:
            what was written: ``print`` it

        Raises:
            ValueError: what was wrong with the request, before anything is written
        """
        by = {name: value for name, value in locals().items() if name in engine_choice.PARAMETERS}
        to = dict(existing=OVERWRITE if overwrite else ERROR, prefix=prefix, mask_dir=mask_dir, rel_dir=rel_dir)
        return super().__call__(sample_collection, ONE, strategy, name, **to, **by, progress=progress)
