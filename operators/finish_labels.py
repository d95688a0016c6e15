"""``finish_labels``: from strategies' results to one label a sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike

import fiftyone.operators.types as types

from ..prompting.final.names import CASCADE, LEARNED, ONE, RULES
from ..prompting.plan import ERROR, OVERWRITE, SKIP
from . import engine_choice, forms, mask_folder
from .base import RunOperator
from .following import follow, tell_steps
from .truths import truths_of
from .words import LABELS, TITLES

NAME = "labels"


class FinishLabels(RunOperator):
    """Choose one label for each sample from what strategies made of it, and keep it in fields of a person's own.

    Attributes:
        title: of the form
        rule: by which labels are chosen; None where the form asks
    """

    title = "Finish labels"
    rule: str | None = None

    about = dict(
        name="finish_labels",
        label="SAM 2: finish labels",
        description="Make one label of each sample from strategies' results, in fields of your own",
        icon="label",
    )

    def resolve_input(self, ctx) -> types.Property:
        from ..prompting.errors import PromptingError

        inputs = types.Object()
        form = types.Property(inputs, view=types.View(label=self.title))
        inputs.view_target(ctx, action_description="Label")
        prefix = forms.ask_prefix(ctx, inputs)
        rule = self.rule or ctx.params.get("rule") or ONE
        if self.rule is None:
            titles = {name: (TITLES["rule"][name], told) for name, told in RULES.items()}
            forms.choose_by_button(inputs, "rule", titles, ONE)
        if not _ask_strategies(ctx, inputs, prefix, rule):
            return form
        _ask_truth(ctx, inputs, prefix, rule)
        inputs.str("name", default=NAME, required=True, label=LABELS["name"], description=_told(ctx))
        mask_folder.ask(inputs, mask_folder.begins_with(ctx), ctx.params)
        inputs.bool("advanced", default=False, label="More options", view=types.SwitchView())
        if ctx.params.get("advanced"):
            engine_choice.ask(inputs, ctx.params)
        try:
            engine_choice.engine_of_request(ctx.params)
            self._tell(ctx, inputs, prefix, rule)
        except PromptingError as error:
            forms.show_error(inputs, error, {"strategies": "strategy"} if rule == ONE else {})
        return form

    def _tell(self, ctx, inputs: types.Object, prefix: str, rule: str) -> None:
        """What would be written, and what would be lost."""
        from dataclasses import replace

        from ..prompting.runs.finish_plan import plan_finish

        samples = ctx.target_view(require_flat=True)
        mask_folder.check(ctx.params)
        filled = {"prefix": prefix, "rule": rule, **_filled(ctx, prefix, rule)}
        plan = _plan({**filled, **{name: value for name, value in ctx.params.items() if value is not None}})
        would = plan_finish(samples, replace(plan, existing=OVERWRITE, reviewed=True))
        count = len(would.sample_ids)
        said = f"{count} of {count + would.without} samples have results to label by."
        if not would.there:
            inputs.view("count", types.Notice(label=said))
            return
        said += f" {len(would.there)} of them have a label in {would.fields.mask} or {would.fields.instances} already."
        inputs.view("count", types.Warning(label=said))
        choices = {
            SKIP: (TITLES["existing"][SKIP], "Labels that are there stay as they are"),
            OVERWRITE: (TITLES["existing"][OVERWRITE], "Replaces labels that nobody accepted or edited, for good"),
        }
        forms.choose_by_button(inputs, "existing", choices, SKIP, values=[SKIP, OVERWRITE, ERROR])
        if plan.existing == OVERWRITE:
            inputs.bool("reviewed", default=False, label=LABELS["reviewed"])

    def _steps(self, ctx) -> Iterator:
        from ..prompting.runs.finishing import finish

        mask_folder.check(ctx.params)
        plan, engine, ended = _plan(ctx.params), engine_choice.engine_of_request(ctx.params), []
        yield from tell_steps(ctx, finish(ctx.target_view(require_flat=True), plan, engine), ended)
        if not ctx.delegated:
            yield ctx.trigger("reload_dataset")
            tables = ended[-1].tables()
            yield forms.show_tables(ctx, tables) if tables else ctx.ops.notify(str(ended[-1]), variant="success")

    def __call__(
        self,
        sample_collection,
        rule: str = ONE,
        strategies: Sequence[str] | str = (),
        name: str = NAME,
        gt_field: str | None = None,
        existing: str = ERROR,
        reviewed: bool = False,
        accept_from: float | None = None,
        prefix: str = "sam2",
        mask_dir: str | PathLike | None = None,
        rel_dir: str | PathLike | None = None,
        engine: str = engine_choice.HERE,
        workers: int | None = None,
        ray_address: str | None = None,
        cpus_per_worker: int = 1,
        gpus_per_worker: float | None = None,
        progress: bool = True,
    ):
        """Finish labels, from Python.

        The masks go to the field ``name``, a Segmentation with the strategies' classes, the instances to
        ``<name>_instances``, Detections with masks, each with its ``source``. ``<name>_source`` says which strategy a
        sample's label is of, ``<name>_expected_iou`` what IoU it is expected to have, and ``<name>_status`` is ``to
        review`` until somebody accepts or edits it. They are copies: removing the strategies' results leaves them. The
        registered run ``<name>_labels`` says what they came from. Samples that lack a result are left as they are.

        Args:
            sample_collection: a dataset or view
            rule: ``one`` strategy's masks; a ``cascade``: the first one's, and where it finds nobody the next one's;
                the ``union`` of their instances, of those that show the same the surest; or what is ``learned`` from
                samples with a truth to be best for each picture
            strategies: whose results, by their names or spellings; of a cascade in their order. With ``gt_field`` none
                need be named: all then that find their prompts themselves, the best first
            name: the field to write
            gt_field: a truth that a part of the samples has, a random draw of them: expected IoUs are calibrated on it,
                all rules are tried on it, none on a picture that it learned from, and what it tells of the other
                samples' labels is told with an interval
            existing: what becomes of labels that are there: ``error`` refuses, ``skip`` keeps them and does the other
                samples, ``overwrite`` replaces those that nobody accepted or edited
            reviewed: with ``overwrite``, also replace those
            accept_from: labels of which at least this IoU is expected are accepted without a look; takes ``gt_field``
            prefix: of the strategies' fields
            mask_dir: a folder for the labels' masks, as PNG files; None: they go into the samples' documents
            rel_dir: the folder below which the pictures lie: their own folders are made again in ``mask_dir``
            engine: ``here`` or ``ray``, workers by Ray: this and the next four as in ``apply_strategies``
            workers: how many
            ray_address: of a cluster, or ``auto``
            cpus_per_worker: processors of each, and threads
            gpus_per_worker: GPUs of each; none is used, and 0 lets others have them
            progress: show a progress bar

        Returns:
            what was written: ``print`` it

        Raises:
            ValueError: what was wrong with the request, before anything is written
        """
        from ..prompting.runs.finish_plan import FinishPlan
        from ..prompting.runs.finishing import finish

        crew = engine_choice.engine_of(locals())
        names, kept = forms.names(strategies), (existing, reviewed)
        plan = FinishPlan(rule, names, gt_field, name, *kept, accept_from, prefix, mask_dir, rel_dir)
        return follow(finish(sample_collection, plan, crew), progress)


def _told(ctx) -> str:
    from ..prompting.dataset.names import instances_field

    return f"For the masks; the instances go to {instances_field(ctx.params.get('name') or NAME)}"


def _there(ctx, prefix: str) -> list[str]:
    """The strategies that may become labels, the best first where they were evaluated."""
    from ..prompting.dataset.judgements import load_comparison
    from ..prompting.dataset.present import strategies_in

    there, comparison = strategies_in(ctx.dataset, prefix), load_comparison(ctx.dataset, prefix)
    rank = {row.strategy: i for i, row in enumerate(comparison.rows)} if comparison else {}
    return sorted(there, key=lambda name: rank.get(name, len(rank)))


def _ask_strategies(ctx, inputs: types.Object, prefix: str, rule: str) -> bool:
    """Which strategies: False where there is none to ask for."""
    from ..prompting.dataset.present import in_words

    there, filled = _there(ctx, prefix), _filled(ctx, prefix, rule)
    if not there:
        forms.show_problem(inputs, f"There are no results with the prefix {prefix}; apply strategies first.")
        return False
    lines = {name: in_words(name) for name in there}
    if rule == ONE:
        forms.choose_one(inputs, "strategy", lines, filled["strategy"], LABELS["strategy"])
    elif rule == CASCADE:
        told = f"In their order, with commas between them; there are: {', '.join(there)}"
        inputs.str("order", default=filled["order"], required=True, label=LABELS["strategies"], description=told)
    else:
        forms.choose_several(inputs, "strategies", lines, filled["strategies"], LABELS["strategies"])
    return True


def _ask_truth(ctx, inputs: types.Object, prefix: str, rule: str) -> None:
    truths, default = _truths(ctx, prefix)
    told = "What a part of the samples teaches of the others: expected IoUs, and which rule is best"
    needed = rule == LEARNED
    if truths:
        forms.choose_one(inputs, "gt_field", truths, default, LABELS["gt_field"], required=needed, description=told)
        if ctx.params.get("gt_field") or default:
            told = "Labels of which at least this IoU is expected are accepted without a look; empty: none"
            inputs.float("accept_from", label=LABELS["accept_from"], description=told)
    elif needed:
        forms.show_problem(inputs, "There is no ground truth to learn from: choose another rule.")


def _truths(ctx, prefix: str) -> tuple[dict[str, str], str | None]:
    """The fields that may be the truth, and the last evaluation's, where it has enough to teach anything."""
    from ..prompting.dataset.everywhere import all_samples
    from ..prompting.final.promise import FEWEST

    truths, last = truths_of(ctx, prefix)
    return truths, last if last and len(all_samples(ctx.dataset).exists(last)) >= FEWEST else None


def _filled(ctx, prefix: str, rule: str) -> dict:
    """What the form begins with."""
    there = _there(ctx, prefix)
    truth = _truths(ctx, prefix)[1]
    begins = {"gt_field": truth} if truth else {}
    if rule == ONE:
        return {**begins, "strategy": next(iter(there), None)}
    return {**begins, "order": ", ".join(there[:2])} if rule == CASCADE else {**begins, "strategies": there}


def _plan(params: dict):
    """What is asked for; a form asks for one strategy, and for an order, under names of their own."""
    from ..prompting.runs.finish_plan import FinishPlan

    known = ("rule", "strategies", "name", "gt_field", "existing", "reviewed", "accept_from", "prefix")
    known += mask_folder.FOLDERS if params.get("mask_dir") else ()
    given = forms.chosen(params, known, lists=("strategies",))
    rule = given.get("rule", ONE)
    if rule == ONE and params.get("strategy"):
        given["strategies"] = params["strategy"]
    elif rule == CASCADE and params.get("order"):
        given["strategies"] = forms.names(params["order"])
    return FinishPlan(**given)
