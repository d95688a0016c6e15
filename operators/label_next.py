"""``label_next``: which pictures to label next, and whether it takes any more."""

from __future__ import annotations

from collections.abc import Iterator

import fiftyone.operators.types as types

from . import forms
from .base import RunOperator
from .following import follow, tell_steps
from .truths import truths_of
from .words import LABELS, TITLES

COUNT, TAG, TEACH, SETTLE = 20, "label next", "teach", "settle"


class LabelNext(RunOperator):
    """Rank the pictures without a truth by what labels of them would tell, and tag the first ones."""

    about = dict(
        name="label_next",
        label="SAM 2: tag what to label next",
        description="Tag the pictures whose labels would teach most, or settle soonest which strategy is better",
        icon="playlist_add",
    )

    def resolve_input(self, ctx) -> types.Property:
        from ..prompting.dataset.present import in_words, strategies_in
        from ..prompting.errors import PromptingError
        from ..prompting.runs.next_labels import GOALS, check_next

        inputs = types.Object()
        form = types.Property(inputs, view=types.View(label="Tag what to label next"))
        inputs.view_target(ctx, action_description="Rank")
        prefix = forms.ask_prefix(ctx, inputs)
        there = {name: in_words(name) for name in strategies_in(ctx.dataset, prefix)}
        if not there:
            forms.show_problem(inputs, f"There are no results with the prefix {prefix}; apply strategies first.")
            return form
        titles = {name: (TITLES["goal"][name], told) for name, told in GOALS.items()}
        forms.choose_by_button(inputs, "goal", titles, TEACH)
        if ctx.params.get("goal") == SETTLE:
            first, second = (list(there) * 2)[:2]
            forms.choose_one(inputs, "a", there, first, "Is this strategy")
            forms.choose_one(inputs, "b", there, second, "better than this one, or worse?")
        truths, default = truths_of(ctx, prefix)
        default = default or ("ground_truth" if "ground_truth" in truths else None)
        told = "Samples with a label there are labelled; empty: none is"
        forms.choose_one(inputs, "gt_field", truths, default, LABELS["gt_field"], required=False, description=told)
        inputs.int("count", default=COUNT, label=LABELS["count"])
        inputs.str("tag", default=TAG, required=True, label=LABELS["tag"])
        try:
            check_next(
                ctx.target_view(require_flat=True), self._plan({"a": None, **ctx.params, "prefix": prefix}, there)
            )
        except PromptingError as error:
            forms.show_error(inputs, error)
        return form

    def _plan(self, params: dict, there=()):
        from ..prompting.runs.next_labels import NextPlan

        given = forms.chosen(params, self.parameters)
        if given.get("goal") == SETTLE and there:  # the form isn't filled yet
            first, second = (list(there) * 2)[:2]
            given = {"a": first, "b": second, **given}
        return NextPlan(**given)

    def _steps(self, ctx) -> Iterator:
        from ..prompting.runs.next_labels import label_next

        ended: list = []
        steps = label_next(ctx.target_view(require_flat=True), self._plan(ctx.params))
        yield from tell_steps(ctx, steps, ended, "pictures")
        if not ctx.delegated:
            yield ctx.trigger("reload_dataset")
            yield ctx.ops.notify(str(ended[-1]), variant="success" if ended[-1].sample_ids else "info")

    def __call__(
        self,
        sample_collection,
        goal: str = TEACH,
        count: int = COUNT,
        tag: str = TAG,
        gt_field: str | None = None,
        a: str | None = None,
        b: str | None = None,
        prefix: str = "sam2",
        seed: int = 0,
        progress: bool = True,
    ):
        """Tag what to label next, from Python; ``dataset.untag_samples(tag)`` takes the tag away again.

        ``teach`` ranks by how bad a mask is expected to be and how far strategies differ, times how unlike a picture is
        to all that are labelled or chosen already. ``settle`` draws pictures with chances in proportion to how far two
        strategies' masks differ; after labelling the first ones of the order, all of them, evaluate again, and
        ``label_next.settled(dataset)`` says whether it is settled or how many more it takes. Samples that have the tag
        already are left out, so that a second call tags the next ones.

        Args:
            sample_collection: a dataset or view
            goal: ``teach`` or ``settle``
            count: how many, at most
            tag: the tag's name
            gt_field: samples with a label there are labelled; None: none is. ``teach`` counts those too whose finished
                labels a person accepted or edited
            a: for ``settle``, one of two strategies
            b: the other one
            prefix: of the strategies' fields
            seed: of the draw
            progress: show a progress bar

        Returns:
            the samples' ids, the first to be labelled first; ``print`` it

        Raises:
            ValueError: what was wrong with the request, before anything is tagged
        """
        from ..prompting.runs.next_labels import NextPlan, label_next

        plan = NextPlan(goal, count, tag, gt_field, a, b, prefix, seed)
        return follow(label_next(sample_collection, plan), progress)

    def settled(self, dataset, prefix: str = "sam2"):
        """Whether it is settled which of two strategies is better, or how many more labels it takes; ``print`` it.

        Of the two of the last order for ``settle``; else of the best two of the last evaluation, whose pictures are
        then taken for a random draw. None where nothing can be told yet.
        """
        from ..prompting.dataset.checks import check_collection
        from ..prompting.dataset.next_labels import settled

        check_collection(dataset)
        return settled(dataset._dataset, prefix)
