"""``tag_worst``: tag the pictures on which a strategy does worst."""

from __future__ import annotations

from collections.abc import Iterator

import fiftyone.operators.types as types

from . import forms
from .following import follow
from .one_strategy import OneStrategyOperator

COUNT, TAG = 25, "annotate"


class TagWorst(OneStrategyOperator):
    """Tag the samples with a strategy's lowest scores, for annotation."""

    about = dict(
        name="tag_worst",
        label="SAM 2: tag the worst pictures",
        description="Tag the pictures with a strategy's lowest IoU, so that they are annotated first",
        icon="sell",
    )

    title, action, defaults = "Tag the worst pictures", "Tag", {"count": COUNT, "tag": TAG}

    def _ask(self, ctx, inputs: types.Object, strategy: str, prefix: str) -> None:
        from ..prompting.runs.tagging import find_worst

        inputs.int("count", default=COUNT, label="How many, at most")
        inputs.float("below", label="Only below", description="An IoU, such as 0.8; empty: any")
        inputs.str("tag", default=TAG, required=True, label="Tag")
        given = {**self.defaults, **forms.chosen(ctx.params, ("count", "below", "tag"))}
        worst = find_worst(ctx.target_view(require_flat=True), strategy, **given, prefix=prefix)
        notice = types.Warning if worst.outdated else types.Notice
        inputs.view("found", notice(label=worst.told(done=False)))

    def _work(self, samples, strategy: str, **given) -> Iterator:
        from ..prompting.runs.tagging import tag_worst

        return tag_worst(samples, strategy, **given)

    def _show(self, ctx, given: dict, ended: list) -> Iterator:
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
        given = dict(count=count, tag=tag, below=below, prefix=prefix)
        return follow(self._work(sample_collection, strategy, **given), progress)
