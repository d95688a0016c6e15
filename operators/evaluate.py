"""``evaluate_strategies``: FiftyOne's own evaluation for each strategy, and one table for all."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.operators.types as types
from tqdm.auto import tqdm

from . import forms
from .base import RunOperator

PARAMETERS = ("gt_field", "strategies", "prefix", "baseline", "overwrite", "ignore_values")


class EvaluateStrategies(RunOperator):
    """Score strategies against a ground truth."""

    about = dict(
        name="evaluate_strategies",
        label="SAM 2: evaluate prompting strategies",
        description="Score the strategies' masks against a ground truth, with FiftyOne's evaluation",
        icon="leaderboard",
    )

    def resolve_input(self, ctx) -> types.Property:
        from ..prompting.evaluation import strategies_in
        from ..prompting.owned import own_fields
        from ..prompting.strategies import BASELINE, STRATEGIES

        inputs = types.Object()
        inputs.view_target(ctx, action_description="Evaluate", allow_selected_samples=False)
        inputs.str("prefix", default="sam2", label="Field prefix", description="Of the strategies' fields")
        prefix = ctx.params.get("prefix") or "sam2"
        there = {name: STRATEGIES[name].description for name in strategies_in(ctx.dataset, prefix)}
        if not there:
            forms.show_problem(inputs, f"No strategy with the prefix {prefix!r} was applied to this dataset yet.")
            return types.Property(inputs)
        forms.choose_several(inputs, "strategies", there, there, "Strategies")
        own = own_fields(prefix)
        truths = {
            name: kind
            for name, kind in forms.label_fields(ctx.dataset, fo.Detections, fo.Segmentation).items()
            if name not in own
        }
        if not truths:
            forms.show_problem(inputs, "There is no ground truth: the dataset has no Segmentation or Detections field.")
            return types.Property(inputs)
        default = "ground_truth" if "ground_truth" in truths else next(iter(truths))
        forms.choose_one(inputs, "gt_field", truths, default, "Ground truth")
        _show_truth(ctx, inputs, ctx.params.get("gt_field") or default, next(iter(there)), prefix)
        baseline = BASELINE if BASELINE in there else next(iter(there))
        forms.choose_one(inputs, "baseline", there, baseline, "Baseline")
        inputs.bool(
            "overwrite",
            default=False,
            label="Replace a larger evaluation",
            description="If an earlier one covers samples outside of this view",
        )
        inputs.bool("advanced", default=False, label="More options", view=types.SwitchView())
        if ctx.params.get("advanced"):
            inputs.str(
                "ignore_values",
                label="Mask values that count for nothing",
                description="Say 255, or none; empty: void by name, and 255 that no target names",
            )
        return types.Property(inputs, view=types.View(label="Evaluate SAM 2 prompting strategies"))

    def _steps(self, ctx):
        from ..prompting.evaluation import evaluate_steps

        given = forms.chosen(ctx.params, PARAMETERS, lists=("strategies",))
        steps = evaluate_steps(ctx.target_view(require_flat=True), **given)
        while True:
            try:
                step, count, label = next(steps)
            except StopIteration as stop:
                comparison = stop.value
                break
            yield forms.tell(ctx, step / count, label)
        if not ctx.delegated:
            yield ctx.trigger("reload_dataset")
            yield forms.show_tables(ctx, comparison.tables())

    def __call__(self, sample_collection, gt_field: str, progress: bool = True, **params):
        """Evaluate from Python.

        Args:
            sample_collection: a dataset or view
            gt_field: the truth, a Segmentation or Detections with instance masks
            progress: show a progress bar
            **params: ``strategies`` (default: all that have results), ``prefix``, ``baseline``, ``overwrite``,
                ``ignore_values`` (mask values that count for nothing, instead of void's)

        What the truth was understood as is printed in one line.

        Returns:
            the :class:`prompting.comparison.Comparison`; ``print`` it

        Raises:
            PromptingError: what was wrong with the request
        """
        from ..prompting.evaluation import evaluate_steps

        forms.check_names(params, PARAMETERS)
        given = forms.chosen({"gt_field": gt_field, **params}, PARAMETERS, lists=("strategies",))
        steps = evaluate_steps(sample_collection, **given)
        with tqdm(unit="image", disable=not progress) as bar:
            while True:
                try:
                    step, bar.total, label = next(steps)
                except StopIteration as stop:
                    comparison = stop.value
                    break
                bar.set_description(label)
                bar.update(step - bar.n)
        print(f"Truth: {comparison.truth}")
        return comparison

    def inspect(self, sample_collection, gt_field: str, classes=None, prefix: str = "sam2", **settings):
        """What a truth is understood as, without scoring anything; it needs no results.

        Args:
            sample_collection: a dataset or view
            gt_field: the truth, a Segmentation or Detections with instance masks
            classes: names; by default those that the prefix's strategies were run with
            prefix: of the strategies' fields
            **settings: ``ignore_values``; ``most``, to look at the first so many samples

        Returns:
            the :class:`prompting.reading.Reading`; ``print`` it

        Raises:
            PromptingError: what evaluating would refuse
        """
        from ..prompting.evaluation import classes_of
        from ..prompting.truth import inspect_truth

        classes = classes or classes_of(sample_collection, prefix)
        names = [classes] if isinstance(classes, str) else list(classes)
        return inspect_truth(sample_collection, gt_field, names, **settings)


def _show_truth(ctx, inputs: types.Object, gt_field: str, strategy: str, prefix: str) -> None:
    """What the truth would be understood as, by a look at a few samples: the form asks at each keystroke."""
    from ..prompting.errors import PromptingError
    from ..prompting.evaluation import classes_of
    from ..prompting.reading import GLANCE
    from ..prompting.truth import inspect_truth

    try:
        view = ctx.target_view(require_flat=True)
        ignored = ctx.params.get("ignore_values")
        reading = inspect_truth(view, gt_field, classes_of(view, prefix, [strategy]), ignored, most=GLANCE)
    except PromptingError as error:
        forms.show_problem(inputs, str(error))
        return
    inputs.view("truth_reading", types.Notice(label=f"Understood as: {reading}"))
