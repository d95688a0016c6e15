"""``evaluate_strategies``: FiftyOne's own evaluation for each strategy, and one table for all."""

from __future__ import annotations

from collections.abc import Sequence

import fiftyone as fo
import fiftyone.operators.types as types

from ..prompting.prompts.strategies import BASELINE
from . import engine_choice, forms, mask_folder
from .base import RunOperator
from .following import progress_bar
from .words import LABELS


class EvaluateStrategies(RunOperator):
    """Score strategies against a ground truth."""

    about = dict(
        name="evaluate_strategies",
        label="SAM 2: evaluate prompting strategies",
        description="Evaluate the strategies' masks against a ground truth, with FiftyOne's evaluation",
        icon="leaderboard",
    )

    def resolve_input(self, ctx) -> types.Property:
        from ..prompting.dataset.owned import own_fields
        from ..prompting.dataset.present import in_words, strategies_in
        from ..prompting.runs.scorable import finished_rows

        inputs = types.Object()
        form = types.Property(inputs, view=types.View(label="Evaluate SAM 2 prompting strategies"))
        inputs.view_target(ctx, action_description="Evaluate")
        prefix = forms.ask_prefix(ctx, inputs)
        there = {name: in_words(name) for name in strategies_in(ctx.dataset, prefix)}
        if not there:
            forms.show_problem(inputs, f"No strategy with the prefix {prefix!r} was applied to this dataset yet.")
            return form
        forms.choose_several(inputs, "strategies", there, there, LABELS["strategies"])
        own = own_fields(ctx.dataset, prefix)
        truths = {
            name: kind
            for name, kind in forms.label_fields(ctx.dataset, fo.Detections, fo.Segmentation).items()
            if name not in own
        }
        if not truths:
            forms.show_problem(inputs, "There is no ground truth: the dataset has no Segmentation or Detections field.")
            return form
        forms.choose_one(inputs, "gt_field", truths, _likely_truth(ctx.dataset, truths, prefix), LABELS["gt_field"])
        truth = ctx.params.get("gt_field") if ctx.params.get("gt_field") in truths else None
        truth = truth or _likely_truth(ctx.dataset, truths, prefix)
        asked, problem = _asked(ctx, truth, prefix, self.parameters)
        _show_truth(ctx, inputs, truth, next(iter(there)), prefix, asked)
        chosen = {name: line for name, line in there.items() if name in (ctx.params.get("strategies") or there)}
        others = {name: kind for name, kind in truths.items() if name != truth and name not in there}
        if others:
            description = "Another model's, say: each is a row beside the strategies"
            finished = finished_rows(ctx.target_view(require_flat=True), truth, prefix)
            default = [name for name in finished if name in others]
            forms.choose_several(inputs, "fields", others, default, LABELS["fields"], description, required=False)
        baseline = BASELINE if BASELINE in chosen else next(iter(chosen), None)
        forms.choose_one(inputs, "baseline", chosen, baseline, LABELS["baseline"])
        if asked and asked.lost:
            description = "An earlier one covers samples that this one leaves out: their scores are lost"
            inputs.bool("overwrite", default=False, label=LABELS["overwrite"], description=description)
        if _learned(ctx, prefix, chosen, asked):
            description = "Which strategies learned from, and do better on than on others"
            name = "include_references"
            inputs.bool(name, default=False, label=LABELS[name], description=description)
        inputs.bool("advanced", default=False, label="More options", view=types.SwitchView())
        if ctx.params.get("advanced"):
            inputs.str(
                "ignore_values",
                label=LABELS["ignore_values"],
                description="Say 255, or none; empty: void by name, and 255 that no target names",
            )
            if truths[truth] == "Detections":
                description = "FiftyOne's own evaluation of instances; takes longer"
                inputs.bool("patches", default=False, label=LABELS["patches"], description=description)
            engine_choice.ask(inputs, ctx.params)
        if ctx.params.get("strategies") is not None and ctx.params.get("gt_field"):
            _check(ctx, inputs, chosen, asked, problem)
        return form

    def _steps(self, ctx):
        from ..prompting.runs.evaluation import evaluate_steps
        from ..prompting.runs.scorable import EvaluationPlan

        given = engine_choice.others(forms.chosen(ctx.params, self.parameters, lists=("strategies", "fields")))
        engine = engine_choice.engine_of_request(ctx.params)
        in_files = mask_folder.may_write_beside(ctx.dataset, given.get("prefix", EvaluationPlan.prefix))
        plan = EvaluationPlan(**given, in_files=in_files)
        steps = evaluate_steps(ctx.target_view(require_flat=True), plan, engine)
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

    def __call__(
        self,
        sample_collection,
        gt_field: str,
        strategies: Sequence[str] | None = None,
        prefix: str = "sam2",
        baseline: str = BASELINE,
        overwrite: bool = False,
        ignore_values: Sequence[int] | None = None,
        fields: Sequence[str] | None = None,
        patches: bool = False,
        include_references: bool = False,
        engine: str = engine_choice.HERE,
        workers: int | None = None,
        ray_address: str | None = None,
        cpus_per_worker: int = 1,
        gpus_per_worker: float | None = None,
        progress: bool = True,
    ):
        """Evaluate from Python.

        Args:
            sample_collection: a dataset or view
            gt_field: the truth, a Segmentation or Detections with instance masks
            strategies: which, by default all that have results
            prefix: of the strategies' fields
            baseline: what the differences refer to; the default gives way to the first strategy where it has no results
            overwrite: replace an evaluation that covers samples outside of ``sample_collection``; scores that fall away
                as their samples are references now are replaced unasked
            ignore_values: values of the truth's masks that count for nothing, instead of void's
            fields: masks that are there already, of another model, say: Segmentations, or Detections with masks; each
                becomes a row of its field's name; by default finished labels, where all these samples have them
            patches: also register FiftyOne's own evaluation of instances (``evaluate_detections`` with masks, COCO's
                mAP) as ``<prefix>_coco_<strategy>``, for the App's patches of true and false positives and of misses;
                takes some 0.1 s a picture and strategy, and needs a truth with instances
            include_references: also score the reference pictures that a strategy learned from; by default they are left
                out for all strategies, and the table says so
            engine: ``here`` or ``ray``, workers by Ray: this and the next four as in ``apply_strategies``
            workers: how many
            ray_address: of a cluster, or ``auto``
            cpus_per_worker: processors of each, and threads
            gpus_per_worker: GPUs of each
            progress: show a progress bar

        What the truth was understood as is printed in one line.

        Returns:
            the comparison: ``print`` it, iterate over its rows, take ``table["yolo_box"].mean_iou`` or
            ``table.to_pandas()``

        Raises:
            ValueError: what was wrong with the request, in one sentence
        """
        from ..prompting.runs.evaluation import evaluate_steps
        from ..prompting.runs.scorable import EvaluationPlan

        crew = engine_choice.engine_of(locals())
        chosen, fields = forms.names(strategies), forms.names(fields)
        asked = EvaluationPlan(
            gt_field, chosen, prefix, baseline, overwrite, ignore_values, fields, patches, include_references
        )
        steps = evaluate_steps(sample_collection, asked, crew)
        with progress_bar(progress) as bar:
            while True:
                try:
                    step, bar.total, label = next(steps)
                except StopIteration as stop:
                    comparison = stop.value
                    break
                bar.set_description(label)
                bar.update(step - bar.n)
        print(f"Truth: {comparison.truth}")
        if comparison.left_out():
            print(comparison.left_out())
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
            what it is understood as: ``print`` it

        Raises:
            ValueError: what evaluating would refuse
        """
        from ..prompting.dataset.truth import inspect_truth
        from ..prompting.runs.scorable import classes_of

        classes = classes or classes_of(sample_collection, prefix)
        names = [classes] if isinstance(classes, str) else list(classes)
        return inspect_truth(sample_collection, gt_field, names, **settings)


def _asked(ctx, gt_field: str, prefix: str, parameters: Sequence[str]):
    """What would be scored, and why it can't be: one of the two is None."""
    from ..prompting.errors import PromptingError
    from ..prompting.runs.scorable import EvaluationPlan, check_evaluation

    given = engine_choice.others(forms.chosen(ctx.params, parameters, lists=("strategies", "fields")))
    given.pop("baseline", None)  # asked for apart
    try:
        plan = EvaluationPlan(**{**given, "gt_field": gt_field, "prefix": prefix})
        return check_evaluation(ctx.target_view(require_flat=True), plan), None
    except PromptingError as error:
        return None, error


def _learned(ctx, prefix: str, chosen, asked) -> bool:
    """Whether a row learned from reference pictures, known or not."""
    from ..prompting.dataset.learned_from import learned_from

    rows = asked.names if asked else [*chosen, *(ctx.params.get("fields") or ())]
    return bool(learned_from(ctx.dataset, prefix, rows))


def _show_truth(ctx, inputs: types.Object, gt_field: str, strategy: str, prefix: str, asked) -> None:
    """What the truth would be understood as, by a look at a few of the samples that would be scored: the form asks at
    each keystroke."""
    from ..prompting.analysis.comparison import references_in_words
    from ..prompting.dataset.reading import GLANCE
    from ..prompting.dataset.truth import inspect_truth
    from ..prompting.errors import PromptingError
    from ..prompting.runs.scorable import classes_of

    try:
        view = ctx.target_view(require_flat=True)
        classes, ignored = classes_of(view, prefix, [strategy]), ctx.params.get("ignore_values")
        reading = inspect_truth(asked.view if asked else view, gt_field, classes, ignored, most=GLANCE)
    except PromptingError as error:
        error.parameter = error.parameter or "gt_field"
        forms.show_error(inputs, error)
        return
    references = references_in_words(len(asked.left_out), asked.taught) if asked else ""
    inputs.view("truth_reading", types.Notice(label=f"Understood as: {reading} {references}".rstrip()))


def _likely_truth(dataset, truths, prefix: str) -> str:
    """The truth of the last evaluation, else ``ground_truth``, else the first field that may be one."""
    from ..prompting.dataset.names import comparison_key

    key = comparison_key(prefix)
    last = getattr(dataset.get_run_info(key).config, "gt_field", None) if key in dataset.list_runs() else None
    return next((name for name in (last, "ground_truth") if name in truths), next(iter(truths)))


def _check(ctx, inputs: types.Object, chosen, asked, problem) -> None:
    """What would stop the run, as far as the database alone tells."""
    from ..prompting.errors import PromptingError

    baseline = ctx.params.get("baseline")
    try:
        engine_choice.engine_of_request(ctx.params)
        if not chosen:
            raise PromptingError("Choose at least one strategy.", "strategies")
        if baseline and baseline not in chosen:
            raise PromptingError("The baseline must be one of the strategies to evaluate.", "baseline")
        if problem:
            raise problem
        asked.check(bool(ctx.params.get("overwrite")))
    except PromptingError as error:
        forms.show_error(inputs, error)
