"""What the operators ask that work on one strategy's results."""

from __future__ import annotations

from collections.abc import Iterator

import fiftyone.operators.types as types
from tqdm.auto import tqdm

from . import forms


def ask_strategy(ctx, inputs: types.Object, prefix: str, scored: bool = False) -> str | None:
    """One of the strategies that have results, the best first; None where there is none, which the form then says.

    Args:
        ctx: of the operator
        inputs: the form
        prefix: of the strategies' fields
        scored: those that were evaluated alone
    """
    from ..prompting.dataset.judgements import load_comparison
    from ..prompting.dataset.present import strategies_in
    from ..prompting.prompts.strategies import STRATEGIES

    there = strategies_in(ctx.dataset, prefix)
    comparison = load_comparison(ctx.dataset, prefix)
    rows = [row for row in comparison.rows if row.strategy in there] if comparison else []
    choices = {row.strategy: f"mean IoU {row.mean_iou:.3f}" for row in rows}
    if not scored:
        choices |= {name: STRATEGIES[name].description for name in there if name not in choices}
    if not choices:
        what = "evaluated" if scored and there else "applied to this dataset"
        forms.show_problem(inputs, f"No strategy with the prefix {prefix!r} was {what} yet.")
        return None
    best = next(iter(choices))
    forms.choose_one(inputs, "strategy", choices, best, "Strategy")
    given = ctx.params.get("strategy")
    return given if given in choices else best


def follow(steps: Iterator, progress: bool, unit: str = "image"):
    """Run to the end with a progress bar, and return the last that was told."""
    from ..prompting.runs.progress import Progress

    last = None
    with tqdm(unit=unit, disable=not progress) as bar:
        for last in steps:
            if isinstance(last, Progress):
                bar.total = last.total
                bar.update(last.done - bar.n)
    return last


def tell_steps(ctx, steps: Iterator, ended: list, unit: str = "samples") -> Iterator:
    """Messages for the App, one a step; what isn't progress is put into ``ended``."""
    from ..prompting.runs.progress import Progress

    for step in steps:
        if isinstance(step, Progress):
            yield forms.tell(ctx, forms.share(step), forms.sentence(step, unit))
        else:
            ended.append(step)
